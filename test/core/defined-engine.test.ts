import { expect, it } from 'vitest';
import { definedEngine } from '../../core/defined-engine.ts';

/** As 26.7 writes them. */
it.each([
  [
    'MergeTree',
    "CREATE TABLE shop.events UUID '97cf' (`id` UInt64) ENGINE = MergeTree ORDER BY id SETTINGS index_granularity = 8192",
  ],
  [
    'ReplicatedReplacingMergeTree',
    "CREATE TABLE a.b (`id` UInt64) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}') ORDER BY id",
  ],
  ['Null', 'CREATE TABLE `my-shop`.nul (`a` UInt8) ENGINE = `Null`'],
  [
    'Buffer',
    "CREATE TABLE a.buf (`t` String) ENGINE = Buffer('a', 'events', 1, 10) COMMENT 'x ENGINE = Bar'",
  ],
  [
    'MergeTree',
    "CREATE TABLE a.b (`t` String DEFAULT 'ENGINE = Log' COMMENT 'it\\'s ENGINE = Foo') ENGINE = MergeTree ORDER BY t",
  ],
  ['Log', 'CREATE TABLE a.`ENGINE = Memory` (`ENGINE = Set` UInt8) ENGINE = Log'],
  [
    'Log',
    "CREATE TABLE a.b (`x` UInt8 DEFAULT if(1, (2), length('(')), CONSTRAINT c CHECK ENGINE = MergeTree) ENGINE = Log",
  ],
  [
    'MaterializedView',
    "CREATE MATERIALIZED VIEW a.mv TO INNER UUID 'f061' (`d` UInt8) ENGINE = SummingMergeTree ORDER BY d AS SELECT 1 AS d",
  ],
  ['MaterializedView', 'CREATE MATERIALIZED VIEW a.mv TO a.events (`id` UInt8) AS SELECT 1 AS id'],
  ['View', 'CREATE VIEW a.v (`ENGINE` UInt8) AS SELECT 1 AS ENGINE'],
  [
    'Dictionary',
    'CREATE DICTIONARY a.d (`id` UInt64) PRIMARY KEY id SOURCE(NULL()) LIFETIME(0) LAYOUT(FLAT())',
  ],
  ['LiveView', 'CREATE LIVE VIEW a.v (`id` UInt8) AS SELECT 1 AS id'],
  ['WindowView', 'ATTACH WINDOW VIEW a.v (`id` UInt8) ENGINE = Log AS SELECT 1 AS id'],
  ['Log', "CREATE TABLE a.b (`c` String COMMENT 'CREATE VIEW x') ENGINE = Log"],
  ['Log', "CREATE TABLE a.b (`c` String COMMENT 'CREATE MATERIALIZED VIEW x') ENGINE = Log"],
  [
    'Log',
    "CREATE TABLE a.b (`c` String COMMENT 'ATTACH DICTIONARY x CREATE LIVE VIEW y CREATE WINDOW VIEW z') ENGINE = Log",
  ],
  ['Log', 'CREATE TABLE a.b (`c\\` ENGINE = Set ` UInt8, "d\\" ENGINE = Set" UInt8) ENGINE = Log'],
  ['Lo\\`g', 'CREATE TABLE a.b (`c` UInt8) ENGINE = `Lo\\`g`'],
  ['TableFunction', "CREATE TABLE a.b (`c` String) COMMENT 'not closed ENGINE = Log"],
  ['TableFunction', 'CREATE TABLE a.`not closed ENGINE = Log'],
  ['TableFunction', 'CREATE TABLE a."not closed ENGINE = Log'],
  ['TableFunction', 'CREATE TABLE a.fn (`number` UInt64) AS numbers(10)'],
  ['TableFunction', 'nothing that ClickHouse would write'],
])('%s: %s', (engine, definition) => {
  expect(definedEngine(definition)).toBe(engine);
});
