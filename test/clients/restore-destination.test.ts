import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ClickHouse, openClickHouse, tell } from '../../clients/clickhouse.ts';
import { readDestination, readLiveTables, readStandingTables } from '../../clients/restore-destination.ts';
import { quoteIdentifier } from '../../core/identifiers.ts';
import type { RestorePlan } from '../../core/restore.ts';
import { DEFINITION, plannedTable, restorePlan } from '../core/restore-plans.ts';
import { serveEngine } from '../local/engine/served-engine.ts';
import { failureOf } from '../support/failures.ts';
import { fakeClickHouse } from '../support/fake-clickhouse.ts';
import { targetOf } from '../support/targets.ts';

const opened: ClickHouse[] = [];
afterEach(async () => {
  for (const clickhouse of opened.splice(0)) await clickhouse.client.close();
});

async function open(url: string): Promise<ClickHouse> {
  const clickhouse = await openClickHouse(targetOf({ url }));
  opened.push(clickhouse);
  return clickhouse;
}

const ODD = `we"ird'; DROP \``;

describe('a real server', () => {
  const engine = serveEngine();
  const server = () => open(engine().server.url);

  beforeAll(async () => {
    const clickhouse = await openClickHouse(targetOf({ url: engine().server.url }));
    const odd = quoteIdentifier(ODD);
    for (const query of [
      'CREATE DATABASE shop',
      `CREATE DATABASE ${odd}`,
      'CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree PARTITION BY id % 2 ORDER BY id AS SELECT number AS id FROM numbers(10)',
      'CREATE TABLE shop.log (id UInt64) ENGINE = Log',
      'CREATE VIEW shop.recent AS SELECT * FROM shop.orders',
      'CREATE MATERIALIZED VIEW shop.own ENGINE = MergeTree ORDER BY id AS SELECT id FROM shop.orders',
      "CREATE TABLE shop.dist AS shop.orders ENGINE = Distributed('default', shop, orders)",
      `CREATE TABLE ${odd}.${odd} (id UInt64) ENGINE = Memory`,
      'INSERT INTO shop.orders VALUES (10)',
    ])
      await tell(clickhouse, { query });
    await clickhouse.client.close();
  });

  const both = [
    { from: 'shop', to: 'shop', whole: true },
    { from: ODD, to: ODD, whole: true },
  ];

  it('says what stands there and how many rows it has, or that it does not count them', async () => {
    const found = await readStandingTables(await server(), targetOf(), restorePlan({ databases: both }));
    const isOwn = ({ table }: { table: string }): boolean => !table.startsWith('.inner');
    expect(
      found.filter(isOwn).map(({ database, table, engine: kind, rows }) => [database, table, kind, rows]),
    ).toEqual([
      ['shop', 'dist', 'Distributed', null],
      ['shop', 'log', 'Log', 0],
      ['shop', 'orders', 'MergeTree', 11],
      ['shop', 'own', 'MaterializedView', 1],
      ['shop', 'recent', 'View', null],
      [ODD, ODD, 'Memory', 0],
    ]);
    for (const { uuid } of found) expect(uuid).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('says everything else that the preflight asks for', async () => {
    const tables = [plannedTable({ partitions: ['0'] })];
    const found = await readDestination(
      await server(),
      targetOf(),
      restorePlan({ databases: both, tables, check: true }),
    );
    expect(found.databases).toEqual(expect.arrayContaining(['shop', ODD, 'system']));
    expect(found.partitions).toEqual(
      expect.arrayContaining([{ database: 'shop', table: 'orders', id: '0', rows: 6 }]),
    );
    expect(found.policies).toContainEqual({ name: 'default', volumes: ['default'], disks: ['default'] });
    expect(found.disks[0]?.free).toBeGreaterThan(0);
    expect(found.engines).toContain('MergeTree');
    expect(found).toMatchObject({ replicas: [], missingGrants: [], restoring: [] });
  });

  it('says that there is no Keeper, when it matters', async () => {
    const tables = [plannedTable({ engine: 'ReplicatedMergeTree' })];
    const found = await readDestination(await server(), targetOf(), restorePlan({ tables }));
    expect(found.replicas).toBeNull();
  });

  it('names what is live only beside it', async () => {
    const plan = restorePlan({ mode: 'new', databases: [{ from: 'shop', to: 'beside', whole: true }] });
    expect(await readLiveTables(await server(), plan)).toContainEqual({ database: 'shop', table: 'orders' });
    expect(await readLiveTables(await server(), { ...plan, to: 'elsewhere' })).toEqual([]);
    expect(await readLiveTables(await server(), { ...plan, mode: 'asIs' })).toEqual([]);
  });
});

describe('a server that says what a test wants', () => {
  const clickhouse = fakeClickHouse();

  /** All that is asked besides. */
  const serve = () =>
    clickhouse
      .on(/FROM system\.|clusterAllReplicas/, [])
      .on(/SELECT version\(\)/, [{ version: '26.7.2.1', server: 'A', host: 'a.example' }])
      .on(/^CHECK GRANT/, { status: 200, body: '1\n' });
  const look = async (plan: RestorePlan, settings: Readonly<Record<string, unknown>> = {}) =>
    readDestination(await open(clickhouse.url), targetOf(settings), plan);

  describe('in Keeper', () => {
    const replicated = (path: string, name = '{replica}') =>
      restorePlan({
        tables: [
          plannedTable({
            engine: 'ReplicatedMergeTree',
            definition: { ...DEFINITION, replica: { path, name } },
          }),
        ],
      });
    const macros = [
      { macro: 'shard', substitution: '1' },
      { macro: 'replica', substitution: 'a' },
    ];
    const known = (names: readonly string[]) =>
      serve()
        .on(/FROM system\.macros/, macros)
        .on(
          /FROM system\.zookeeper/,
          names.map((name) => ({ name })),
        );

    it('finds a replica under the path that the table will have', async () => {
      known(['a', 'b']);
      const plan = replicated('/tables/{shard}/{database}/{table}');
      expect((await look(plan)).replicas).toEqual([{ table: 'shop.orders', path: '/tables/1/shop/orders' }]);
      expect(clickhouse.askedFor(/zookeeper/)[0]?.parameters).toEqual({
        path: '/tables/1/shop/orders/replicas',
      });
    });

    it('finds none of another name, and under a path by UUID', async () => {
      known(['b']);
      expect((await look(replicated('/tables/{shard}/orders'))).replicas).toEqual([]);
      known(['a']);
      expect((await look(replicated('/tables/{uuid}/{shard}'))).replicas).toEqual([]);
    });

    it('finds none where the path is not there', async () => {
      serve()
        .on(/FROM system\.macros/, macros)
        .on(/FROM system\.zookeeper/, ({ parameters }) =>
          parameters['path'] === '/'
            ? []
            : {
                code: 999,
                name: 'KEEPER_EXCEPTION',
                text: 'Coordination::Exception: No node, path: /tables',
              },
        );
      expect((await look(replicated('/tables/orders'))).replicas).toEqual([]);
    });

    it('does not take a Keeper that fails for an empty one', async () => {
      serve()
        .on(/FROM system\.macros/, macros)
        .on(/FROM system\.zookeeper/, {
          code: 999,
          name: 'KEEPER_EXCEPTION',
          text: 'Coordination::Exception: Session expired',
        });
      await expect(look(replicated('/tables/orders'))).rejects.toThrow();
    });
  });

  describe('of grants', () => {
    const grants = () =>
      clickhouse.askedFor(/^CHECK GRANT/).map(({ query }) => query.replace('CHECK GRANT ', ''));

    it('asks for what will be checked, and names what is missing', async () => {
      serve().on(/^CHECK GRANT INSERT/, { status: 200, body: '0\n' });
      const { missingGrants } = await look(restorePlan({ databases: [{ from: ODD, to: ODD, whole: true }] }));
      expect(missingGrants).toEqual([`INSERT ON ${quoteIdentifier(ODD)}.*`]);
    });

    it('asks for no database where single tables are restored into one', async () => {
      serve();
      await look(restorePlan({ databases: [{ from: 'shop', to: 'shop', whole: false }] }));
      expect(grants().filter((grant) => grant.includes('DATABASE'))).toEqual([]);
    });

    it('asks for what makes and drops views and dictionaries only where there are some', async () => {
      serve();
      await look(restorePlan());
      expect(grants().filter((grant) => /VIEW|DICTIONARY/.test(grant))).toEqual([]);
      clickhouse.reset();
      serve();
      const tables = [plannedTable({ engine: 'MaterializedView' }), plannedTable({ engine: 'Dictionary' })];
      await look(restorePlan({ tables }));
      expect(grants().filter((grant) => /VIEW|DICTIONARY/.test(grant))).toHaveLength(4);
    });

    it('knows nothing of them on a server without the statement, or that refuses it', async () => {
      serve().on(/^CHECK GRANT/, { code: 62, name: 'SYNTAX_ERROR', text: 'Syntax error' });
      expect((await look(restorePlan())).missingGrants).toBeNull();
    });

    it('takes silence for no answer', async () => {
      serve().on(/^CHECK GRANT/, 'connection reset');
      await failureOf('TemporarilyUnavailable', look(restorePlan()));
    });
  });

  it('asks every replica of a cluster, whatever its name', async () => {
    serve();
    await look(restorePlan(), { cluster: ODD });
    for (const table of ['databases', 'tables', 'backups'])
      expect(
        clickhouse.askedFor(new RegExp(`clusterAllReplicas\\('we"ird\\\\'; DROP \`', system\\.${table}\\)`)),
      ).toHaveLength(1);
  });

  it('never takes a reading that failed for nothing', async () => {
    serve().on(/any\(engine\)/, { code: 497, name: 'ACCESS_DENIED', text: 'Not enough privileges' });
    await failureOf('Refused', look(restorePlan()));
  });
});
