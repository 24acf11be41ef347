import { describe, expect, test } from 'vitest';
import {
  backupStatement,
  restoreStatement,
  restoreSubmission,
  type S3Location,
  type StatementElement,
} from '../../core/statements.ts';

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

  test('reaches S3 with a role that asks for no external id', () => {
    const { externalId: _, ...role } = { externalId: 'e', ...ROLE };
    expect(backupStatement({ elements: [SHOP], destination: role as S3Location, id: 'i' }).query).toContain(
      "role_session_name = 'safehouse'))",
    );
  });

  test('may name a table as a whole beside ALL, and exceptions that are none', () => {
    expect(
      elements(backup([{ kind: 'table', database: 'a', table: 'b', partitions: [] }, { kind: 'all' }])),
    ).toMatch(/^TABLE `a`\.`b`, ALL EXCEPT/);
    expect(elements(backup([{ kind: 'database', database: 'a', except: [] }, { kind: 'all' }]))).toMatch(
      /^DATABASE `a`, ALL EXCEPT/,
    );
    expect(() =>
      backup([
        { kind: 'table', database: 'a', table: 'b', partitions: ['1'] },
        { kind: 'database', database: 'c', except: ['d'] },
      ]),
    ).not.toThrow();
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

describe('restoreSubmission', () => {
  test('gives addresses and credentials as parameters, those of a base apart', () => {
    expect(
      restoreSubmission({
        elements: [SHOP],
        cluster: 'main',
        source: KEYS,
        base: FULL,
        settings: { allow_non_empty_tables: false },
        id: 'r',
      }),
    ).toEqual({
      query:
        "RESTORE DATABASE `shop` ON CLUSTER `main` FROM S3({source_url:String}, {source_access_key_id:String}, {source_secret_access_key:String}) SETTINGS id = 'r', base_backup = S3({base_url:String}), allow_non_empty_tables = 0 ASYNC",
      query_params: {
        source_url: 'https://b/x',
        source_access_key_id: 'AKID',
        source_secret_access_key: 'S3CR3T',
        base_url: 'https://b/full',
      },
    });
  });

  test('without a base and settings has its id alone', () => {
    expect(restoreSubmission({ elements: [SHOP], source: FULL, id: 'r' })).toEqual({
      query: "RESTORE DATABASE `shop` FROM S3({source_url:String}) SETTINGS id = 'r' ASYNC",
      query_params: { source_url: 'https://b/full' },
    });
    expect(() => restoreSubmission({ elements: [SHOP], source: FULL, id: '' })).toThrow(
      /at least one character/,
    );
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
