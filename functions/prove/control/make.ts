/**
 * Makes the control backup: for each kind of damage a small table of its own that it will be done to, and one that stays sound,
 * backed up by the embedded engine. Run by hand when a new engine writes files that the one in `control.json` does not have:
 * `node functions/prove/control/make.ts`.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Session } from 'chdb';

/** The first keeps the files that all tables share, and no damage is done to it. */
const TABLES = [
  'a_sound',
  'checksums',
  'data',
  'definition',
  'marks',
  'missing',
  'primary',
  'swapped',
  'truncated',
] as const;

/** Every table has columns, rows and values of its own, so that none stores a file of another. */
const statementsFor = (table: string, index: number): string[] => [
  `CREATE TABLE control.${table} (id UInt32, day Date, of_${table} String COMMENT 'as it was')
   ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY id
   SETTINGS min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0, index_granularity = 64`,
  `INSERT INTO control.${table}
   SELECT number * ${index + 2}, toDate('2026-01-01') + number % ${table === 'swapped' ? 40 : 20}, concat('row ', toString(number * ${index + 3}))
   FROM numbers(${200 + index})`,
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
session.query('CREATE DATABASE control');
for (const statement of TABLES.flatMap(statementsFor)) session.query(statement);
session.query(`BACKUP DATABASE control TO File('${backup}')`);
session.close();

const files = readdirSync(backup, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(backup, join(entry.parentPath, entry.name)))
  .sort();
const content = Object.fromEntries(
  files.map((file) => [file, readFileSync(join(backup, file)).toString('base64')]),
);
const packed = gzipSync(JSON.stringify(content), { level: 9 }).toString('base64');
writeFileSync(
  fileURLToPath(new URL('control.json', import.meta.url)),
  `${JSON.stringify({ version: 3, tables: TABLES, files: packed }, null, 2)}\n`,
);
rmSync(home, { recursive: true });
