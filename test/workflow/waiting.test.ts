/** A backup that has to wait: for the target's own condition, or for another backup of the same target. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenedHouse, openTestHouse, way } from './opened-house.ts';

let opened: OpenedHouse;

beforeAll(async () => {
  opened = await openTestHouse();
  const { sql } = opened;
  await sql('CREATE DATABASE shop');
  await sql('CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id');
  await sql('INSERT INTO shop.orders SELECT number FROM numbers(1000)');
  await sql('CREATE TABLE shop.lag (id UInt64) ENGINE = MergeTree ORDER BY id');
  await sql('CREATE DATABASE bulk');
  await sql('CREATE TABLE bulk.noise (a String) ENGINE = MergeTree ORDER BY tuple()');
  await sql('INSERT INTO bulk.noise SELECT randomString(1000) FROM numbers(8000)');
});

afterAll(() => opened.close());

test('a backup waits until the query of its target returns 0, and then goes', async () => {
  const { house, interposed, sql } = opened;
  await sql('INSERT INTO shop.lag VALUES (1)');
  let asked = 0;
  interposed.around = async ({ name }, invoke) => {
    if (name.includes('CheckBeforeFunction')) {
      asked += 1;
      if (asked === 3) await sql('TRUNCATE TABLE shop.lag');
    }
    return invoke();
  };
  const history = await (await house.start('backup', { target: 'waiting' })).ended;
  interposed.around = undefined;

  expect(history.status).toBe('succeeded');
  expect(asked).toBe(3);
  expect(way(history).filter((state) => state === 'WaitForCondition')).toHaveLength(2);
  expect((await opened.ledger('waiting')).map(({ states }) => states.verified !== undefined)).toEqual([true]);
});

test('a backup that has waited for too long is told and gives the last value', async () => {
  const history = await opened.run('backup', { target: 'impatient' });

  expect(history).toMatchObject({ status: 'failed', error: 'BeforeQueryTimedOut' });
  const message = opened.house.messages().at(-1);
  expect(message?.text).toContain('`SELECT 1`');
  expect(message?.text).toContain('still returns 1');
});

test('a scheduled time that comes while a backup of the target is being written makes none', async () => {
  const { house, run, ledger } = opened;
  const submitted = Promise.withResolvers<void>();
  opened.interposed.around = async ({ name }, invoke) => {
    const result = await invoke();
    if (name.includes('SubmitFunction')) submitted.resolve();
    return result;
  };
  const first = await house.start('backup', { target: 'slow' });
  await submitted.promise;
  const second = await run('backup', { target: 'slow', kind: 'full', scheduledTime: '2026-04-02T02:00:00Z' });

  expect(second).toMatchObject({ status: 'succeeded', state: 'Skipped' });
  expect(await opened.claims('slow')).toContain('claims/slow/full/20260402T020000Z/skipped.json');
  expect((await first.ended).status).toBe('succeeded');
  expect((await ledger('slow')).map(({ states }) => states.verified !== undefined)).toEqual([true]);
  const skipped = (await house.metrics()).filter(({ name }) => name === 'BackupsSkipped');
  expect(skipped.map(({ value, dimensions }) => [value, dimensions['Target']])).toEqual([[1, 'slow']]);
});

test('a skipped time stays skipped when its start is delivered again', async () => {
  const again = await opened.run('backup', {
    target: 'slow',
    kind: 'full',
    scheduledTime: '2026-04-02T02:00:00Z',
  });

  expect(again).toMatchObject({ status: 'succeeded', state: 'AlreadyRan' });
});
