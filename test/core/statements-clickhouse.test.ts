import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from 'chdb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  backupStatement,
  restoreStatement,
  restoreSubmission,
  type S3Location,
  type Statement,
  type StatementElement,
} from '../../core/statements.ts';
import { anyText } from './any-text.ts';
import { openRecordingBucket, type RecordingBucket } from './recording-bucket.ts';

const SHOP: StatementElement = { kind: 'database', database: 'shop' };
const FULL: S3Location = { access: 'server', url: 'https://b/full' };
const KEYS: S3Location = {
  access: 'keys',
  url: 'https://b/x',
  accessKeyId: 'AKID',
  secretAccessKey: 'S3CR3T',
};
const ROLE: S3Location = {
  access: 'role',
  url: 'https://b/x',
  roleArn: 'arn:aws:iam::1:role/r',
  externalId: 'e',
};
const STS: S3Location = {
  access: 'sts',
  name: 'backups',
  path: 'p/x',
  accessKeyId: 'AKID',
  secretAccessKey: 'S3CR3T',
  sessionToken: 'T0K3N',
};

describe('on the real engine', () => {
  let engine: Session;
  let bucket: RecordingBucket;
  let folder: string;
  /** What the server itself has. */
  const own = {
    AWS_ACCESS_KEY_ID: 'SERVERKEY',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_SESSION_TOKEN: 'S3RVER',
  };
  const before = { ...process.env };
  beforeAll(async () => {
    Object.assign(process.env, own);
    bucket = await openRecordingBucket();
    folder = mkdtempSync(join(tmpdir(), 'safehouse-statements-'));
    const config = join(folder, 'config.xml');
    writeFileSync(
      config,
      `<clickhouse><named_collections><backups><url>${bucket.url}/</url>
       <access_key_id>COLLECTION</access_key_id><secret_access_key>x</secret_access_key></backups></named_collections></clickhouse>`,
    );
    engine = new Session(join(folder, 'data'), { connectionArgs: [`--config-file=${config}`] });
    for (const query of [
      'CREATE DATABASE shop',
      'CREATE DATABASE other',
      'CREATE TABLE shop.orders (id UInt32) ENGINE = MergeTree ORDER BY id PARTITION BY id % 2',
      'CREATE TABLE shop.`or\\`der; --s` (id UInt32) ENGINE = MergeTree ORDER BY id',
      'CREATE TABLE other.left_out (id UInt32) ENGINE = MergeTree ORDER BY id',
      'INSERT INTO shop.orders SELECT number FROM numbers(100)',
    ])
      engine.query(query);
  });
  afterAll(async () => {
    engine.close();
    await bucket.close();
    rmSync(folder, { recursive: true });
    for (const name of Object.keys(own)) delete process.env[name];
    Object.assign(process.env, before);
  });

  /** Submits as the functions do, and waits until ClickHouse is done. */
  async function submit(
    { query, query_params }: Statement,
    id: string,
  ): Promise<{ status: string; error: string }> {
    const answer = await engine.queryBindAsync(query, query_params, { format: 'TSVRaw' });
    expect(answer.text()).toMatch(/^.+\t(CREATING_BACKUP|RESTORING)\n$/);
    return vi.waitFor(
      () => {
        const [row] = engine
          .query(`SELECT status, error FROM system.backups WHERE id = '${id}' FORMAT JSONEachRow`)
          .split('\n');
        const { status, error } = JSON.parse(row ?? '') as { status: string; error: string };
        if (status === 'CREATING_BACKUP' || status === 'RESTORING') throw new Error(`still ${status}`);
        return { status, error };
      },
      { timeout: 20_000, interval: 20 },
    );
  }

  const SETTINGS = { backup_restore_s3_retry_attempts: 0, max_execution_time: 0 };
  const one = (query: string): string => engine.query(query, 'TSVRaw').trim();
  const parsed = (query: string): string =>
    engine.queryBind('SELECT formatQuerySingleLine({q:String})', { q: query }, 'TSVRaw').trim();
  const manifest = (key: string): string => bucket.objects.get(`${key}/.backup`)?.toString() ?? '';

  test('a role is asked for and the address taken, though there is nobody to give it', async () => {
    const role: S3Location = {
      access: 'role',
      url: `${bucket.url}/role`,
      roleArn: 'arn:aws:iam::111122223333:role/clickhouse-backup',
      externalId: 'of safehouse',
    };
    const statement = backupStatement({
      elements: [SHOP],
      destination: role,
      settings: { ...SETTINGS, structure_only: 1 },
      id: 'role',
    });
    await submit(statement, 'role');
    expect(bucket.requests.some(({ key }) => key === 'role/.backup')).toBe(true);
    expect(one("SELECT name FROM system.backups WHERE id = 'role'")).toBe(
      `S3('${role.url}', extra_credentials(equals(role_arn, '${role.roleArn}'), equals(role_session_name, 'safehouse'), external_id = '[HIDDEN]'))`,
    );
  });

  const locations: [string, (path: string) => S3Location, string | null, string | null][] = [
    ['server', (path) => ({ access: 'server', url: `${bucket.url}/${path}` }), 'SERVERKEY', 'S3RVER'],
    ['namedCollection', (path) => ({ access: 'namedCollection', name: 'backups', path }), 'COLLECTION', null],
    [
      'keys',
      (path) => ({
        access: 'keys',
        url: `${bucket.url}/${path}`,
        accessKeyId: 'OWNKEY',
        secretAccessKey: 'S3CR3T',
      }),
      'OWNKEY',
      null,
    ],
    [
      'sts',
      (path) => ({
        access: 'sts',
        name: 'backups',
        path,
        accessKeyId: 'TEMPKEY',
        secretAccessKey: 'S3CR3T',
        sessionToken: 'T0K3N',
      }),
      'TEMPKEY',
      'T0K3N',
    ],
  ];

  test.each(locations)(
    'a full, an incremental on it, and a restore of both run with %s',
    async (access, at, accessKeyId, sessionToken) => {
      bucket.requests.length = 0;
      const [full, incr, back] = [`${access}-full`, `${access}-incr`, `${access}-back`];
      const common = { elements: [SHOP], settings: SETTINGS };
      const first = await submit(backupStatement({ ...common, destination: at(full), id: full }), full);
      expect(first).toEqual({ status: 'BACKUP_CREATED', error: '' });
      const second = await submit(
        backupStatement({ ...common, destination: at(incr), base: at(full), id: incr }),
        incr,
      );
      expect(second).toEqual({ status: 'BACKUP_CREATED', error: '' });
      expect(manifest(incr)).toContain('<use_base>true</use_base>');
      const restored = await submit(
        restoreSubmission({
          elements: [{ ...SHOP, as: back }],
          settings: SETTINGS,
          source: at(incr),
          base: at(full),
          id: back,
        }),
        back,
      );
      expect(restored).toEqual({ status: 'RESTORED', error: '' });
      expect(one(`SELECT count(), sum(id) FROM \`${back}\`.orders`)).toBe('100\t4950');
      const seen = bucket.requests.map((request) => `${request.accessKeyId} ${request.sessionToken}`);
      expect(new Set(seen)).toEqual(new Set([`${accessKeyId} ${sessionToken}`]));
      const shown = one(
        `SELECT groupArray((name, base_backup_name)) FROM system.backups WHERE startsWith(id, '${access}-')`,
      );
      expect(shown).not.toMatch(/S3CR3T|T0K3N/);
      expect(
        [...bucket.objects.values()].some((object) => /S3CR3T|T0K3N/.test(object.toString('latin1'))),
      ).toBe(false);
    },
  );

  test('the same id again is refused', async () => {
    const statement = backupStatement({
      elements: [SHOP],
      destination: { access: 'server', url: `${bucket.url}/again` },
      id: 'server-full',
    });
    await expect(engine.queryBindAsync(statement.query, statement.query_params)).rejects.toThrow(
      /another backup with the same ID/,
    );
  });

  test('a backup holds what its elements name, and nothing else', async () => {
    const at = (path: string): S3Location => ({ access: 'server', url: `${bucket.url}/${path}` });
    const files = async (id: string, chosen: StatementElement[]): Promise<string[]> => {
      await submit(backupStatement({ elements: chosen, destination: at(id), settings: SETTINGS, id }), id);
      return [...manifest(id).matchAll(/<name>metadata\/([^<]*)\.sql<\/name>/g)]
        .map(([, name]) => name ?? '')
        .sort();
    };
    expect(
      await files('excepting', [
        { kind: 'database', database: 'shop', except: ['or`der; --s'] },
        { kind: 'table', database: 'other', table: 'left_out' },
      ]),
    ).toEqual(['other/left_out', 'shop', 'shop/orders']);
    expect(
      await files('all', [
        { kind: 'all', exceptDatabases: ['other'], except: [{ database: 'shop', table: 'orders' }] },
      ]),
    ).toEqual(expect.not.arrayContaining(['shop/orders', 'other', 'other/left_out', 'system']));
    await files('partition', [
      {
        kind: 'table',
        database: 'shop',
        table: 'orders',
        as: { database: 'a', table: 'b' },
        partitions: ['1'],
      },
    ]);
    expect([...manifest('partition').matchAll(/data\/a\/b\/(\w+?)_/g)].map(([, part]) => part)).not.toContain(
      '0',
    );
    expect(manifest('partition')).toContain('data/a/b/1_');
  });

  test('every statement is read, whatever the names and texts', () => {
    const name = anyText({ minLength: 1, maxLength: 8 }).map((text) => text.toWellFormed());
    const element: fc.Arbitrary<StatementElement> = fc.oneof(
      fc.record({ kind: fc.constant('database' as const), database: name, as: name }),
      fc.record({
        kind: fc.constant('table' as const),
        database: name,
        table: name,
        partitions: fc.array(name),
      }),
    );
    const last: fc.Arbitrary<StatementElement> = fc.oneof(
      fc.record({ kind: fc.constant('database' as const), database: name, except: fc.array(name) }),
      fc.record({
        kind: fc.constant('all' as const),
        exceptDatabases: fc.array(name),
        except: fc.array(fc.record({ database: name, table: name })),
      }),
    );
    const value = fc.oneof(
      anyText().map((text) => text.toWellFormed()),
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    fc.assert(
      fc.property(fc.array(element, { maxLength: 3 }), last, name, value, (some, end, text, setting) => {
        const beside = (one: StatementElement) =>
          end.kind !== 'all' || !('partitions' in one && one.partitions?.length);
        const all = [...some.filter(beside), end];
        const options = { elements: all, cluster: text, settings: { some_setting: setting } };
        for (const { query } of [
          backupStatement({ ...options, destination: STS, base: ROLE, id: text }),
          restoreSubmission({ ...options, source: KEYS, base: FULL, id: text }),
        ])
          expect(parsed(query)).toMatch(/async = true$/);
        expect(parsed(restoreStatement({ ...options, source: KEYS, base: ROLE }))).toMatch(/^RESTORE /);
      }),
      { numRuns: 100 },
    );
  });

  test('an EXCEPT list swallows what follows it, which is why it stands last', () => {
    expect(parsed("BACKUP DATABASE a EXCEPT TABLES x, ALL TO S3('u')")).toBe(
      "BACKUP DATABASE a EXCEPT TABLES `ALL`, x TO S3('u')",
    );
  });

  test('ASYNC before SETTINGS is another statement, which is why it stands last', () => {
    expect(() => engine.query("BACKUP DATABASE shop TO Null ASYNC SETTINGS id = 'x'")).toThrow(
      /UNKNOWN_SETTING/,
    );
  });
});
