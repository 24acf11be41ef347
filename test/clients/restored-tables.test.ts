import { afterEach, describe, expect, it } from 'vitest';
import { type ClickHouse, openClickHouse } from '../../clients/clickhouse.ts';
import {
  checkTable,
  isCheckable,
  LONGEST_CHECK_SECONDS,
  readReplication,
  readRestoredTables,
} from '../../clients/restored-tables.ts';
import { plannedTable, restorePlan } from '../core/restore-plans.ts';
import { serveEngine } from '../local/engine/served-engine.ts';
import { failureOf } from '../support/failures.ts';
import { type Answer, fakeClickHouse } from '../support/fake-clickhouse.ts';
import { targetOf } from '../support/targets.ts';

const clickhouse = fakeClickHouse();
const opened: ClickHouse[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.client.close();
});

async function open(url = clickhouse.url): Promise<ClickHouse> {
  const each = await openClickHouse(targetOf({ url }));
  opened.push(each);
  return each;
}

describe('CHECK TABLE', () => {
  const PASSED = { part_path: 'all_1_1_0', is_passed: 1, message: '' };
  const check = async (answer: Answer) => {
    clickhouse.on(/^CHECK TABLE/, answer);
    return checkTable(await open(), plannedTable());
  };

  it('passes when every part does, and is ended by ClickHouse itself when it takes too long', async () => {
    expect(await check([PASSED, PASSED])).toEqual({
      database: 'shop',
      table: 'orders',
      passed: true,
      what: '2 parts were read to the last byte',
    });
    expect(clickhouse.asked[0]?.query).toContain(`max_execution_time = ${LONGEST_CHECK_SECONDS}`);
  });

  it('names damage, in a row or as an error', async () => {
    const damaged = { part_path: 'all_2_2_0', is_passed: 0, message: 'Checksum mismatch for file data.bin' };
    expect(await check([PASSED, damaged, damaged])).toMatchObject({
      passed: false,
      what: 'all_2_2_0: Checksum mismatch for file data.bin; and 1 more',
    });
    expect(
      await check({ code: 40, name: 'CHECKSUM_DOESNT_MATCH', text: 'Checksum does not match' }),
    ).toMatchObject({
      passed: false,
    });
  });

  it.each([
    [
      {
        code: 497,
        name: 'ACCESS_DENIED',
        text: 'Not enough privileges. To execute this query, it is necessary to have the grant CHECK ON shop.orders',
      },
      'Refused',
    ],
    [{ code: 159, name: 'TIMEOUT_EXCEEDED', text: 'Timeout exceeded: elapsed 830 seconds' }, 'Refused'],
    [{ code: 241, name: 'MEMORY_LIMIT_EXCEEDED', text: 'Memory limit exceeded' }, 'TemporarilyUnavailable'],
    ['connection reset', 'TemporarilyUnavailable'],
    [
      [
        {
          part_path: 'all_1_1_0',
          is_passed: 0,
          message: 'Code: 241. Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)',
        },
      ],
      'TemporarilyUnavailable',
    ],
  ] as const)('does not take what could not be read for damage: %j', async (answer, name) => {
    await failureOf(name, check(answer as Answer));
  });

  it.each([
    ['ReplicatedReplacingMergeTree', true],
    ['StripeLog', true],
    ['Memory', false],
    ['MaterializedView', false],
    ['Kafka', false],
  ])('reads %s: %j', (engine, expected) => {
    expect(isCheckable(plannedTable({ engine }))).toBe(expected);
    expect(isCheckable(plannedTable({ engine, coverage: 'schema only' }))).toBe(false);
  });
});

describe('replication', () => {
  const row = { table: 'shop.orders', total: 2, active: 2, queued: 0, readonly: 0, lowest: 7, highest: 7 };
  const replication = async (...rows: readonly (typeof row)[]) => {
    clickhouse.on(/system\.replicas/, rows);
    return readReplication(await open(), targetOf({ cluster: "c'1" }), restorePlan());
  };

  it('is healthy when all replicas are there with the same rows', async () => {
    expect(await replication(row)).toEqual([
      { table: 'shop.orders', healthy: true, what: '2 of 2 replicas are active, with the same rows' },
    ]);
  });

  it.each([
    [{ active: 1 }, '1 of 2 replicas are active'],
    [{ readonly: 1 }, 'a replica is read-only'],
    [{ lowest: 6 }, 'its replicas hold from 6 to 7 rows'],
    [{ queued: 3 }, '3 entries wait in a queue'],
  ])('is not with %j', async (overrides, what) => {
    expect(await replication({ ...row, ...overrides })).toMatchObject([{ healthy: false, what }]);
  });

  it('compares the replicas of a shard with each other, and not shards', async () => {
    await replication();
    const query = clickhouse.asked[0]?.query;
    expect(query).toContain('GROUP BY r.database, r.table, r.zookeeper_path');
    expect(query).toContain("clusterAllReplicas('c\\'1', system.replicas)");
  });
});

describe('a real server', () => {
  const engine = serveEngine();
  const tell = async (...queries: readonly string[]): Promise<void> => {
    for (const query of queries) await engine().client.command({ query });
  };

  it('counts what stands in each table, of partitions where only those were restored', async () => {
    await tell(
      'CREATE DATABASE shop',
      'CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree PARTITION BY id % 2 ORDER BY id AS SELECT number AS id FROM numbers(10)',
      'CREATE TABLE shop.log (id UInt64) ENGINE = Log',
      'CREATE VIEW shop.recent AS SELECT * FROM shop.orders',
    );
    const tables = [
      plannedTable({ fingerprint: null }),
      plannedTable({ partitions: ['1'], fingerprint: null }),
      plannedTable({ name: 'log', engine: 'Log', fingerprint: null }),
      plannedTable({ name: 'recent', engine: 'View', coverage: 'schema only' }),
      plannedTable({ name: 'absent' }),
    ];
    const found = await readRestoredTables(await open(engine().server.url), restorePlan({ tables }));
    expect(found).toMatchObject([
      { exists: true, rows: 10, parts: 2, fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) },
      { exists: true, rows: 5 },
      { exists: true, rows: 0, parts: null },
      { exists: true, rows: null },
      { exists: false, rows: null },
    ]);
  });

  it('says nothing of replicas where there are none', async () => {
    expect(await readReplication(await open(engine().server.url), targetOf(), restorePlan())).toEqual([]);
  });
});
