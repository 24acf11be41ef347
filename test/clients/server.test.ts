import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ClickHouse, openClickHouse, tell } from '../../clients/clickhouse.ts';
import { observeBackup } from '../../clients/observation.ts';
import { readScope, readServer } from '../../clients/server.ts';
import { serveBucket } from '../local/bucket/served-bucket.ts';
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

describe('a real server', () => {
  const engine = serveEngine({ environment: { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' } });
  const bucket = serveBucket();

  beforeAll(async () => {
    const clickhouse = await openClickHouse(targetOf({ url: engine().server.url }));
    for (const query of [
      'CREATE DATABASE shop',
      'CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id AS SELECT number AS id FROM numbers(1000)',
      "CREATE TABLE shop.`it's; DROP` (id UInt64) ENGINE = Log",
      'CREATE TABLE shop.buffer AS shop.orders ENGINE = Buffer(shop, orders, 1, 10, 100, 10000, 1000000, 10000000, 100000000)',
      'CREATE MATERIALIZED VIEW shop.view ENGINE = MergeTree ORDER BY id AS SELECT id FROM shop.orders',
      'CREATE DATABASE other ENGINE = Memory',
    ])
      await tell(clickhouse, { query });
    await clickhouse.client.close();
  });
  const server = () => open(engine().server.url);

  it('says its version and which one it is', async () => {
    expect(await readServer(await server())).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\./),
      server: expect.stringMatching(/^[0-9a-f-]{36}$/),
      host: expect.any(String),
    });
  });

  it('says what is in scope, inner tables left to their views', async () => {
    const scope = await readScope(await server(), targetOf());
    expect(scope.databases).toEqual(['other', 'shop']);
    expect(scope.tables.map(({ name, coverage }) => [name, coverage])).toEqual([
      ['buffer', 'schema only'],
      ["it's; DROP", 'data'],
      ['orders', 'data'],
      ['view', 'data'],
    ]);
  });

  it.each([
    [
      { databases: ['shop', 'shpo', 'stor'] },
      'UNKNOWN_DATABASE',
      'does not have the databases "shpo", "stor"',
    ],
    [{ tables: ['shop.orders', 'shop.odrers'] }, 'UNKNOWN_TABLE', 'does not have the table "shop"."odrers"'],
    [{ engines: ['Kafka'] }, 'NothingInScope', "is in the target's scope"],
    [{ tables: ['shop.orders'], except: ['shop.orders'] }, 'NothingInScope', "is in the target's scope"],
  ])('refuses %j with %s', async (overrides, error, what) => {
    const failure = await failureOf('Refused', readScope(await server(), targetOf(overrides)));
    expect(failure).toMatchObject({ class: 'fix and stop', error });
    expect(failure.what).toContain(what);
  });

  it('names ten missing tables and counts the others', async () => {
    const tables = Array.from({ length: 12 }, (_, index) => `shop.missing${index}`);
    const failure = await failureOf('Refused', readScope(await server(), targetOf({ tables })));
    expect(failure.what).toContain('"shop"."missing9" and 2 more, or default may not see them.');
  });

  it('does not know a backup that it never made', async () => {
    expect(await observeBackup(await server(), targetOf(), 'nothing')).toEqual({
      server: expect.any(String),
      uptime: expect.any(Number),
      everywhere: false,
      row: null,
    });
  });

  it.each([
    ['good', 'shop', 'BACKUP_CREATED', ''],
    ['bad', 'nowhere', 'BACKUP_FAILED', 'Code: '],
  ])('knows the end of a %s backup', async (id, database, status, error) => {
    const clickhouse = await server();
    const url = `${bucket().server.endpoint}/safehouse/backups/observed/${id}`;
    await tell(clickhouse, {
      query: `BACKUP DATABASE ${database} TO S3('${url}') SETTINGS id = '${id}' ASYNC`,
    });
    await expect
      .poll(async () => (await observeBackup(clickhouse, targetOf(), id)).row?.status, { timeout: 20_000 })
      .toBe(status);
    const { row } = await observeBackup(clickhouse, targetOf(), id);
    expect(row).toEqual({
      status,
      error: expect.stringMatching(new RegExp(`^${error}`)),
      files: expect.any(Number),
      bytes: expect.any(Number),
      alive: false,
      startTime: expect.stringMatching(/^20\d\d-\d\d-\d\d /),
      endTime: expect.stringMatching(/^20\d\d-\d\d-\d\d /),
    });
    if (status === 'BACKUP_CREATED') expect(row?.files).toBeGreaterThan(5);
  });
});

describe('a server as it may be', () => {
  const fake = fakeClickHouse();
  const server = () => open(fake.url);

  it.each([
    ['24.7.9.1', 'UnsupportedVersion'],
    ['18.16.1', 'UnsupportedVersion'],
    ['who knows', 'UnsupportedVersion'],
  ])('of version %s is refused', async (version, error) => {
    fake.on(/SELECT version/, [{ version, server: 'A', host: 'a' }]);
    const failure = await failureOf('Refused', readServer(await server()));
    expect(failure).toMatchObject({ class: 'fix and stop', error });
    expect(failure.what).toContain(`is ClickHouse ${version}`);
  });

  it('answers without a row where something stands in between', async () => {
    fake.on(/./, []);
    await failureOf('IncompleteReading', readServer(await server()));
    await failureOf('IncompleteReading', observeBackup(await server(), targetOf(), 'a'));
  });

  it('is asked on every replica where a cluster is named', async () => {
    fake.on(/system\.backups/, [
      {
        server: 'A',
        uptime: 7,
        status: 'CREATING_BACKUP',
        error: '',
        files: 1,
        bytes: 2,
        alive: 1,
        startTime: 's',
        endTime: 'e',
      },
    ]);
    const answer = await observeBackup(await server(), targetOf({ cluster: "ma'in" }), 'the id');
    expect(answer).toEqual({
      server: 'A',
      uptime: 7,
      everywhere: true,
      row: {
        status: 'CREATING_BACKUP',
        error: '',
        files: 1,
        bytes: 2,
        alive: true,
        startTime: 's',
        endTime: 'e',
      },
    });
    const [asked] = fake.asked;
    expect(asked?.query).toContain("clusterAllReplicas('ma\\'in', system.backups) WHERE id = {id:String}");
    expect(asked?.query).toContain("clusterAllReplicas('ma\\'in', system.processes)");
    expect(asked?.parameters).toEqual({ id: 'the id' });
  });

  it("is asked so that a user's profile cannot turn what is missing into null", async () => {
    fake.on(/system\.backups/, [{ server: 'A', uptime: 7, status: '' }]);
    expect((await observeBackup(await server(), targetOf(), 'a')).row).toBeNull();
    expect(fake.asked[0]?.settings['join_use_nulls']).toBe('0');
  });
});
