import { describe, expect, it } from 'vitest';
import { readDefinition } from '../../core/definition.ts';
import { DEFINITION } from './restore-plans.ts';

it('finds nothing in a plain table', () => {
  expect(
    readDefinition(
      'CREATE TABLE shop.orders (`id` UInt64) ENGINE = MergeTree ORDER BY id SETTINGS index_granularity = 8192',
    ),
  ).toEqual(DEFINITION);
});

it('finds the storage policy, and where a TTL moves parts to', () => {
  const sql = String.raw`CREATE TABLE shop.orders (id UInt64, at DateTime) ENGINE = MergeTree ORDER BY id TTL at + toIntervalDay(1) TO VOLUME 'co\'ld', at + toIntervalDay(9) TO DISK 's3', at + toIntervalDay(99) TO DISK 's3' SETTINGS storage_policy = 'hot_\\cold', index_granularity = 8192`;
  expect(readDefinition(sql)).toEqual({
    ...DEFINITION,
    storagePolicy: String.raw`hot_\cold`,
    volumes: ["co'ld"],
    disks: ['s3'],
  });
});

it('finds the one disk that it is kept on, unless it brings that along', () => {
  const disk = (settings: string) =>
    readDefinition(`CREATE TABLE shop.t (id UInt64) ENGINE = MergeTree ORDER BY id ${settings}`).disk;
  expect(disk("SETTINGS disk = 's3\\'s', index_granularity = 8192")).toBe("s3's");
  expect(disk("TTL at WHERE disk = 'x' SETTINGS index_granularity = 8192")).toBeNull();
  expect(disk("SETTINGS disk = disk(name = 'own', type = 'local')")).toBeNull();
});

it('takes nothing out of the query of a view', () => {
  const query = "SELECT * FROM system.tables WHERE storage_policy = 'hot' SETTINGS disk = 'x'";
  for (const text of [`AS ${query}`, `AS (${query})`, `AS WITH 1 AS one ${query}`])
    expect(readDefinition(`CREATE VIEW shop.v (name String) ${text}`)).toEqual(DEFINITION);
});

it.each([
  [
    "ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/o\\'rders', '{replica}')",
    "/clickhouse/tables/{shard}/o'rders",
  ],
  [
    "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/o\\'rders', '{replica}', ver)",
    "/clickhouse/tables/{shard}/o'rders",
  ],
])('finds the replica: %s', (engine, path) => {
  expect(readDefinition(`CREATE TABLE shop.orders (id UInt64) ${engine} ORDER BY id`).replica).toEqual({
    path,
    name: '{replica}',
  });
});

it('knows no replica where none is named', () => {
  expect(
    readDefinition('CREATE TABLE shop.orders (id UInt64) ENGINE = ReplicatedMergeTree ORDER BY id').replica,
  ).toBeNull();
});

describe('a view that refreshes by itself', () => {
  it.each([
    [
      'CREATE MATERIALIZED VIEW shop.v REFRESH EVERY 1 HOUR (id UInt64) ENGINE = MergeTree ORDER BY id AS SELECT 1 AS id',
      true,
    ],
    [
      'CREATE MATERIALIZED VIEW shop.v\nREFRESH AFTER 1 HOUR APPEND TO shop.t\n(\n `id` UInt64\n)\nAS SELECT 1 AS id',
      true,
    ],
    ['CREATE MATERIALIZED VIEW shop.v TO shop.t (id UInt64) AS SELECT 1 AS id', false],
    ["CREATE MATERIALIZED VIEW shop.v TO shop.t (id String) AS SELECT ' REFRESH EVERY 1 HOUR ' AS id", false],
    [
      "CREATE MATERIALIZED VIEW shop.v TO shop.t (id String) AS WITH 1 AS x SELECT ' REFRESH AFTER 1 HOUR ' AS id",
      false,
    ],
    [
      "CREATE TABLE shop.t (id String COMMENT 'CREATE MATERIALIZED VIEW x REFRESH EVERY 1 HOUR ') ENGINE = Log",
      false,
    ],
    ["CREATE TABLE shop.t (id String DEFAULT ' REFRESH EVERY 1 HOUR ') ENGINE = Log", false],
  ])('%s: %j', (sql, refreshable) => {
    expect(readDefinition(sql).refreshable).toBe(refreshable);
  });
});
