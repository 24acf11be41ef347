/**
 * Makes the control backup: a small table that has every kind of file that a proof must tell good from bad, backed up by the
 * embedded engine. Run by hand when a new engine writes files that the one in `control.json` does not have:
 * `node functions/prove/control/make.ts`.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Session } from 'chdb';

const STATEMENTS = [
  'CREATE DATABASE control',
  `CREATE TABLE control.events (id UInt32, day Date, name String)
   ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY id
   SETTINGS min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0, index_granularity = 64`,
  `INSERT INTO control.events
   SELECT number, toDate('2026-01-01') + number % 40, concat('row ', toString(number)) FROM numbers(500)`,
];

const home = mkdtempSync(join(tmpdir(), 'safehouse-control-'));
const backup = join(home, 'backups', 'good');
mkdirSync(join(home, 'backups'));
writeFileSync(
  join(home, 'config.xml'),
  `<clickhouse><backups><allowed_path>${home}/backups/</allowed_path></backups></clickhouse>`,
);
const session = new Session(join(home, 'data'), {
  connectionArgs: [`--config-file=${join(home, 'config.xml')}`],
});
for (const statement of STATEMENTS) session.query(statement);
session.query(`BACKUP DATABASE control TO File('${backup}')`);
session.close();

const files = readdirSync(backup, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(backup, join(entry.parentPath, entry.name)))
  .sort();
const content = Object.fromEntries(
  files.map((file) => [file, readFileSync(join(backup, file)).toString('base64')]),
);
writeFileSync(
  fileURLToPath(new URL('control.json', import.meta.url)),
  `${JSON.stringify({ version: 1, files: content }, null, 1)}\n`,
);
rmSync(home, { recursive: true });
