import { expect, it } from 'vitest';
import type { Installation } from '../../../core/installation.ts';
import { call } from '../call.ts';
import { shopTarget } from '../house.ts';

const installation = (over: Readonly<Record<string, unknown>>): Installation => ({
  title: 'the test',
  bucketName: 'company-backups',
  region: 'eu-central-1',
  endpoint: undefined,
  targets: async () => ['shop'],
  target: async () => shopTarget(over),
  start: () => Promise.reject(new Error('nothing is to be started')),
  stop: () => Promise.reject(new Error('nothing is to be stopped')),
  close: async () => {},
});

async function grants(over: Readonly<Record<string, unknown>>, ...typed: string[]): Promise<string> {
  const { exitCode, stdout } = await call(['grants', 'shop', ...typed], {
    open: async () => installation(over),
  });
  expect(exitCode).toBe(0);
  return stdout;
}

/** What a ClickHouse would run: the lines that are no comments. */
const statements = (sql: string): string[] =>
  sql.split('\n').filter((line) => line !== '' && !line.startsWith('--'));

it('grants BACKUP on what is in scope, and what Safehouse itself reads', async () => {
  expect(statements(await grants({ databases: ['shop', 'odd `name`'] }))).toEqual([
    'CREATE SETTINGS PROFILE IF NOT EXISTS `safehouse_shop` SETTINGS max_execution_time = 0, max_memory_usage = 0 TO `safehouse`;',
    'GRANT BACKUP ON `shop`.* TO `safehouse`;',
    'GRANT BACKUP ON `odd \\`name\\``.* TO `safehouse`;',
    'GRANT SELECT ON system.backups, SELECT ON system.processes, SELECT ON system.databases, SELECT ON system.tables TO `safehouse`;',
    'GRANT KILL QUERY ON *.* TO `safehouse`;',
  ]);
});

it.each([
  [{ databases: 'all' }, ['*.*']],
  [
    { databases: 'all', tables: ['shop.events', { database: 'a.b', table: 'c' }] },
    ['`shop`.`events`', '`a.b`.`c`'],
  ],
  [{ databases: ['shop'], engines: ['%MergeTree'] }, ['`shop`.*']],
  [{ databases: 'all', engines: ['%MergeTree'] }, ['*.*']],
  [{ databases: 'all', engines: ['%MergeTree'], tables: ['shop.a', 'shop.b'] }, ['`shop`.*']],
])('grants for %j exactly the level that BACKUP is checked for', async (over, objects) => {
  const found = statements(await grants(over)).flatMap(
    (line) => /^GRANT BACKUP ON (.*) TO /.exec(line)?.[1] ?? [],
  );
  expect(found).toEqual(objects);
});

it('grants on every replica of a cluster, and to ask them', async () => {
  const found = statements(await grants({ cluster: "it's" }));
  for (const statement of found) expect(statement).toContain("ON CLUSTER `it's`");
  expect(found).toContain("GRANT ON CLUSTER `it's` CLUSTER, REMOTE ON *.* TO `safehouse`;");
  expect(found.join('\n')).toContain('SELECT ON system.tables, SELECT ON system.clusters TO');
});

it('grants a named collection, and S3 without a filter for it', async () => {
  const s3 = { access: 'namedCollection', name: 'backups' };
  const found = statements(await grants({ s3 }, '--clickhouse', '26.8'));
  expect(found).toContain('GRANT NAMED COLLECTION ON `backups` TO `safehouse`;');
  expect(found).toContain('GRANT READ, WRITE ON S3 TO `safehouse`;');
});

it('confines S3 to the prefix of the target from 26.8 on', async () => {
  const found = statements(await grants({}, '--clickhouse', '26.8.1.5'));
  expect(found).toContain(
    "GRANT READ, WRITE ON S3('https://company-backups\\\\.s3\\\\.eu-central-1\\\\.amazonaws\\\\.com/backups/shop/.*') TO `safehouse`;",
  );
});

it('leaves S3 out before 26.8, and as a comment where the version is not known', async () => {
  expect(await grants({}, '--clickhouse', '26.7.2')).not.toContain('ON S3');
  expect(await grants({})).toContain('-- GRANT READ, WRITE ON S3');
});

it.each(['new', '26', 'v26.8'])(
  'refuses the version %s, which would silently leave a grant out',
  async (version) => {
    const { exitCode, stderr } = await call(['grants', 'shop', '--clickhouse', version], {
      open: async () => installation({}),
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('must be a version');
  },
);

it('never makes a password up, and says where Safehouse reads it', async () => {
  const sql = await grants({});
  expect(sql).toContain(
    "-- CREATE USER IF NOT EXISTS `safehouse` IDENTIFIED WITH sha256_password BY '<the password>'",
  );
  expect(sql).toContain('the SSM parameter /shop/password');
});

it('keeps a query of several lines within its comment', async () => {
  const sql = await grants({ before: { query: 'SELECT 1\n; DROP TABLE shop.events' } });
  expect(statements(sql).join()).not.toContain('DROP');
});

it('keeps a hostile user name within its quotes', async () => {
  const found = statements(await grants({ user: 'x`; DROP USER admin; --\n' }));
  for (const statement of found) expect(statement).toMatch(/TO `x\\`; DROP USER admin; --\\x0A`;$/);
});

it('gives the statements to scripts with why, and why not', async () => {
  const { json } = await call(['grants', 'shop', '--json'], { open: async () => installation({}) });
  expect(json).toMatchObject({
    target: 'shop',
    user: 'safehouse',
    statements: expect.arrayContaining([
      { sql: 'GRANT BACKUP ON `shop`.* TO `safehouse`', why: expect.any(String), only: null },
    ]),
  });
});

it('grants with --restore what the other user needs, and no BACKUP', async () => {
  const over = { restore: { user: 'restorer', password: { ssm: '/shop/restorer' } } };
  const sql = await grants(over, '--restore', '--clickhouse', '26.8');
  expect(sql).toContain('the SSM parameter /shop/restorer');
  const found = statements(sql);
  for (const statement of found) expect(statement).toMatch(/ TO `restorer`;$/);
  expect(found.join('\n')).not.toContain('BACKUP ON');
  expect(found).toContainEqual(
    expect.stringMatching(
      /^GRANT CREATE DATABASE, .*INSERT, SELECT, CHECK, TRUNCATE, DROP .* ON `shop`\.\* TO/,
    ),
  );
  // Of every target: a server may be restored to from another one's backups.
  expect(found).toContain(
    "GRANT READ ON S3('https://company-backups\\\\.s3\\\\.eu-central-1\\\\.amazonaws\\\\.com/backups/.*') TO `restorer`;",
  );
  expect(statements(await grants(over, '--restore', '--clickhouse', '26.7')).join('\n')).not.toContain('S3');
});

it('grants the user that backs up what a restore needs, where there is no other one', async () => {
  const all = statements(await grants({ databases: 'all' }, '--restore'));
  expect(all).toContainEqual(expect.stringMatching(/^GRANT CREATE DATABASE, .* ON \*\.\* TO `safehouse`;$/));
});
