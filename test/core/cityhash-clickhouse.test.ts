/** The checksum against those that ClickHouse itself, the embedded engine, has written into manifests. */
import { describe, expect, it } from 'vitest';
import { FileChecksum } from '../../core/cityhash.ts';
import type { ManifestFile } from '../../core/manifest.ts';
import { type EngineBackups, engineBackups } from './engine-backups.ts';

function checksumOf(...chunks: readonly Uint8Array[]): string {
  const checksum = new FileChecksum();
  for (const chunk of chunks) checksum.update(chunk);
  return checksum.digest();
}

const TABLES = [
  'CREATE DATABASE shop',
  'CREATE TABLE shop.compact (id UInt64, text String, tags Array(String)) ENGINE = MergeTree ORDER BY id PARTITION BY id % 3',
  'CREATE TABLE shop.wide (id UInt64, `ключ %` String, kind LowCardinality(String), INDEX i kind TYPE set(10), PROJECTION p (SELECT kind, count() GROUP BY kind)) ENGINE = MergeTree ORDER BY id SETTINGS min_bytes_for_wide_part = 0',
  'CREATE TABLE shop.uncompressed (id UInt64 CODEC(NONE)) ENGINE = MergeTree ORDER BY id SETTINGS compress_primary_key = 0, compress_marks = 0',
  // Its files `partition.dat` hold a partition's text and its length, and so are of any length and content.
  'CREATE TABLE shop.lengths (text String) ENGINE = MergeTree PARTITION BY text ORDER BY tuple()',
  'CREATE TABLE shop.memory (id UInt64) ENGINE = Memory',
  'CREATE TABLE shop.log (id UInt64, text String) ENGINE = Log',
  'CREATE TABLE shop.tiny (id UInt64, text String) ENGINE = TinyLog',
  'CREATE TABLE shop.stripe (id UInt64, text String) ENGINE = StripeLog',
  'CREATE MATERIALIZED VIEW shop.totals ENGINE = SummingMergeTree ORDER BY id AS SELECT id FROM shop.compact',
  "CREATE DICTIONARY shop.dictionary (id UInt64, text String) PRIMARY KEY id SOURCE(CLICKHOUSE(DB 'shop' TABLE 'compact')) LAYOUT(FLAT()) LIFETIME(0)",
];
/** Of the text; its length before it takes 1 to 3 bytes. */
const LENGTHS = [...Array(300).keys(), 2045, 2046, 2047, 4093, 4094, 4095, 99_997];
const ROWS = [
  'INSERT INTO shop.compact SELECT number, toString(number), [randomString(9)] FROM numbers(1000)',
  'INSERT INTO shop.wide SELECT number, randomString(20), toString(number % 7) FROM numbers(20000)',
  'INSERT INTO shop.uncompressed SELECT rand64() FROM numbers(100000)',
  `INSERT INTO shop.lengths SELECT randomString(arrayJoin([${LENGTHS}])) SETTINGS max_partitions_per_insert_block = 0`,
];
const GROWING = [
  'INSERT INTO shop.memory SELECT rand64() FROM numbers(100)',
  ...['log', 'tiny', 'stripe'].map(
    (table) => `INSERT INTO shop.${table} SELECT number, randomString(10) FROM numbers(1000)`,
  ),
];

const REMOTE = [
  'CREATE DATABASE elsewhere',
  "CREATE TABLE elsewhere.events (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS storage_policy = 'remote'",
  "CREATE TABLE elsewhere.log (id UInt64) ENGINE = Log SETTINGS storage_policy = 'remote'",
  'INSERT INTO elsewhere.events SELECT rand64() FROM numbers(1000)',
  'INSERT INTO elsewhere.log SELECT rand64() FROM numbers(1000)',
];
const ENCRYPTED = [
  'CREATE DATABASE secret',
  "CREATE TABLE secret.events (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS storage_policy = 'encrypted'",
  'INSERT INTO secret.events SELECT rand64() FROM numbers(1000)',
];

const engine = engineBackups((engine) => {
  engine.query(...TABLES, ...ROWS, ...GROWING, ...REMOTE, ...ENCRYPTED);
  engine.backUp('shop', 'full');
  engine.backUp('shop', 'full-by-checksum', ", data_file_name_generator = 'checksum'");
  engine.backUp('shop', 'full-undeduplicated', ', deduplicate_files = 0');
  engine.query(...GROWING);
  engine.backUp('shop', 'incremental', `, base_backup = ${engine.location('full')}`);
  engine.backUp('elsewhere', 'remote');
  engine.backUp('elsewhere', 'remote-by-content', ', allow_checksums_from_remote_paths = 0');
  engine.backUp('secret', 'encrypted');
});

async function bytesOf(engine: EngineBackups, name: string, { dataFile }: ManifestFile): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  if (dataFile !== null) for await (const chunk of engine.streams(name).read(dataFile)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The names of files whose object has another checksum than the manifest says, of those that lie in this backup. */
async function differingFiles(name: string): Promise<string[]> {
  const differing: string[] = [];
  for (const file of await engine().manifest(name))
    if (!file.useBase && checksumOf(await bytesOf(engine(), name, file)) !== file.checksum)
      differing.push(file.name);
  return differing;
}

const leavesOf = (files: readonly string[]): Set<string> =>
  new Set(files.map((file) => file.slice(file.lastIndexOf('/') + 1)));

describe('FileChecksum of an object that ClickHouse wrote', () => {
  it.each(['full', 'full-by-checksum', 'full-undeduplicated', 'incremental', 'remote-by-content'])(
    'is what the manifest says of it: %s',
    async (name) => {
      expect(await differingFiles(name)).toEqual([]);
    },
  );

  it('is so for files of every kind, of every length up to 300 bytes, and around the borders of blocks', async () => {
    const files = await engine().manifest('full');
    const sizes = new Set(files.map(({ size }) => size));

    for (const size of [...Array(300).keys()].slice(1)) expect(sizes).toContain(size);
    for (const size of [2047, 2048, 2049, 4095, 4096, 4097, 100_000]) expect(sizes).toContain(size);
    for (const kind of ['checksums.txt', 'data.bin', 'primary.idx', 'data.mrk4', 'compact.sql', 'sizes.json'])
      expect(leavesOf(files.map((file) => file.name))).toContain(kind);
    expect(files.filter((file) => file.dataFile !== file.name).length).toBeGreaterThan(100);
  });

  it('covers a file that grew since its base as a whole: its bytes in the base, and then the new ones', async () => {
    const base = await engine().manifest('full');
    const grown = (await engine().manifest('incremental')).filter(
      (file) => file.useBase && file.dataFile !== null,
    );

    expect(leavesOf(grown.map((file) => file.name))).toEqual(
      new Set(['__marks.mrk', 'data.bin', 'id.bin', 'index.mrk', 'text.bin']),
    );
    for (const file of grown) {
      const inBase = base.find(
        ({ size, checksum }) => size === file.baseSize && checksum === file.baseChecksum,
      );
      if (inBase === undefined) throw new Error(`${file.name} has no base`);
      const checksum = new FileChecksum();
      checksum.update(await bytesOf(engine(), 'full', inBase));
      expect(checksum.digest(), file.name).toBe(file.baseChecksum);
      checksum.update(await bytesOf(engine(), 'incremental', file));
      expect(checksum.digest(), file.name).toBe(file.checksum);
    }
  });

  it('is another where the manifest took its checksum from the path on a remote disk', async () => {
    const differing = await differingFiles('remote');

    expect(differing).toContain('data/elsewhere/events/all_1_1_0/checksums.txt');
    expect(differing).toContain('data/elsewhere/log/id.bin');
    expect(differing).not.toContain('data/elsewhere/events/all_1_1_0/data.bin');
  });

  it('is another where the object is encrypted and its checksum is that of the part', async () => {
    const files = await engine().manifest('encrypted');

    expect(await differingFiles('encrypted')).toContain('data/secret/events/all_1_1_0/data.bin');
    expect(files.filter((file) => file.encryptedByDisk).map((file) => file.name)).toEqual(
      files.filter((file) => file.name.startsWith('data/')).map((file) => file.name),
    );
  });
});
