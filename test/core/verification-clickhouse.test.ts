/** Backups that ClickHouse itself has written, the embedded engine's, into directories. */
import { createReadStream } from 'node:fs';
import { cp, mkdtemp, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Session } from 'chdb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { coverageOf } from '../../core/coverage.ts';
import { SafehouseError } from '../../core/errors.ts';
import type { LedgerTable } from '../../core/ledger.ts';
import { type BackupStreams, type VerificationRequest, verifyBackup } from '../../core/verification.ts';

/** Quoted for SQL. */
const DATABASE = '`my shop\'s "пъ" 100%`';
const TABLE = '`a b%c/d\\`e.sql`';

const TABLES = [
  'CREATE DATABASE shop',
  `CREATE DATABASE ${DATABASE}`,
  'CREATE TABLE shop.events (id UInt64, text String) ENGINE = MergeTree ORDER BY id PARTITION BY id % 3',
  'CREATE TABLE shop.wide (id UInt64, `ключ %` String) ENGINE = MergeTree ORDER BY id SETTINGS min_bytes_for_wide_part = 0',
  'CREATE TABLE shop.empty (id UInt64) ENGINE = MergeTree ORDER BY id',
  'CREATE TABLE shop.memory (id UInt64) ENGINE = Memory',
  'CREATE TABLE shop.log (id UInt64) ENGINE = Log',
  'CREATE TABLE shop.tiny (id UInt64) ENGINE = TinyLog',
  'CREATE TABLE shop.stripe (id UInt64) ENGINE = StripeLog',
  'CREATE TABLE shop.buffer AS shop.events ENGINE = Buffer(shop, events, 1, 10, 100, 10000, 1000000, 10000000, 100000000)',
  'CREATE VIEW shop.view AS SELECT count() FROM shop.events',
  'CREATE MATERIALIZED VIEW shop.totals ENGINE = SummingMergeTree ORDER BY id AS SELECT id FROM shop.events',
  "CREATE DICTIONARY shop.dictionary (id UInt64, text String) PRIMARY KEY id SOURCE(CLICKHOUSE(DB 'shop' TABLE 'events')) LAYOUT(FLAT()) LIFETIME(0)",
  `CREATE TABLE ${DATABASE}.${TABLE} (\`k ü\` UInt64) ENGINE = MergeTree ORDER BY tuple()`,
];
const ROWS = [
  'INSERT INTO shop.events SELECT number, toString(number) FROM numbers(1000)',
  'INSERT INTO shop.wide SELECT number, toString(number) FROM numbers(1000)',
  'INSERT INTO shop.memory SELECT number FROM numbers(10)',
  'INSERT INTO shop.log SELECT number FROM numbers(10)',
  'INSERT INTO shop.tiny SELECT number FROM numbers(10)',
  'INSERT INTO shop.stripe SELECT number FROM numbers(10)',
  `INSERT INTO ${DATABASE}.${TABLE} SELECT number FROM numbers(100)`,
];
const MORE_ROWS = [
  'INSERT INTO shop.events SELECT number, toString(number) FROM numbers(2000, 50)',
  'INSERT INTO shop.log SELECT number FROM numbers(20, 10)',
];
const EVERYTHING = 'ALL EXCEPT DATABASES system, INFORMATION_SCHEMA, information_schema';

let directory: string;
let session: Session;
let scope: readonly LedgerTable[];

const backupPath = (name: string): string => join(directory, 'backups', name);

function backUp(name: string, settings = ''): void {
  const status = session.query(
    `BACKUP ${EVERYTHING} TO File('${backupPath(name)}') SETTINGS id = '${name}'${settings}`,
    'TSV',
  );
  expect(status).toContain('BACKUP_CREATED');
}

function readScope(): LedgerTable[] {
  const text = session.query(
    "SELECT database, name, engine FROM system.tables WHERE database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema')",
    'JSONCompact',
  );
  const { data }: { data: [string, string, string][] } = JSON.parse(text);
  return data.map(([database, name, engine]) => ({ database, name, engine, coverage: coverageOf(engine) }));
}

async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const streamsOf = (path: string): BackupStreams => ({
  manifest: () => createReadStream(join(path, '.backup'), { highWaterMark: 1000 }),
  listing: async function* () {
    for (const file of await filesOf(path))
      yield { key: relative(path, file), size: (await stat(file)).size };
  },
});

/** What lies in one folder of the backup that stores every file, equal or not. */
async function storedUnder(folder: string): Promise<{ files: number; bytes: number }> {
  const files = await filesOf(join(backupPath('full-undeduplicated'), folder));
  let bytes = 0;
  for (const file of files) bytes += (await stat(file)).size;
  return { files: files.length, bytes };
}

const requestOf = (name: string): VerificationRequest => ({
  ...streamsOf(backupPath(name)),
  id: name,
  scope,
  expectedBase: name.startsWith('incremental'),
  ...(name.startsWith('incremental') ? { base: streamsOf(backupPath('full')) } : {}),
});

async function outcomeOf(request: VerificationRequest): Promise<string> {
  try {
    return (await verifyBackup(request)).verdict;
  } catch (error) {
    if (error instanceof SafehouseError) return error.name;
    throw error;
  }
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safehouse-verification-'));
  const config = join(directory, 'config.xml');
  await writeFile(
    config,
    `<clickhouse><backups><allowed_path>${join(directory, 'backups')}</allowed_path></backups></clickhouse>`,
  );
  session = new Session(join(directory, 'data'), { connectionArgs: [`--config-file=${config}`] });
  for (const statement of [...TABLES, ...ROWS]) session.query(statement);
  scope = readScope();
  backUp('full');
  backUp('full-by-checksum', ", data_file_name_generator = 'checksum'");
  backUp('full-undeduplicated', ', deduplicate_files = 0');
  for (const statement of MORE_ROWS) session.query(statement);
  const base = `, base_backup = File('${backupPath('full')}')`;
  backUp('incremental', base);
  backUp('incremental-by-checksum', `${base}, data_file_name_generator = 'checksum'`);
});

afterAll(async () => {
  session?.close();
  await rm(directory, { recursive: true, force: true });
});

describe('verifyBackup of a backup that ClickHouse wrote', () => {
  it.each(['full', 'full-by-checksum', 'full-undeduplicated', 'incremental', 'incremental-by-checksum'])(
    'finds nothing wrong: %s',
    async (name) => {
      const verification = await verifyBackup(requestOf(name));
      const files = await filesOf(backupPath(name));

      expect(verification.findings).toEqual([]);
      expect(verification).toMatchObject({
        verdict: 'complete',
        objects: files.length,
        otherTables: { count: 0 },
        usesBase: name.startsWith('incremental'),
        header: { backupId: name },
      });
    },
  );

  it('counts the files and bytes as the server does, and those of a table as they are stored', async () => {
    const { tables, files, logicalBytes } = await verifyBackup(requestOf('full'));
    const backups = session.query(
      "SELECT num_files, total_size FROM system.backups WHERE id = 'full'",
      'TSV',
    );
    const contentOf = (name: string) => tables.find((table) => table.name === name);

    expect(`${files}\t${logicalBytes}\n`).toBe(backups);
    for (const name of ['events', 'wide', 'log', 'memory'])
      expect(contentOf(name)).toMatchObject(await storedUnder(`data/shop/${name}`));
    for (const name of ['events', 'totals', 'memory', 'log', 'tiny', 'stripe', 'a b%c/d`e.sql'])
      expect(contentOf(name)?.files).toBeGreaterThan(0);
    for (const name of ['empty', 'buffer', 'view', 'dictionary'])
      expect(contentOf(name)).toMatchObject({ files: 0, bytes: 0 });
  });

  it('finds the beginning of a file that grew in the base, and the rest here', async () => {
    const { files, objects, logicalBytes, bytes } = await verifyBackup(requestOf('incremental'));

    expect(objects).toBeLessThan(files / 2);
    expect(bytes).toBeLessThan(logicalBytes);
  });

  it.each(['full', 'full-by-checksum', 'incremental'])('misses any single file of %s', async (name) => {
    const away = join(directory, 'away');
    const files = await filesOf(backupPath(name));
    for (const file of files) {
      await rename(file, away);
      expect(await outcomeOf(requestOf(name)), file).toBe('incomplete');
      await rename(away, file);
    }
    expect(files.length).toBeGreaterThan(10);
    expect(await outcomeOf(requestOf(name))).toBe('complete');
  });

  it('sees that any single file of a backup is a byte short', async () => {
    await cp(backupPath('full'), join(directory, 'short'), { recursive: true });
    const request = { ...requestOf('full'), ...streamsOf(join(directory, 'short')) };
    expect(await outcomeOf(request)).toBe('complete');

    for (const file of await filesOf(join(directory, 'short'))) {
      const { size } = await stat(file);
      await truncate(file, size - 1);
      expect(await outcomeOf(request), file).not.toBe('complete');
      await cp(file.replace(join(directory, 'short'), backupPath('full')), file);
    }
    expect(await outcomeOf(request)).toBe('complete');
  });

  it('misses in the base whatever an incremental takes from it, and nothing else', async () => {
    const away = join(directory, 'away');
    const outcomes = new Map<string, string>();
    for (const file of await filesOf(backupPath('full'))) {
      await rename(file, away);
      outcomes.set(relative(backupPath('full'), file), await outcomeOf(requestOf('incremental')));
      await rename(away, file);
    }

    expect(outcomes.get('metadata/shop/events.sql')).toBe('incomplete');
    expect(outcomes.get('data/shop/log/__marks.mrk')).toBe('incomplete');
    expect(outcomes.get('data/shop/log/sizes.json')).toBe('complete');
    expect(outcomes.get('.backup')).toBe('incomplete');
  });
});
