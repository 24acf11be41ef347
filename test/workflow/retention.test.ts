/** Retention, run by its state machine on backups that ClickHouse really made. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deleteObject, putOnce } from '../../clients/bucket.ts';
import { readEvidence, requireEvidence } from '../../clients/ledger.ts';
import { ledgerKey } from '../../core/keys.ts';
import type { History } from '../../local/execution.ts';
import type { LocalExecution } from '../../local/state-machines.ts';
import { nextSecond, type OpenedHouse, openTestHouse } from './opened-house.ts';

let opened: OpenedHouse;
/** Oldest first: a full one with an incremental on it, then full ones. */
let ids: string[];

beforeAll(async () => {
  opened = await openTestHouse();
  await opened.sql('CREATE DATABASE shop');
  await opened.sql('CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id');
  await opened.sql('INSERT INTO shop.orders SELECT number FROM numbers(1000)');
  // No retention follows: what it would mark in between is not of this test.
  opened.interposed.around = ({ name, input }, invoke) =>
    name.includes('RetentionPlan') ? Promise.resolve(nothingToDo(input)) : invoke();
  ids = [];
  for (const kind of ['full', 'incremental', 'full', 'full', 'full']) {
    await nextSecond();
    ids.push(verifiedId(await opened.run('backup', { target: 'brief', kind })));
  }
  await opened.house.settled();
  opened.interposed.around = undefined;
  // The pin that kept the base while the incremental was written lapses half a day later.
  for (const key of await opened.keys('pins/brief/')) await deleteObject(opened.bucket, key);
});

afterAll(() => opened.close());

const verifiedId = ({ output }: History): string => (output as { verified: { id: string } }).verified.id;

const nothingToDo = (input: unknown) => ({ ...(input as object), remove: [], removed: [], done: true });

test('what no rule wants is marked, but not a base that another one still stands on', async () => {
  const held = (await opened.keys('backups/brief/')).length;
  const history = await opened.run('retention', { target: 'brief' });

  // The newest three stay by the rule, the oldest because the incremental stands on it.
  expect(history).toMatchObject({
    status: 'succeeded',
    output: { marked: 1, kept: 4, removed: [], done: true },
  });
  expect(await marked()).toEqual(ids.slice(1, 2));
  expect(await opened.keys('backups/brief/')).toHaveLength(held);
});

test('nothing is removed before its grace is over', async () => {
  const history = await opened.run('retention', { target: 'brief' });

  expect(history).toMatchObject({ status: 'succeeded', output: { marked: 0, removed: [] } });
  expect(await opened.complete('brief')).toEqual(ids);
});

test('when the grace is over, the backup is removed to its last object', async () => {
  const [, incremental = ''] = ids;
  await endGrace(incremental);
  const { objects } = await requireEvidence(opened.bucket, 'brief', incremental, 'verified');
  const history = await opened.run('retention', { target: 'brief' });

  expect(history).toMatchObject({ status: 'succeeded', output: { removed: [{ id: incremental, objects }] } });
  expect(await opened.keys(`backups/brief/${incremental}/`)).toEqual([]);
  expect(await readEvidence(opened.bucket, 'brief', incremental, 'removed')).toMatchObject({ objects });
});

test('a base that nothing stands on any more follows', async () => {
  const [full = ''] = ids;
  await opened.run('retention', { target: 'brief' });
  expect(await marked()).toEqual([full]);
  await endGrace(full);
  await opened.run('retention', { target: 'brief' });

  expect(await opened.complete('brief')).toEqual(ids.slice(2));
  expect(await opened.keys(`backups/brief/${full}/`)).toEqual([]);
});

test('a removal that is killed is finished by the next run', async () => {
  const { house, interposed, run, sql } = opened;
  await sql('INSERT INTO shop.orders SELECT number FROM numbers(2000, 1000)');
  await nextSecond();
  expect((await run('backup', { target: 'brief' })).status).toBe('succeeded');
  await house.settled();
  const [oldest = ''] = await marked();
  expect(oldest).toBe(ids[2]);
  await endGrace(oldest);
  const started = Promise.withResolvers<LocalExecution>();
  interposed.around = async ({ name }, invoke) => {
    if (!name.includes('RetentionRemove')) return invoke();
    (await started.promise).abort();
    return null;
  };
  const execution = await house.start('retention', { target: 'brief' });
  started.resolve(execution);
  expect((await execution.ended).status).toBe('aborted');
  interposed.around = undefined;

  expect((await run('retention', { target: 'brief' })).status).toBe('succeeded');
  expect(await opened.keys(`backups/brief/${oldest}/`)).toEqual([]);
  expect(await readEvidence(opened.bucket, 'brief', oldest, 'removed')).toBeDefined();
  expect(opened.house.messages()).toEqual([]);
});

const marked = async (): Promise<string[]> =>
  (await opened.ledger('brief'))
    .filter(({ states }) => states.expiring !== undefined && states.removed === undefined)
    .map(({ id }) => id);

/** Three days pass. */
async function endGrace(id: string): Promise<void> {
  const { bucket } = opened;
  const mark = await requireEvidence(bucket, 'brief', id, 'expiring');
  await deleteObject(bucket, ledgerKey('brief', id, 'expiring'));
  await putOnce(bucket, ledgerKey('brief', id, 'expiring'), {
    ...mark,
    removeAfter: new Date(Date.now() - 1000).toISOString(),
  });
}
