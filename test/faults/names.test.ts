/** Names that are made to break out of quotes, of keys and of files, and tables that come and go or hold nothing. */
import '../support/function-environment.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { requireEvidence } from '../../clients/ledger.ts';
import { quoteIdentifier } from '../../core/identifiers.ts';
import type { MadeBackup } from '../functions/prove/proving-ground.ts';
import { FaultGround } from './fault-ground.ts';
import { runNight } from './night.ts';

const ground = new FaultGround();
const TIME = { timeout: 60_000 };

/** Each with a table of one row, whose value is the name. */
async function make(database: string, tables: readonly string[]): Promise<void> {
  await ground.tell(`CREATE DATABASE ${quoteIdentifier(database)}`);
  for (const table of tables) {
    const place = `${quoteIdentifier(database)}.${quoteIdentifier(table)}`;
    await ground.tell(
      `CREATE TABLE ${place} (name String) ENGINE = MergeTree ORDER BY tuple()`,
      `INSERT INTO ${place} VALUES (unhex('${Buffer.from(table).toString('hex')}'))`,
    );
  }
}

const tablesOf = async (backup: MadeBackup): Promise<[string, string, string][]> =>
  (await requireEvidence(ground.around.bucket, backup.target, backup.id, 'verified')).tables.map(
    ({ database, name, coverage }) => [database, name, coverage],
  );

/** Restores beside the live one, and gives what each table holds. */
async function restored(backup: MadeBackup, database: string, tables: readonly string[]): Promise<string[]> {
  const as = `${database.slice(0, 20)} again`;
  const end = await ground.restore({
    target: backup.target,
    backup: backup.id,
    databases: [database],
    as: { [database]: as },
  });
  expect(end).toMatchObject({ status: 'succeeded' });
  const names: string[] = [];
  for (const table of tables) {
    const place = `${quoteIdentifier(as)}.${quoteIdentifier(table)}`;
    const [row] = await ground.ask<{ name: string }>(`SELECT name FROM ${place}`);
    names.push(row?.name ?? '');
  }
  await ground.tell(`DROP DATABASE ${quoteIdentifier(as)} SYNC`);
  return names;
}

const QUOTES = ['`', "'", '"', ';', '--', '\\', '\n', '{id:String}', '/*', ' DROP TABLE canary', ')', '%'];

describe('hostile names', TIME, () => {
  test('fault 34: names that are SQL are backed up, verified, restored, and do nothing', async () => {
    await make('canary', ['canary']);
    const hostile = fc.array(fc.constantFrom(...QUOTES), { minLength: 1, maxLength: 6 });
    const drawn = fc.sample(hostile, { numRuns: 12, seed: 34 }).map((parts, n) => `${n}${parts.join('')}`);
    const tables = [...drawn, "'; DROP DATABASE canary; --", '` ON CLUSTER c TO S3(`x`)'];
    const database = "`; DROP DATABASE canary; -- '";
    await make(database, tables);
    const target = ground.addTarget({ databases: [database, 'canary'] });
    const backup = await ground.backUp(target);
    expect((await tablesOf(backup)).map(([, name]) => name).sort()).toEqual([...tables, 'canary'].sort());
    expect(await restored(backup, database, tables)).toEqual(tables);
    expect(await ground.ask('SELECT name FROM canary.canary')).toEqual([{ name: 'canary' }]);
  });

  test('fault 35: names of any script and length, with slashes, dots and cases that collide, come back byte for byte', async () => {
    const tables = [
      'Заказы',
      '注文 🧾',
      'a/b/../c',
      '..',
      '%2e%2e%2f',
      'Case',
      'case',
      'e\u0301',
      '\u00e9',
      // ClickHouse leaves about 170 bytes to the name of a table, escaped: each ü takes six.
      'long'.repeat(37),
      'ü'.repeat(24),
    ];
    await make('δ/ελτα.%', tables);
    const target = ground.addTarget({ databases: ['δ/ελτα.%'] });
    const backup = await ground.backUp(target);
    expect((await tablesOf(backup)).map(([, name]) => name).sort()).toEqual([...tables].sort());
    expect(await restored(backup, 'δ/ελτα.%', tables)).toEqual(tables);
  });
});

describe('tables that come and go', TIME, () => {
  test('fault 36: one that is dropped or renamed while the backup begins fails it by its name', async () => {
    await make('moving', ['stays', 'goes', 'old']);
    const target = ground.addTarget({ databases: ['moving'], attempts: 1 });
    const night = await runNight({ target }, async (step, call) => {
      if (step === 'submit')
        await ground.tell('DROP TABLE moving.goes SYNC', 'RENAME TABLE moving.old TO moving.new');
      return call();
    });
    expect(night).toMatchObject({ status: 'failed', error: 'VerificationFailed' });
    expect(night.cause).toContain('Table "moving"."goes"');
    expect(night.cause).toContain('Table "moving"."old"');
    expect(await ground.good(target)).toEqual([]);
    // What has come since is in the next one, under its new name.
    const next = await runNight({ target });
    const made = { target, id: next.attempts[0] ?? '' };
    expect((await tablesOf(made)).map(([, name]) => name).sort()).toEqual(['new', 'stays']);
  });
});

describe('tables whose data ClickHouse does not save', TIME, () => {
  test('fault 37: are named in the ledger with what is not covered, and in the proof', async () => {
    await ground.tell(
      'CREATE DATABASE odd',
      'CREATE TABLE odd.data (id UInt64) ENGINE = MergeTree ORDER BY id',
      'CREATE TABLE odd.buffer AS odd.data ENGINE = Buffer(odd, data, 1, 3600, 3600, 1000000, 1000000, 1000000, 1000000)',
      'INSERT INTO odd.buffer SELECT number FROM numbers(5)',
      'CREATE TABLE odd.memory (id UInt64) ENGINE = Memory',
      'INSERT INTO odd.memory SELECT number FROM numbers(3)',
      'CREATE TABLE odd.log (id UInt64) ENGINE = Log',
      'CREATE TABLE odd.join (id UInt64, v UInt64) ENGINE = Join(ANY, LEFT, id)',
      'CREATE TABLE odd.members (id UInt64) ENGINE = Set',
      'CREATE VIEW odd.view AS SELECT 1 AS one',
      "CREATE DICTIONARY odd.dictionary (id UInt64, v UInt64) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'join' DB 'odd')) LAYOUT(FLAT()) LIFETIME(0)",
    );
    const target = ground.addTarget({ databases: ['odd'] });
    const backup = await ground.backUp(target);
    const coverage = Object.fromEntries((await tablesOf(backup)).map(([, name, covered]) => [name, covered]));
    expect(coverage).toMatchObject({
      data: 'data',
      memory: 'data',
      log: 'data',
      buffer: 'schema only',
      join: 'schema only',
      members: 'schema only',
      view: 'schema only',
      dictionary: 'schema only',
    });
  });
});

describe('nothing', TIME, () => {
  test('fault 38: is a valid backup: an empty database, tables without rows; a sudden fall to nothing is told', async () => {
    await ground.tell('CREATE DATABASE empty');
    const bare = ground.addTarget({ databases: ['empty'] });
    const nothing = await ground.backUp(bare);
    expect(await ground.prove(nothing)).toMatchObject({ verdict: 'proven' });

    await make('falling', ['orders']);
    await ground.tell('CREATE TABLE falling.never (id UInt64) ENGINE = MergeTree ORDER BY id');
    const target = ground.addTarget({ databases: ['falling'] });
    await ground.prove(await ground.backUp(target));
    await ground.tell('TRUNCATE TABLE falling.orders');
    expect(await ground.prove(await ground.backUp(target))).toMatchObject({
      verdict: 'proven',
      evidence: { anomalies: expect.arrayContaining([expect.stringContaining('falling.orders')]) },
    });
    expect(ground.around.told).toMatchObject([
      { subject: `Safehouse: ${target}: the newest backup is much smaller` },
    ]);
  });
});
