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
import { openRecordingBucket, type RecordingBucket } from './recording-bucket.ts';

const SHOP: StatementElement = { kind: 'database', database: 'shop' };
const FULL: S3Location = { access: 'server', url: 'https://b/full' };
const INCREMENTAL: S3Location = { access: 'server', url: 'https://b/incr' };
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
const backup = (elements: readonly StatementElement[]): string =>
  backupStatement({ elements, destination: FULL, id: 'i' }).query;
/** What stands between BACKUP and TO. */
const elements = (query: string): string | undefined => /^BACKUP (.*) TO S3/.exec(query)?.[1];

describe('backupStatement', () => {
  test('writes id and base first, ASYNC last, and gives addresses as parameters', () => {
    expect(
      backupStatement({
        elements: [SHOP],
        cluster: 'main',
        destination: INCREMENTAL,
        base: FULL,
        settings: { max_execution_time: 0, s3_storage_class: 'STANDARD_IA', deduplicate_files: true },
        id: "it's",
      }),
    ).toEqual({
      query:
        "BACKUP DATABASE `shop` ON CLUSTER `main` TO S3({destination_url:String}) SETTINGS id = 'it\\'s', base_backup = S3({base_url:String}), max_execution_time = 0, s3_storage_class = 'STANDARD_IA', deduplicate_files = 1 ASYNC",
      query_params: { destination_url: 'https://b/incr', base_url: 'https://b/full' },
    });
  });

  test.each<[string, S3Location, string, Record<string, string>]>([
    ['server', FULL, 'S3({destination_url:String})', { destination_url: 'https://b/full' }],
    [
      'role',
      ROLE,
      "S3({destination_url:String}, extra_credentials(role_arn = {destination_role_arn:String}, role_session_name = 'safehouse', external_id = {destination_external_id:String}))",
      {
        destination_url: 'https://b/x',
        destination_role_arn: 'arn:aws:iam::1:role/r',
        destination_external_id: 'e',
      },
    ],
    [
      'namedCollection',
      { access: 'namedCollection', name: 'back`ups', path: 'p/x' },
      'S3(`back\\`ups`, {destination_path:String})',
      { destination_path: 'p/x' },
    ],
    [
      'keys',
      KEYS,
      'S3({destination_url:String}, {destination_access_key_id:String}, {destination_secret_access_key:String})',
      {
        destination_url: 'https://b/x',
        destination_access_key_id: 'AKID',
        destination_secret_access_key: 'S3CR3T',
      },
    ],
    [
      'sts',
      STS,
      'S3(`backups`, {destination_path:String}, access_key_id = {destination_access_key_id:String}, secret_access_key = {destination_secret_access_key:String}, session_token = {destination_session_token:String})',
      {
        destination_path: 'p/x',
        destination_access_key_id: 'AKID',
        destination_secret_access_key: 'S3CR3T',
        destination_session_token: 'T0K3N',
      },
    ],
  ])('reaches S3 with %s', (_, destination, engine, query_params) => {
    const statement = backupStatement({ elements: [SHOP], destination, id: 'i' });
    expect(statement.query).toBe(`BACKUP DATABASE \`shop\` TO ${engine} SETTINGS id = 'i' ASYNC`);
    expect(statement.query_params).toEqual(query_params);
  });

  test('keeps the parameters of a base apart from those of the destination', () => {
    const { query, query_params } = backupStatement({
      elements: [SHOP],
      destination: STS,
      base: STS,
      id: 'i',
    });
    const names = [...query.matchAll(/\{(\w+):String\}/g)].map(([, name]) => name);
    expect(new Set(names).size).toBe(8);
    expect(names.sort()).toEqual(Object.keys(query_params).sort());
    expect(query).not.toMatch(/S3CR3T|T0K3N|AKID/);
  });

  test.each<[string, StatementElement, string]>([
    ['a renamed database', { ...SHOP, as: 'copy' }, 'DATABASE `shop` AS `copy`'],
    [
      'a database without some tables',
      { kind: 'database', database: 'shop', except: ['a', 'b.c'] },
      'DATABASE `shop` EXCEPT TABLES `a`, `b.c`',
    ],
    [
      'a renamed database without a table',
      { kind: 'database', database: 'shop', as: 'copy', except: ['a'] },
      'DATABASE `shop` AS `copy` EXCEPT TABLES `a`',
    ],
    ['a table', { kind: 'table', database: 'shop', table: 'a.b' }, 'TABLE `shop`.`a.b`'],
    [
      'partitions of a renamed table',
      {
        kind: 'table',
        database: 'shop',
        table: 'a',
        as: { database: 'x', table: 'y' },
        partitions: ['202601', "a'b"],
      },
      "TABLE `shop`.`a` AS `x`.`y` PARTITIONS ID '202601', ID 'a\\'b'",
    ],
    [
      'everything but the system databases',
      { kind: 'all' },
      'ALL EXCEPT DATABASES `system`, `information_schema`, `INFORMATION_SCHEMA`',
    ],
    [
      'everything but other databases and tables',
      { kind: 'all', exceptDatabases: ['tmp', 'system'], except: [{ database: 'shop', table: 'a' }] },
      'ALL EXCEPT DATABASES `system`, `information_schema`, `INFORMATION_SCHEMA`, `tmp` EXCEPT TABLES `shop`.`a`',
    ],
  ])('names %s', (_, element, text) => {
    expect(elements(backup([element]))).toBe(text);
  });

  test('puts the one element with EXCEPT last', () => {
    const excepting: StatementElement = { kind: 'database', database: 'a', except: ['t'] };
    expect(elements(backup([excepting, SHOP, { kind: 'table', database: 'b', table: 'c' }]))).toBe(
      'DATABASE `shop`, TABLE `b`.`c`, DATABASE `a` EXCEPT TABLES `t`',
    );
  });

  test.each<[string, () => unknown, RegExp]>([
    ['nothing to back up', () => backup([]), /at least one database or table/],
    [
      'EXCEPT in two elements',
      () => backup([{ kind: 'database', database: 'a', except: ['t'] }, { kind: 'all' }]),
      /EXCEPT in one element of a statement, got it in 2 \(`a`, ALL\)/,
    ],
    [
      'partitions beside ALL',
      () => backup([{ kind: 'table', database: 'a', table: 'b', partitions: ['1'] }, { kind: 'all' }]),
      /ALL takes every partition/,
    ],
    [
      'a system database',
      () => backup([{ kind: 'database', database: 'system' }]),
      /belongs to ClickHouse itself/,
    ],
    ['an empty name', () => backup([{ kind: 'database', database: '' }]), /at least one character/],
    [
      'an empty id',
      () => backupStatement({ elements: [SHOP], destination: FULL, id: '' }),
      /id of a backup or restore must have at least one character/,
    ],
    ...(['a b', 'A', "x'", '', 'a=1, b'] as const).map(
      (name) =>
        [
          `the setting ${JSON.stringify(name)}`,
          () => backupStatement({ elements: [SHOP], destination: FULL, settings: { [name]: 1 }, id: 'i' }),
          /setting's name must be of a-z, 0-9 and "_"/,
        ] as [string, () => unknown, RegExp],
    ),
    ...(['id', 'async', 'base_backup'] as const).map(
      (name) =>
        [
          `the setting ${name}`,
          () => backupStatement({ elements: [SHOP], destination: FULL, settings: { [name]: 1 }, id: 'i' }),
          /is set by Safehouse/,
        ] as [string, () => unknown, RegExp],
    ),
    [
      'a number that is none',
      () => backupStatement({ elements: [SHOP], destination: FULL, settings: { a: Number.NaN }, id: 'i' }),
      /setting a must be a finite number, got NaN/,
    ],
  ])('refuses %s', (_, build, message) => {
    expect(build).toThrow(RangeError);
    expect(build).toThrow(message);
  });
});

describe('restoreStatement', () => {
  test('is the plain statement where there is nothing to add', () => {
    expect(restoreStatement({ elements: [SHOP], source: FULL })).toBe(
      "RESTORE DATABASE `shop` FROM S3('https://b/full')",
    );
  });

  test('names the base of an incremental', () => {
    expect(
      restoreStatement({
        elements: [{ kind: 'all' }],
        cluster: 'main',
        source: INCREMENTAL,
        base: FULL,
        settings: { allow_non_empty_tables: true },
      }),
    ).toBe(
      "RESTORE ALL EXCEPT DATABASES `system`, `information_schema`, `INFORMATION_SCHEMA` ON CLUSTER `main` FROM S3('https://b/incr') SETTINGS base_backup = S3('https://b/full'), allow_non_empty_tables = 1",
    );
  });

  test('has placeholders where secrets would stand, whatever it is given', () => {
    expect(restoreStatement({ elements: [SHOP], source: KEYS, base: KEYS })).toBe(
      "RESTORE DATABASE `shop` FROM S3('https://b/x', '<access key id>', '<secret access key>') SETTINGS base_backup = S3('https://b/x', '<access key id>', '<secret access key>')",
    );
    expect(restoreStatement({ elements: [SHOP], source: STS })).toBe(
      "RESTORE DATABASE `shop` FROM S3(`backups`, 'p/x', access_key_id = '<access key id>', secret_access_key = '<secret access key>', session_token = '<session token>')",
    );
  });

  test('never restores a system database', () => {
    expect(() =>
      restoreStatement({ elements: [{ kind: 'database', database: 'system' }], source: FULL }),
    ).toThrow(/belongs to ClickHouse itself/);
  });
});

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
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).map((text) => text.toWellFormed());
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
      fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
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
