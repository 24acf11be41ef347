import { beforeEach, describe, expect, it } from 'vitest';
import type { Evidence } from '../../../clients/ledger.ts';
import { type MadeBackup, ProvingGround } from './proving-ground.ts';

const ground = new ProvingGround();

const FAMILY = [
  ['replacing', 'ReplacingMergeTree', 'id UInt64, n UInt64', 'number % 10, number'],
  ['summing', 'SummingMergeTree', 'id UInt64, n UInt64', 'number % 10, 1'],
  [
    'aggregating',
    'AggregatingMergeTree',
    'id UInt64, n SimpleAggregateFunction(sum, UInt64)',
    'number % 10, 1',
  ],
] as const;

const ODD_TABLES = [
  'with space',
  "quote's",
  'back`tick',
  'per%cent',
  'ünïcödé 表',
  'new\nline',
  'dot.ted',
  'slash/ed',
] as const;
const ODD_DATABASE = "odd-one's %";

const quote = (name: string): string => `\`${name.replace(/[\\`]/g, '\\$&')}\``;

const STATEMENTS = [
  'CREATE DATABASE shop',
  `CREATE TABLE shop.wide (id UInt64, s String, PROJECTION by_s (SELECT s, count() GROUP BY s)) ENGINE = MergeTree
   PARTITION BY id % 3 ORDER BY id SETTINGS min_bytes_for_wide_part = 0`,
  'INSERT INTO shop.wide SELECT number, toString(number) FROM numbers(1000)',
  `CREATE TABLE shop.compact (id UInt64, s LowCardinality(Nullable(String)), a Array(UInt8), m Map(String, UInt8), j Tuple(x UInt8, y String))
   ENGINE = MergeTree PARTITION BY id % 2 ORDER BY id SETTINGS min_bytes_for_wide_part = 100000000`,
  `INSERT INTO shop.compact SELECT number, toString(number % 7), [1, 2], map('k', 1), (1, 'y') FROM numbers(500)`,
  `CREATE TABLE shop.sparse (id UInt64, zero UInt64) ENGINE = MergeTree ORDER BY id
   SETTINGS min_bytes_for_wide_part = 0, ratio_of_defaults_for_sparse_serialization = 0.5`,
  'INSERT INTO shop.sparse SELECT number, number = 7 FROM numbers(1000)',
  `CREATE TABLE shop.indexed (id UInt64, s String, INDEX bloom s TYPE bloom_filter GRANULARITY 1, INDEX range id TYPE minmax GRANULARITY 1)
   ENGINE = MergeTree ORDER BY id SETTINGS min_bytes_for_wide_part = 0`,
  'INSERT INTO shop.indexed SELECT number, toString(number) FROM numbers(300)',
  `CREATE TABLE shop.codec (id UInt64 CODEC(Delta, ZSTD(3)), s String CODEC(LZ4HC), n UInt8 CODEC(NONE)) ENGINE = MergeTree ORDER BY id`,
  'INSERT INTO shop.codec SELECT number, toString(number), 1 FROM numbers(500)',
  `CREATE TABLE shop.ttl (id UInt64, d DateTime TTL d + INTERVAL 10 YEAR) ENGINE = MergeTree ORDER BY id TTL d + INTERVAL 20 YEAR`,
  'INSERT INTO shop.ttl SELECT number, now() FROM numbers(20)',
  ...FAMILY.flatMap(([name, engine, columns, values]) => [
    `CREATE TABLE shop.${name} (${columns}) ENGINE = ${engine} ORDER BY id`,
    `INSERT INTO shop.${name} SELECT ${values} FROM numbers(100)`,
    `INSERT INTO shop.${name} SELECT ${values} FROM numbers(50)`,
  ]),
  'CREATE TABLE shop.deleted (id UInt64) ENGINE = MergeTree ORDER BY id',
  'INSERT INTO shop.deleted SELECT number FROM numbers(100)',
  'DELETE FROM shop.deleted WHERE id < 30',
  ...['Log', 'TinyLog', 'StripeLog', 'Memory'].flatMap((engine, index) => [
    `CREATE TABLE shop.${engine.toLowerCase()} (id UInt64, s String) ENGINE = ${engine}`,
    `INSERT INTO shop.${engine.toLowerCase()} SELECT number, toString(number) FROM numbers(${70 + index})`,
    `CREATE TABLE shop.empty_${engine.toLowerCase()} (id UInt64) ENGINE = ${engine}`,
  ]),
  'CREATE TABLE shop.empty (id UInt64) ENGINE = MergeTree ORDER BY id',
  'CREATE MATERIALIZED VIEW shop.inner_view ENGINE = MergeTree ORDER BY id AS SELECT id FROM shop.source',
  'CREATE TABLE shop.view_target (id UInt64) ENGINE = MergeTree ORDER BY id',
  'CREATE MATERIALIZED VIEW shop.to_view TO shop.view_target AS SELECT id FROM shop.source',
  'INSERT INTO shop.source SELECT number FROM numbers(33)',
  'CREATE VIEW shop.plain_view AS SELECT count() AS n FROM shop.wide',
  `CREATE DICTIONARY shop.dictionary (id UInt64, s String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'codec' DB 'shop')) LAYOUT(FLAT()) LIFETIME(0)`,
  'CREATE TABLE shop.buffer AS shop.codec ENGINE = Buffer(shop, codec, 1, 1000, 1000, 10000, 1000000, 10000000, 100000000)',
  'CREATE TABLE shop.joined (id UInt64, s String) ENGINE = Join(ANY, LEFT, id)',
  `INSERT INTO shop.joined VALUES (1, 'x')`,
  ...ODD_TABLES.flatMap((name, index) => [
    `CREATE TABLE shop.${quote(name)} (id UInt64) ENGINE = MergeTree ORDER BY id`,
    `INSERT INTO shop.${quote(name)} SELECT number FROM numbers(${index + 1})`,
  ]),
  `CREATE DATABASE ${quote(ODD_DATABASE)}`,
  `CREATE TABLE ${quote(ODD_DATABASE)}.${quote("its tab'le")} (id UInt64) ENGINE = MergeTree PARTITION BY id % 2 ORDER BY id`,
  `INSERT INTO ${quote(ODD_DATABASE)}.${quote("its tab'le")} SELECT number FROM numbers(12)`,
  'CREATE TABLE default.orders (id UInt64) ENGINE = MergeTree ORDER BY id',
  'INSERT INTO default.orders SELECT number FROM numbers(11)',
  'CREATE DATABASE nothing',
];

/** `INSERT INTO shop.source` needs it before the views look at it. */
const SOURCE = 'CREATE TABLE shop.source (id UInt64) ENGINE = MergeTree ORDER BY id';

interface Source {
  readonly database: string;
  readonly name: string;
  readonly engine: string;
  readonly rows: string;
}

interface Made {
  readonly full: MadeBackup;
  readonly incremental: MadeBackup;
  /** What the server counted when each was made. */
  readonly sources: readonly Source[];
  readonly fingerprints: ReadonlyMap<string, string>;
}

let made: Made | undefined;
let target = '';
const DATABASES = ['shop', ODD_DATABASE, 'nothing'];
const SETTINGS = { databases: DATABASES };

/** A view that writes elsewhere holds nothing, and of a TinyLog ClickHouse writes no number of rows down. */
const UNCOUNTED: ReadonlySet<string> = new Set(['shop.to_view', 'shop.tinylog']);

const COUNTED = /MergeTree$|Log$|^Memory$|^MaterializedView$/;

/** Each table is counted by itself, as a person would. */
async function countSources(): Promise<Source[]> {
  const tables = await ground.ask<Omit<Source, 'rows'>>(
    `SELECT database, name, engine FROM system.tables
     WHERE database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA', 'default') AND name NOT LIKE '.inner%'`,
  );
  const counted: Source[] = [];
  for (const table of tables) {
    if (!COUNTED.test(table.engine)) continue;
    const [row] = await ground.ask<{ rows: string }>(
      `SELECT count() AS rows FROM ${quote(table.database)}.${quote(table.name)}`,
    );
    counted.push({ ...table, rows: row?.rows ?? '' });
  }
  return counted;
}

const keyOf = ({ database, name }: { database: string; name: string }): string => `${database}.${name}`;

async function fingerprintSources(): Promise<Map<string, string>> {
  const rows = await ground.ask<{ database: string; name: string; fingerprint: string }>(
    `SELECT database, table AS name, lower(hex(cityHash64(arraySort(groupArray((partition_id, rows, hash_of_all_files)))))) AS fingerprint
     FROM system.parts WHERE active AND table NOT LIKE '.inner%' GROUP BY database, table`,
  );
  return new Map(rows.map((row) => [keyOf(row), row.fingerprint]));
}

async function make(): Promise<Made> {
  const [createDatabase = '', ...rest] = STATEMENTS;
  await ground.tell(createDatabase, SOURCE, ...rest);
  await ground.tell(...['wide', 'compact', 'replacing'].map((name) => `SYSTEM STOP MERGES shop.${name}`));
  const full = await ground.backUp(target);
  const sources = await countSources();
  const fingerprints = await fingerprintSources();
  await ground.tell('INSERT INTO shop.wide SELECT number, toString(number) FROM numbers(5)');
  return { full, incremental: await ground.backUp(target, 'incremental'), sources, fingerprints };
}

beforeEach(async () => {
  if (made !== undefined) return ground.setTarget(target, SETTINGS);
  target = ground.addTarget(SETTINGS);
  made = await make();
}, 120_000);

const known = (): Made => {
  if (made === undefined) throw new Error('nothing was made');
  return made;
};

async function evidenceOf(backup: MadeBackup): Promise<Evidence<'proven'>> {
  const proof = await ground.prove(backup);
  if (proof.verdict !== 'proven') throw new Error(proof.failure.what);
  return proof.evidence;
}

describe('the evidence of a proof', { timeout: 120_000 }, () => {
  it('has the rows that the server counts, for every engine whose data ClickHouse saves', async () => {
    const { full, sources } = known();
    const { tables } = await evidenceOf(full);
    const counted = Object.fromEntries(
      tables.filter(({ engine }) => COUNTED.test(engine)).map((table) => [keyOf(table), table.rows]),
    );
    expect(sources.length).toBeGreaterThan(30);
    expect(counted).toEqual(
      Object.fromEntries(
        sources.map((source) => [keyOf(source), UNCOUNTED.has(keyOf(source)) ? null : Number(source.rows)]),
      ),
    );
  });

  it('says of each table how it was read', async () => {
    const { tables } = await evidenceOf(known().full);
    const readings = Object.groupBy(tables, ({ reading }) => reading);
    const names = (reading: keyof typeof readings) => (readings[reading] ?? []).map(keyOf).sort();
    expect(names('hashed')).toEqual([
      'shop.inner_view',
      'shop.log',
      'shop.memory',
      'shop.stripelog',
      'shop.tinylog',
    ]);
    expect(names('definition')).toEqual([
      'shop.buffer',
      'shop.dictionary',
      'shop.empty_log',
      'shop.empty_memory',
      'shop.empty_stripelog',
      'shop.empty_tinylog',
      'shop.joined',
      'shop.plain_view',
      'shop.to_view',
    ]);
    expect(names('checked')).toEqual(
      tables
        .filter(({ engine }) => engine.endsWith('MergeTree'))
        .map(keyOf)
        .sort(),
    );
    expect(tables.find(({ name }) => name === 'buffer')?.coverage).toBe('schema only');
  });

  it("has the fingerprints that the server's own parts have", async () => {
    const { full, fingerprints } = known();
    const { tables } = await evidenceOf(full);
    const checked = tables.filter(({ reading, parts }) => reading === 'checked' && parts > 0);
    expect(checked.length).toBeGreaterThan(20);
    expect(Object.fromEntries(checked.map((table) => [keyOf(table), table.fingerprint]))).toEqual(
      Object.fromEntries(checked.map((table) => [keyOf(table), fingerprints.get(keyOf(table))])),
    );
  });

  it('is the same for an incremental, but for what is new', async () => {
    const { full, incremental } = known();
    const [before, after] = [await evidenceOf(full), await evidenceOf(incremental)];
    const changed = after.tables.filter((table, index) => {
      const same = before.tables[index];
      return table.rows !== same?.rows || table.fingerprint !== same.fingerprint;
    });
    expect(changed.map(keyOf)).toEqual(['shop.wide']);
    expect(changed[0]?.rows).toBe(1005);
    expect(after.bytesRead).toBeGreaterThan(before.bytesRead);
  });

  it('at the level of counts is the same, and read next to nothing', async () => {
    const { full } = known();
    const bytes = await evidenceOf(full);
    const proof = await ground.prove(full, { level: 'counts', name: 'counts', occasion: 'again' });
    expect(proof).toMatchObject({ verdict: 'proven' });
    const plan = await ground.readPlan(full, 'counts');
    expect(plan.tables).toEqual(bytes.tables);
    expect(plan.items).toEqual([{ kind: 'contents', slice: 0, slices: 1, bytes: 0 }]);
    expect((await ground.readResult(full, 'counts', 0)).bytes).toBeLessThan(bytes.bytesRead / 5);
  });
});

it('is proven, and asked, under the name `default` as well, next to another one', {
  timeout: 60_000,
}, async () => {
  const assertions = [{ query: 'SELECT count() = 11 FROM orders' }];
  const its = ground.addTarget({ prove: { assertions } });
  const tables = [
    { database: 'default', name: 'orders', engine: 'MergeTree', coverage: 'data' },
    { database: ODD_DATABASE, name: "its tab'le", engine: 'MergeTree', coverage: 'data' },
  ] as const;
  const backup = await ground.backUpByHand(its, ['default', ODD_DATABASE], tables);
  expect(await evidenceOf(backup)).toMatchObject({
    tables: [
      { database: 'default', name: 'orders', rows: 11, reading: 'checked' },
      { database: ODD_DATABASE, name: "its tab'le", rows: 12, reading: 'checked' },
    ],
    assertions: [{ database: 'default', passed: true, answer: '1' }],
  });
});
