/** The statements as ClickHouse's own parser sees them: the embedded engine has no users to grant anything to. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type GrantStatement, grantStatements } from '../../cli/grant-statements.ts';
import { restoreGrantStatements } from '../../cli/restore-grant-statements.ts';
import { type Engine, startEngine } from '../../local/engine/engine.ts';
import { shopTarget } from './house.ts';

let engine: Engine;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safehouse-grants-'));
  engine = await startEngine({ dataDirectory: join(directory, 'engine') });
});
afterAll(async () => {
  await engine.stop();
  await rm(directory, { recursive: true });
});

/** The statement as ClickHouse would write it itself. */
async function parsed(sql: string): Promise<string> {
  const url = `${engine.url}/?param_sql=${encodeURIComponent(escaped(sql))}`;
  const answer = await fetch(url, {
    method: 'POST',
    body: 'SELECT formatQuerySingleLine({sql:String}) FORMAT TSVRaw',
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${sql}\n${text}`);
  return text.trimEnd();
}

/** Query parameters are read as TSV. */
const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n');

const ADDRESS = { bucket: 'company-backups', region: 'eu-central-1' };

const statementsFor = (over: Readonly<Record<string, unknown>>): GrantStatement[] =>
  grantStatements('shop', shopTarget(over), ADDRESS, '26.8');

it.each([
  ['the databases of a server', { databases: ['shop', 'odd `name`'] }],
  ['everything on a cluster', { databases: 'all', cluster: "it's a cluster" }],
  [
    'single tables through a named collection',
    { tables: ['shop.events'], s3: { access: 'namedCollection', name: 'b c' } },
  ],
  ['a user with a dot and a condition', { user: 'back.up', before: { query: 'SELECT 1' } }],
])('grants for %s what ClickHouse can parse', async (_, over) => {
  for (const { sql } of statementsFor(over)) expect(await parsed(sql)).toMatch(/^(GRANT|CREATE) /);
});

it('is understood as it is meant', async () => {
  const understood = await Promise.all(statementsFor({ cluster: 'c' }).map(({ sql }) => parsed(sql)));
  expect(understood).toEqual([
    expect.stringMatching(
      /^CREATE USER IF NOT EXISTS `?safehouse`? ON CLUSTER `?c`? IDENTIFIED WITH sha256_password/,
    ),
    expect.stringMatching(
      /^CREATE SETTINGS PROFILE IF NOT EXISTS `?safehouse_shop`? ON CLUSTER .* TO `?safehouse`?$/,
    ),
    'GRANT ON CLUSTER c BACKUP ON shop.* TO safehouse',
    expect.stringMatching(/^GRANT ON CLUSTER c SELECT ON system\.backups, SELECT ON system\.processes/),
    'GRANT ON CLUSTER c KILL QUERY ON *.* TO safehouse',
    'GRANT ON CLUSTER c CLUSTER, REMOTE ON *.* TO safehouse',
    // 26.7 knows one grant for both and no filter; a later one keeps what was written.
    expect.stringMatching(/^GRANT ON CLUSTER c (S3 ON \*\.\*|READ, WRITE ON S3\(.*\)) TO safehouse$/),
  ]);
});

it('stays one statement to one user whatever the names are', async () => {
  const name = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 12 })
    .filter((text) => text.isWellFormed());
  await fc.assert(
    fc.asyncProperty(name, name, async (user, database) => {
      const backup = statementsFor({ user, databases: [database] }).find(({ sql }) =>
        sql.includes('BACKUP ON'),
      );
      expect(await parsed(backup?.sql ?? '')).toMatch(/^GRANT BACKUP ON /);
    }),
    { numRuns: 50 },
  );
});

it.each([
  ['the databases of a server', { databases: ['shop', 'odd `name`'] }],
  ['everything on a cluster', { databases: 'all', cluster: "it's a cluster" }],
  ['a user of its own', { restore: { user: 're.store', s3: { access: 'namedCollection', name: 'b c' } } }],
])('grants a restore of %s what ClickHouse can parse', async (_, over) => {
  for (const { sql } of restoreGrantStatements('shop', shopTarget(over), ADDRESS, '26.8'))
    expect(await parsed(sql)).toMatch(/^(GRANT|CREATE) /);
});

it('takes the beginning of a name for one, under which a restore makes its databases', async () => {
  const statements = restoreGrantStatements('shop', shopTarget(), ADDRESS, '26.7');
  const understood = await Promise.all(statements.map(({ sql }) => parsed(sql)));
  expect(understood.flatMap((sql) => / DROP DICTIONARY ON (\S+) TO /.exec(sql)?.[1] ?? [])).toEqual([
    'shop.*',
    'shop_restored_*.*',
    'safehouse_drill_*.*',
  ]);
});
