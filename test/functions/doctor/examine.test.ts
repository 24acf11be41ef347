import '../../support/function-environment.ts';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { listObjects } from '../../../clients/bucket.ts';
import { ENVIRONMENT } from '../../../core/environment.ts';
import type { Examination } from '../../../core/installation.ts';
import { handler } from '../../../functions/doctor/examine.ts';
import { serveEngine } from '../../local/engine/served-engine.ts';
import { all, failureOf } from '../../support/failures.ts';
import { EXECUTION, serveShop } from '../../support/runs.ts';
import { invoke, Surroundings, USERS } from '../../support/surroundings.ts';

const around = new Surroundings();

async function examine(target: string): Promise<Record<string, Examination>> {
  const { examinations } = await invoke(handler, { execution: EXECUTION, input: { target } });
  return Object.fromEntries(examinations.map((each) => [each.check, each]));
}

const results = (found: Record<string, Examination>) =>
  Object.fromEntries(Object.values(found).map(({ check, result }) => [check, result]));

const GOOD = { connection: 'good', version: 'good', databases: 'good', grants: 'good', bucket: 'good' };

/** A server on which everything is as a backup needs it. */
function serveAll(): void {
  serveShop(around.clickhouse)
    .on(/SELECT currentUser/, [{ user: 'backup' }])
    .on(/^CHECK GRANT/, { status: 200, body: '1\n' })
    .on(/^BACKUP/, [{ id: 'a', status: 'CREATING_BACKUP' }])
    .on(/LEFT JOIN/, [{ server: 'A', uptime: 7, status: 'BACKUP_CREATED', error: '', alive: 0 }]);
}

describe('an examination of a target', () => {
  it('finds everything good where it is, and has ClickHouse write something to prove it', async () => {
    serveAll();
    const target = around.addTarget();
    const found = await examine(target);
    expect(results(found)).toEqual(GOOD);
    expect(Object.values(found).map(({ remedy }) => remedy)).toEqual(['', '', '', '', '']);
    expect(found['databases']?.what).toBe('1 database with 1 table is in scope.');
    const [canary] = around.clickhouse.askedFor(/^BACKUP/);
    expect(canary?.query).toMatch(/structure_only ?= ?1/);
    expect(`${canary?.query}${JSON.stringify(canary?.parameters)}`).toMatch(
      new RegExp(`/backups/${target}/canary/\\d{8}T\\d{6}Z-[0-9a-f]{6}`),
    );
  });

  it('says what ClickHouse will not save the data of', async () => {
    serveAll();
    around.clickhouse.on(/FROM system\.tables/, [
      { database: 'shop', name: 'orders', engine: 'MergeTree' },
      { database: 'shop', name: 'buffer', engine: 'Buffer' },
    ]);
    expect((await examine(around.addTarget()))['databases']?.what).toBe(
      '1 database with 2 tables is in scope. ClickHouse saves the definition only, not the data, of 1: shop.buffer (Buffer).',
    );
  });

  it('without a connection checks nothing else, and says so of each', async () => {
    around.clickhouse.on(/./, { code: 516, name: 'AUTHENTICATION_FAILED', text: 'Authentication failed' });
    const found = await examine(around.addTarget());
    expect(results(found)).toEqual({
      connection: 'bad',
      version: 'not checked',
      databases: 'not checked',
      grants: 'not checked',
      bucket: 'not checked',
    });
    expect(found['connection']?.remedy).not.toBe('');
  });

  it.each<[string, () => unknown, Readonly<Record<string, unknown>>, object, string]>([
    [
      'the version',
      () => around.clickhouse.on(/SELECT version\(\)/, [{ version: '24.3', server: 'A', host: 'a' }]),
      {},
      { version: 'bad' },
      'is ClickHouse 24.3',
    ],
    [
      'a database, and then it is not known what would have to be granted',
      () => undefined,
      { databases: ['stock'] },
      { databases: 'bad', grants: 'not checked', bucket: 'bad' },
      'does not have the database "stock"',
    ],
    [
      'a grant',
      () => around.clickhouse.on(/^CHECK GRANT/, { status: 200, body: '0\n' }),
      {},
      { grants: 'bad' },
      'backup may not BACKUP `shop`.*',
    ],
    [
      'a grant that the server cannot tell',
      () => around.clickhouse.on(/^CHECK GRANT/, { code: 62, name: 'SYNTAX_ERROR', text: 'Syntax error' }),
      {},
      { grants: 'not checked' },
      'The server does not say what is granted (SYNTAX_ERROR)',
    ],
    [
      'what S3 allows',
      () =>
        around.clickhouse.on(/LEFT JOIN/, [
          {
            server: 'A',
            uptime: 7,
            status: 'BACKUP_FAILED',
            error:
              'Code: 499. DB::Exception: Message: AccessDenied, bucket B, key backups/x/.lock, object size 36. (S3_ERROR)',
          },
        ]),
      {},
      { bucket: 'bad' },
      '.lock',
    ],
    [
      'a statement that is refused at once',
      () => around.clickhouse.on(/^BACKUP/, { code: 62, name: 'SYNTAX_ERROR', text: 'Syntax error' }),
      {},
      { bucket: 'bad' },
      '',
    ],
  ])(
    'finds what is wrong with %s, and goes on with the rest',
    async (_, change, overrides, expected, what) => {
      serveAll();
      change();
      const found = await examine(around.addTarget(overrides));
      expect(results(found)).toEqual({ ...GOOD, ...expected });
      const [check = ''] = Object.keys(expected);
      expect(found[check]?.what).toContain(what);
      expect(found[check]?.remedy).not.toBe('');
    },
  );

  it('gives up waiting for a trial that never ends', async () => {
    serveAll();
    const running = { server: 'A', uptime: 7, status: 'CREATING_BACKUP', error: '', alive: 1 };
    around.clickhouse.on(/LEFT JOIN/, () => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 30_000 });
      return [running];
    });
    expect((await examine(around.addTarget()))['bucket']).toMatchObject({
      result: 'bad',
      what: expect.stringContaining('has not finished writing a few definitions'),
    });
  });

  it('asks for the grant on each table where tables are chosen', async () => {
    serveAll();
    await examine(around.addTarget({ tables: ['shop.orders'] }));
    expect(around.clickhouse.askedFor(/^CHECK GRANT/).map(({ query }) => query)).toEqual([
      'CHECK GRANT BACKUP ON `shop`.`orders`',
    ]);
  });

  it('says how many grants it asked for, where there are too many', async () => {
    serveAll();
    const names = Array.from({ length: 201 }, (_, index) => ({ name: `d${index}` }));
    around.clickhouse.on(/FROM system\.databases/, names);
    const found = await examine(around.addTarget());
    expect(found['grants']?.what).toBe('backup may back up the first 200 of 201.');
    expect(around.clickhouse.askedFor(/^CHECK GRANT/)).toHaveLength(200);
  });

  it.each([
    [{ code: 62, name: 'SYNTAX_ERROR', text: 'Syntax error' }, true],
    [{ code: 159, name: 'TIMEOUT_EXCEEDED', text: 'Timeout exceeded' }, undefined],
  ])('knows a server that can never say what is granted: %j', async (answer, isBeyondReach) => {
    serveAll();
    around.clickhouse.on(/^CHECK GRANT/, answer);
    const { grants } = await examine(around.addTarget());
    expect(grants?.result).toBe('not checked');
    expect(grants?.isBeyondReach).toBe(isBeyondReach);
  });

  it('looks for the cluster where one is named', async () => {
    serveAll();
    around.clickhouse.on(/FROM system\.clusters/, ({ parameters }) =>
      parameters['cluster'] === 'main' ? [{ shard: 1 }, { shard: 1 }, { shard: 2 }] : [],
    );
    const found = await examine(around.addTarget({ cluster: 'main' }));
    expect(found['cluster']).toMatchObject({
      result: 'good',
      what: 'The cluster main has 2 shards with 3 replicas.',
    });
    expect((await examine(around.addTarget({ cluster: 'other' })))['cluster']).toMatchObject({
      result: 'bad',
    });
  });

  it.each([
    [{}, 'InvalidInput'],
    [{ target: 'nobody' }, 'InvalidConfiguration'],
  ] as const)('is refused with the input %j', async (input, name) => {
    await failureOf(name, invoke(handler, { execution: EXECUTION, input }));
  });
});

describe('an examination that nobody waits for', () => {
  const examineScheduled = (target: string) =>
    invoke(handler, { execution: EXECUTION, input: { target, scheduled: true } });
  const BUSY = { code: 202, name: 'TOO_MANY_SIMULTANEOUS_QUERIES', text: 'Too many simultaneous queries' };

  it('answers with what it found, good or bad', async () => {
    serveAll();
    expect((await examineScheduled(around.addTarget())).examinations.map(({ result }) => result)).toEqual(
      Array.from({ length: 5 }, () => 'good'),
    );
    around.clickhouse.on(/^CHECK GRANT/, { status: 200, body: '0\n' });
    expect((await examineScheduled(around.addTarget())).examinations).toContainEqual(
      expect.objectContaining({ check: 'grants', result: 'bad', error: 'ACCESS_DENIED' }),
    );
  });

  it('is made again where all that is bad may pass by itself, before a person is told', async () => {
    around.clickhouse.on(/./, BUSY);
    const { what, error } = await failureOf('TemporarilyUnavailable', examineScheduled(around.addTarget()));
    expect(error).toBe('TOO_MANY_SIMULTANEOUS_QUERIES');
    expect(what).not.toBe('');
    // A person has an answer at once.
    expect((await examine(around.addTarget()))['connection']?.result).toBe('bad');
  });

  it('carries all that may pass in the error', async () => {
    serveAll();
    const tired = { code: 210, name: 'NETWORK_ERROR', text: 'Connection reset by peer' };
    around.clickhouse.on(/SELECT version\(\)/, BUSY).on(/^BACKUP/, tired);
    const { what } = await failureOf('TemporarilyUnavailable', examineScheduled(around.addTarget()));
    expect(what).toMatch(/as many queries[\s\S]*Connection reset/);
  });

  it('is not made again where something is bad that stays', async () => {
    serveAll();
    around.clickhouse.on(/^CHECK GRANT/, { status: 200, body: '0\n' }).on(/^BACKUP/, BUSY);
    const { examinations } = await examineScheduled(around.addTarget());
    expect(examinations.filter(({ result }) => result === 'bad').map(({ check }) => check)).toEqual([
      'grants',
      'bucket',
    ]);
  });
});

describe('a trial that finds another backup at work', () => {
  const TAKEN = {
    code: 587,
    name: 'CONCURRENT_ACCESS_NOT_SUPPORTED',
    text: 'Concurrent backups not supported',
  };

  it.each([
    ['at once', () => around.clickhouse.on(/^BACKUP/, TAKEN)],
    [
      'later',
      () =>
        around.clickhouse.on(/LEFT JOIN/, [
          {
            server: 'A',
            uptime: 7,
            status: 'BACKUP_FAILED',
            error: `Code: 587. DB::Exception: ${TAKEN.text}. (${TAKEN.name})`,
          },
        ]),
    ],
  ])('has not checked the bucket, when it is refused %s', async (_, refuse) => {
    serveAll();
    refuse();
    const target = around.addTarget();
    expect((await examine(target))['bucket']).toMatchObject({
      result: 'not checked',
      what: expect.stringContaining('allows one at a time'),
      remedy: expect.stringContaining(`targets.${target}.doctor.schedule`),
    });
  });
});

describe('an examination of a real server', () => {
  const engine = serveEngine({
    users: USERS,
    environment: { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
  });
  beforeAll(async () => {
    await engine().client.command({ query: 'CREATE DATABASE shop' });
    await engine().client.command({
      query: 'CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id',
    });
  });

  it('finds it good, and leaves the definition of one element below canary/', async () => {
    const target = around.addTarget({ url: engine().server.url });
    const found = await examine(target);
    expect(results(found)).toEqual(GOOD);
    const keys = (await all(listObjects(around.bucket, `backups/${target}/`))).map(({ key }) => key);
    expect(keys.map((key) => key.replace(/canary\/[^/]+/, 'canary/*'))).toEqual([
      `backups/${target}/canary/*/.backup`,
      `backups/${target}/canary/*/metadata/shop.sql`,
      `backups/${target}/canary/*/metadata/shop/orders.sql`,
    ]);
  });

  it('has it read its canary again, where incrementals are scheduled', async () => {
    const schedule = { full: 'cron(0 2 ? * SUN *)', incremental: 'cron(0 2 ? * MON-SAT *)' };
    const target = around.addTarget({ url: engine().server.url, schedule });
    const found = await examine(target);
    expect(results(found)).toEqual(GOOD);
    expect(found['bucket']?.what).toContain('It read it again as the base of another.');
    const keys = (await all(listObjects(around.bucket, `backups/${target}/`))).map(({ key }) => key);
    // Of the second there is its manifest alone: all that it names lies in the first.
    expect(keys.filter((key) => key.includes('-incr/')).map((key) => key.split('/').at(-1))).toEqual([
      '.backup',
    ]);
  });

  it('finds that the bucket is not there', async () => {
    vi.stubEnv(ENVIRONMENT.bucket, 'no-such-bucket');
    const found = await examine(around.addTarget({ url: engine().server.url }));
    expect(results(found)).toEqual({ ...GOOD, bucket: 'bad' });
  });
});
