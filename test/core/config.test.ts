import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Config, defineConfig, parseConfig, parseTarget } from '../../core/config.ts';
import { SafehouseError } from '../../core/errors.ts';
import { configs } from '../support/configs.ts';
import { LEAST, targetOf } from '../support/targets.ts';

/** What is said against a target with these settings, one line for each problem. */
function problems(overrides: Readonly<Record<string, unknown>>): string[] {
  return linesOf(() => parseTarget({ ...LEAST, ...overrides }, 'the settings'));
}

const configProblems = (input: unknown): string[] => linesOf(() => parseConfig(input, 'the settings'));

function linesOf(parse: () => unknown): string[] {
  try {
    parse();
  } catch (error) {
    expect(error).toBeInstanceOf(SafehouseError);
    const { name, failure } = error as SafehouseError;
    expect(name).toBe('InvalidConfiguration');
    expect(failure.class).toBe('fix and stop');
    const [title, ...lines] = failure.what.trimEnd().split('\n');
    expect(title).toBe(
      lines.length === 1 ? 'the settings has a problem:' : `the settings has ${lines.length} problems:`,
    );
    return lines.map((line) => line.replace('  - ', ''));
  }
  return [];
}

describe('the least that a user can write', () => {
  it('becomes a whole target by the defaults', () => {
    expect(targetOf()).toEqual({
      url: 'https://clickhouse.example:8443',
      user: 'default',
      databases: 'all',
      s3: { access: 'server' },
      schedule: { full: 'cron(0 2 * * ? *)', timeZone: 'UTC' },
      settings: {
        backup_restore_s3_retry_attempts: 20,
        backup_restore_s3_retry_max_backoff_ms: 5000,
        max_execution_time: 0,
      },
      attempts: 2,
      maxHours: 12,
      retention: { daily: 7, weekly: 4, monthly: 12, minimum: 3, graceDays: 3, maxShare: 0.25 },
      prove: { level: 'bytes', againWithinDays: 30, assertions: [], maxDrop: 0.5 },
      restore: { maxHours: 24, keepFree: 0.1 },
      doctor: { schedule: 'cron(0 9 * * ? *)' },
    });
  });

  it('becomes a whole configuration by the defaults', () => {
    const { targets, ...rest } = parseConfig(defineConfig({ targets: { logs: LEAST } }), 'the settings');
    expect(Object.keys(targets)).toEqual(['logs']);
    expect(rest).toEqual({
      bucket: { noncurrentVersionDays: 7, abortMultipartDays: 14 },
      alerts: { email: [] },
      prover: { memoryMiB: 3072, storageMiB: 2048, atOnce: 10, gibibytesAnItem: 16 },
      writerRoles: [],
    });
  });
});

const ROLE = 'arn:aws:iam::123456789012:role/writer';
const SCHEDULE = LEAST.schedule;

describe('each key of a target', () => {
  it.each([
    ['url', 'http://localhost:8123'],
    ['url', 'https://clickhouse.example:8443/behind/a/path'],
    ['user', 'backup'],
    ['password', { ssm: '/clickhouse/password' }],
    ['password', { secretsManager: 'clickhouse' }],
    ['password', { secretsManager: 'clickhouse', field: 'password' }],
    ['tls', { caCertificate: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n' }],
    ['network', { vpcId: 'vpc-1', subnetIds: ['subnet-1'], securityGroupIds: ['sg-1'] }],
    ['cluster', 'main'],
    ['databases', 'all'],
    ['databases', ['events', 'with space', '`; DROP']],
    ['except', [{ database: 'a', table: 'b.c' }]],
    ['engines', ['%MergeTree']],
    ['s3', { access: 'server' }],
    ['s3', { access: 'role', roleArn: ROLE }],
    ['s3', { access: 'role', roleArn: ROLE, externalId: 'xy' }],
    ['s3', { access: 'namedCollection', name: 'backups' }],
    ['s3', { access: 'sts', roleArn: ROLE, namedCollection: 'backups', durationSeconds: 900 }],
    ['s3', { access: 'keys', accessKeyId: { ssm: 'id' }, secretAccessKey: { secretsManager: 'key' } }],
    ['attempts', 1],
    ['attempts', 5],
    ['maxHours', 0.5],
    ['maxHours', 168],
    ['before', { query: 'SELECT 0', limitMinutes: 10_080 }],
    ['prove', { level: 'counts', againWithinDays: 7, maxDrop: 1, assertions: [{ query: 'SELECT 1' }] }],
    ['staleAfterHours', 26],
    ['doctor', { schedule: 'rate(12 hours)' }],
    ['doctor', { schedule: 'none' }],
  ])('takes %s: %j as it is', (key, value) => {
    expect(targetOf({ [key]: value })).toMatchObject({ [key]: value });
  });

  it.each<[string, unknown, string]>([
    ['url', undefined, 'url is missing; must be a text'],
    [
      'url',
      'host:9000',
      'url is "host:9000"; must be the http(s) address of ClickHouse, such as https://host:8443',
    ],
    ['user', '', 'user is ""; must be at least 1 character'],
    ['password', { ssm: '' }, 'password.ssm is a text; must be at least 1 character'],
    ['password', {}, 'password.ssm is missing; must be a text'],
    ['tls', { caCertificate: 'x' }, 'tls.caCertificate is a text; must be a PEM certificate'],
    [
      'network',
      { vpcId: 'vpc-1', subnetIds: ['subnet-1'] },
      'network.securityGroupIds is missing; must be a list',
    ],
    ['cluster', '', 'cluster is ""; must be at least 1 character'],
    [
      'doctor',
      { schedule: 'daily' },
      'doctor.schedule is "daily"; expected cron(0 2 * * ? *) for every night at two, or rate(6 hours), got "daily" ("none" leaves it to people)',
    ],
    ['databases', [], 'databases is an empty list; must be at least 1 entry'],
    ['databases', 'everything', 'databases is "everything"; must be "all", or must be a list'],
    ['databases', [''], 'databases[0] is ""; must be at least 1 character'],
    [
      'databases',
      ['a', 'system'],
      'databases names "system": the database belongs to ClickHouse itself and would be in conflict with that of the server it is restored onto, so it is never backed up',
    ],
    [
      'tables',
      ['system.users'],
      'tables names "system.users": the database belongs to ClickHouse itself and would be in conflict with that of the server it is restored onto, so it is never backed up',
    ],
    [
      'tables',
      ['events'],
      'tables[0] is "events"; must be an object, or must be "database.table", or { database, table } when a name has a dot',
    ],
    ['tables', [{ database: 'a' }], 'tables[0].table is missing; must be a text'],
    ['except', [7], 'except[0] is 7; must be an object, or must be a text'],
    ['engines', '%MergeTree', 'engines is "%MergeTree"; must be a list'],
    ['s3', { access: 'server', roleArn: ROLE }, 's3.roleArn is not a known key; known here: access'],
    [
      's3',
      { access: 'role', roleArn: ROLE, externalID: 'x' },
      's3.externalID is not a known key (did you mean "externalId"?); known here: access, roleArn, externalId',
    ],
    ['s3', { access: 'role', roleArn: 'writer' }, 's3.roleArn is "writer"; must be an ARN: arn:aws:iam:…'],
    [
      's3',
      { access: 'keys', accessKeyId: { ssm: 'a' } },
      "s3.secretAccessKey is missing; must be a secret's place, { ssm: name } or { secretsManager: name }, never the secret itself",
    ],
    [
      's3',
      { access: 'rol' },
      's3.access is "rol"; must be one of "server", "role", "namedCollection", "sts", "keys" (did you mean "role"?)',
    ],
    ['s3', {}, 's3.access is missing; must be one of "server", "role", "namedCollection", "sts", "keys"'],
    ['schedule', undefined, 'schedule is missing; must be an object'],
    [
      'schedule',
      { ...SCHEDULE, timeZone: 'Europe/Berlni' },
      'schedule.timeZone is "Europe/Berlni"; expected an IANA time zone, such as UTC or Europe/Berlin, got "Europe/Berlni"',
    ],
    [
      'schedule',
      { full: 'rate(1 hours)' },
      'schedule.full is "rate(1 hours)"; expected rate(1 hour), got rate(1 hours)',
    ],
    ['settings', { id: 'x' }, 'settings.id is "x"; is set by Safehouse itself; leave it out'],
    [
      'settings',
      { structure_only: 1 },
      'settings.structure_only is 1; would leave data out of a backup that is called whole; leave it out',
    ],
    [
      'settings',
      { s3_storage_class: 'GLACIER' },
      'settings.s3_storage_class is "GLACIER"; cannot be read back at once, so the backup could be neither verified nor restored; GLACIER_IR, STANDARD_IA, ONEZONE_IA and INTELLIGENT_TIERING can',
    ],
    ['settings', { 'a-b': 1 }, 'settings.a-b: the name "a-b" must be the name of a ClickHouse setting'],
    ['settings', { a: true }, 'settings.a is true; must be a text, or must be a number'],
    ['attempts', 0, 'attempts is 0; must be at least 1'],
    ['attempts', 6, 'attempts is 6; must be at most 5'],
    ['attempts', 1.5, 'attempts is 1.5; must be a whole number'],
    ['maxHours', 0, 'maxHours is 0; must be more than 0'],
    ['maxHours', 168.1, 'maxHours is 168.1; must be at most 168'],
    ['before', { query: '' }, 'before.query is ""; must be at least 1 character'],
    ['before', { query: 'SELECT 1', limitMinutes: 0 }, 'before.limitMinutes is 0; must be more than 0'],
    [
      'retention',
      {},
      'retention the rules keep nothing: expected at least one of last, withinDays, daily, weekly, monthly, yearly',
    ],
    ['prove', { level: 'all' }, 'prove.level is "all"; must be one of "none", "counts", "bytes"'],
    ['prove', { maxDrop: 0 }, 'prove.maxDrop is 0; must be more than 0'],
    ['prove', { assertions: [{}] }, 'prove.assertions[0].query is missing; must be a text'],
    ['staleAfterHours', 0, 'staleAfterHours is 0; must be more than 0'],
  ])('refuses %s: %j', (key, value, problem) => {
    expect(problems({ [key]: value })).toEqual([problem]);
  });

  it('refuses temporary credentials that STS would not give', () => {
    const s3 = { access: 'sts', roleArn: ROLE, namedCollection: 'backups' };
    expect(problems({ s3: { ...s3, durationSeconds: 899 } })).toEqual([
      's3.durationSeconds is 899; must be at least 900',
    ]);
    expect(targetOf({ s3 }).s3).toEqual({ ...s3, durationSeconds: 3600 });
  });

  it('splits "database.table" at the first dot', () => {
    expect(targetOf({ tables: ['events.a.b', { database: 'x.y', table: 'z' }] }).tables).toEqual([
      { database: 'events', table: 'a.b' },
      { database: 'x.y', table: 'z' },
    ]);
  });

  it('refuses a table of a database that is not chosen, which would be left out without a word', () => {
    expect(problems({ databases: ['a'], tables: ['a.t', 'b.t'] })).toEqual([
      'tables names "b.t", whose database is not among `databases`: it would be left out',
    ]);
  });

  it('puts settings over the defaults', () => {
    expect(
      targetOf({ settings: { max_execution_time: 60, s3_storage_class: 'GLACIER_IR' } }).settings,
    ).toEqual({
      backup_restore_s3_retry_attempts: 20,
      backup_restore_s3_retry_max_backoff_ms: 5000,
      max_execution_time: 60,
      s3_storage_class: 'GLACIER_IR',
    });
  });
});

describe('each key of the configuration', () => {
  it.each<[Readonly<Record<string, unknown>>, string]>([
    [{ bucket: { existing: 'ab' } }, 'bucket.existing is "ab"; must be at least 3 characters'],
    [{ bucket: { kmsKeyArn: 'key' } }, 'bucket.kmsKeyArn is "key"; must be an ARN: arn:aws:kms:…'],
    [
      { bucket: { objectLock: { mode: 'strict', days: 1 } } },
      'bucket.objectLock.mode is "strict"; must be one of "governance", "compliance"',
    ],
    [{ bucket: { noncurrentVersionDays: 0 } }, 'bucket.noncurrentVersionDays is 0; must be at least 1'],
    [{ bucket: { abortMultipartDays: 91 } }, 'bucket.abortMultipartDays is 91; must be at most 90'],
    [{ prover: { atOnce: 0 } }, 'prover.atOnce is 0; must be at least 1'],
    [{ prover: { memoryMiB: 512 } }, 'prover.memoryMiB is 512; must be at least 1024'],
    [{ alerts: { email: ['nobody'] } }, 'alerts.email[0] is "nobody"; must be an e-mail address'],
    [{ alerts: { topicArn: 'topic' } }, 'alerts.topicArn is "topic"; must be an ARN: arn:aws:sns:…'],
    [
      { alerts: { trial: 'MON' } },
      'alerts.trial is "MON"; expected cron(0 2 * * ? *) for every night at two, or rate(6 hours), got "MON"',
    ],
    [{ writerRoles: [ROLE] }, `writerRoles[0] is "${ROLE}"; must be a role's name, not its ARN`],
    [{ targets: {} }, 'targets must name at least one target'],
    [{ targets: undefined }, 'targets is missing; must be an object'],
    [
      { targets: { 'Logs!': LEAST } },
      'targets has the name "Logs!": must be 1 to 48 of a-z, 0-9 and "-", beginning with a letter',
    ],
    [
      { targets: { '../other': LEAST, '': LEAST } },
      'targets has the names "../other", "": must be 1 to 48 of a-z, 0-9 and "-", beginning with a letter',
    ],
    [
      { wirterRoles: [] },
      'wirterRoles is not a known key (did you mean "writerRoles"?); known here: targets, bucket, alerts, prover, writerRoles',
    ],
  ])('refuses %j', (overrides, problem) => {
    expect(configProblems({ targets: { logs: LEAST }, ...overrides })).toEqual([problem]);
  });

  it.each([undefined, null, [], 'targets', 7])('refuses %j in place of a configuration', (input) => {
    expect(configProblems(input)).toHaveLength(1);
  });
});

describe('several mistakes', () => {
  it('are said at once, those of names together with those inside', () => {
    expect(
      configProblems({
        targets: { 'Bad Name': LEAST, logs: { ...LEAST, atempts: 3, maxHours: -1, databse: ['x'] } },
        bukcet: {},
      }),
    ).toEqual([
      'targets.logs.maxHours is -1; must be more than 0',
      expect.stringMatching(
        /^targets\.logs\.atempts is not a known key \(did you mean "attempts"\?\); known here: url, /,
      ),
      expect.stringMatching(/^targets\.logs\.databse is not a known key \(did you mean "databases"\?\)/),
      'targets has the name "Bad Name": must be 1 to 48 of a-z, 0-9 and "-", beginning with a letter',
      'bukcet is not a known key (did you mean "bucket"?); known here: targets, bucket, alerts, prover, writerRoles',
    ]);
  });

  it('beyond fifty are counted, so that the message stays within what Step Functions carries', () => {
    const lines = problems({ databases: Array.from({ length: 1000 }, () => '') });
    expect(lines).toHaveLength(50);
    expect(lines.at(-1)).toBe('and 951 more like these');
  });

  it('offer no word that is not near', () => {
    expect(problems({ zzzzzzzz: 1 })[0]).toMatch(/^zzzzzzzz is not a known key; known here/);
  });
});

describe('secrets', () => {
  const SECRET = 'hunter2-very-secret';
  const place =
    "must be a secret's place, { ssm: name } or { secretsManager: name }, never the secret itself";

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['the password', { password: SECRET }],
    ['a list of passwords', { password: [SECRET] }],
    ['a key', { s3: { access: 'keys', accessKeyId: SECRET, secretAccessKey: SECRET } }],
    ['a private key', { tls: { caCertificate: `-----BEGIN PRIVATE KEY-----\n${SECRET}` } }],
    ['an address', { url: `https://user:${SECRET}@host:8443` }],
    ['an address with signs in its password', { url: `https://user:a/b@c${SECRET}@host:8443` }],
    ['an address with a password that is no address', { url: `user:${SECRET}@host` }],
    ['an address of another kind', { url: `ftp://user:${SECRET}@host` }],
    ['a query', { url: `https://host:8443/?password=${SECRET}` }],
    ['a query of another kind', { url: `ftp://host:8443/?password=${SECRET}` }],
    ['an unknown key', { passwrod: SECRET }],
    ['settings', { settings: { password: SECRET } }],
  ])('do not come out of %s', (_, overrides) => {
    const lines = problems(overrides);
    expect(lines).not.toEqual([]);
    expect(lines.join('\n')).not.toContain(SECRET);
  });

  it('are asked for by their place', () => {
    expect(problems({ password: SECRET })).toEqual([`password is a text; ${place}`]);
    expect(
      configProblems({ targets: { logs: LEAST }, alerts: { webhook: `https://hooks/${SECRET}` } }),
    ).toEqual([`alerts.webhook is a text; ${place}`]);
  });

  it('are not taken in the address, which lies readable in SSM and stands in alerts', () => {
    expect(problems({ url: `https://user:${SECRET}@host:8443` })).toEqual([
      'url is "https://[HIDDEN]@host:8443"; must hold no user, password, query or fragment: `user` and `password` go by themselves',
    ]);
  });
});

describe('any input at all', () => {
  it('is either parsed or refused with a SafehouseError, and soon', { timeout: 30_000 }, () => {
    const longest = Math.max(
      ...fc
        .sample(fc.oneof(fc.jsonValue({ maxDepth: 6 }), almostConfigs()), 1000)
        .map((input) => durationOf(() => parseOrRefuse(input))),
    );
    expect(longest).toBeLessThan(1000);
  });

  it('with enormous keys and texts is refused soon', () => {
    const key = 'targets'.repeat(20_000);
    expect(
      durationOf(() => parseOrRefuse({ targets: { logs: { ...LEAST, [key]: key, url: key } } })),
    ).toBeLessThan(1000);
  });

  it('is never shown as an object, which may hold a secret', () => {
    expect(problems({ s3: { access: { toString: null } } })).toEqual([
      's3.access is an object; must be one of "server", "role", "namedCollection", "sts", "keys"',
    ]);
  });
});

describe('a parsed configuration', () => {
  it('parses to itself after a journey as JSON, as settings travel through SSM', () => {
    fc.assert(
      fc.property(configs(), (input) => {
        const parsed = parseConfig(input, 'arbitrary');
        expect(parseConfig(JSON.parse(JSON.stringify(parsed)), 'travelled')).toEqual(parsed);
        for (const target of Object.values(parsed.targets))
          expect(parseTarget(JSON.parse(JSON.stringify(target)), 'travelled')).toEqual(target);
      }),
    );
  });
});

function parseOrRefuse(input: unknown): Config | undefined {
  try {
    return parseConfig(input, 'arbitrary');
  } catch (error) {
    expect(error).toBeInstanceOf(SafehouseError);
    return undefined;
  }
}

function durationOf(run: () => unknown): number {
  const began = performance.now();
  run();
  return performance.now() - began;
}

/** Good configurations with any JSON in place of some of their parts. */
const almostConfigs = (): fc.Arbitrary<unknown> =>
  fc
    .tuple(
      configs(),
      fc.array(fc.tuple(fc.nat(), fc.jsonValue({ maxDepth: 2 })), { minLength: 1, maxLength: 4 }),
    )
    .map(([config, changes]) =>
      changes.reduce<unknown>((value, [at, part]) => replaceAt(value, at, part), config),
    );

function replaceAt(value: unknown, at: number, part: unknown): unknown {
  if (typeof value !== 'object' || value === null || at % 5 === 0) return part;
  const entries = Object.entries(value);
  if (entries.length === 0) return part;
  const changed = at % entries.length;
  const replaced = entries.map(([key, child], index): [string, unknown] => [
    key,
    index === changed ? replaceAt(child, Math.floor(at / 7), part) : child,
  ]);
  return Array.isArray(value) ? replaced.map(([, child]) => child) : Object.fromEntries(replaced);
}
