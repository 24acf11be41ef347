/**
 * The run is killed at every place where it can be, and run again: as a new execution, because EventBridge delivers the
 * start again, and under its own id, because somebody redrives it. Both find the same end.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { deleteObject, getJson, putOnce } from '../../clients/bucket.ts';
import { attemptKey } from '../../core/keys.ts';
import { attemptClaimSchema } from '../../core/workflow.ts';
import type { LocalExecution } from '../../local/state-machines.ts';
import { type OpenedHouse, openTestHouse } from './opened-house.ts';

let opened: OpenedHouse;
let night = Date.UTC(2026, 3, 1, 2);
let nights = 0;

beforeAll(async () => {
  opened = await openTestHouse();
  await opened.sql('CREATE DATABASE shop');
  await opened.sql('CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id');
  await opened.sql('INSERT INTO shop.orders SELECT number FROM numbers(1000)');
});

afterAll(() => opened.close());

beforeEach(() => {
  night += 86_400_000;
});

/** Before a step ran, and after it ran but before Step Functions heard of it. */
const MOMENTS = ['before', 'after'] as const;
type Moment = (typeof MOMENTS)[number];
const STEPS = ['Begin', 'Prepare', 'Submit', 'Poll', 'Verify'] as const;
const CASES = STEPS.flatMap((step) => MOMENTS.map((moment) => ({ step, moment })));

test.each(CASES)(
  'killed $moment $step, a repeated start brings the night to its end',
  async ({ step, moment }) => {
    const killed = await startAndKill(step, moment);
    // An attempt that was claimed and never submitted is taken for lost when it has not appeared for two minutes.
    if (wasNeverSubmitted(step, moment)) await letTimePass(killed);

    const history = await opened.run('backup', scheduled());

    expect(history.status).toBe('succeeded');
    await expectOneGoodBackup();
  },
);

test.each(CASES)('killed $moment $step, a redrive brings the night to its end', async ({ step, moment }) => {
  const killed = await startAndKill(step, moment);

  const history = await (await opened.house.redrive(killed.id)).ended;

  expect(history).toMatchObject({ id: killed.id, status: 'succeeded' });
  await expectOneGoodBackup();
});

test('killed twice in a row, the night still comes to its end', async () => {
  await startAndKill('Submit', 'after');
  await startAndKill('Verify', 'before');

  expect((await opened.run('backup', scheduled())).status).toBe('succeeded');
  await expectOneGoodBackup();
});

const scheduledTime = (): string => new Date(night).toISOString().replace('.000Z', 'Z');
const scheduled = () => ({ target: 'shop', kind: 'full', scheduledTime: scheduledTime() });
const slot = (): string => scheduledTime().replace(/[-:]/g, '');

async function startAndKill(step: (typeof STEPS)[number], moment: Moment): Promise<LocalExecution> {
  const { house, interposed } = opened;
  const started = Promise.withResolvers<LocalExecution>();
  interposed.around = async ({ name }, invoke) => {
    if (!name.includes(`Backup${step}Function`)) return invoke();
    if (moment === 'after') await invoke();
    (await started.promise).abort();
    return null;
  };
  const execution = await house.start('backup', scheduled());
  started.resolve(execution);
  expect(await execution.ended).toMatchObject({ status: 'aborted', state: step });
  interposed.around = undefined;
  return execution;
}

const wasNeverSubmitted = (step: string, moment: Moment): boolean =>
  (step === 'Prepare' && moment === 'after') || (step === 'Submit' && moment === 'before');

/** Dates the claim of the night's first attempt back by an hour. */
async function letTimePass({ id }: LocalExecution): Promise<void> {
  const { bucket } = opened;
  const key = attemptKey('shop', `full/${slot()}`, 1);
  const claim = await getJson(bucket, key, attemptClaimSchema);
  expect(claim?.execution).toBe(id);
  await deleteObject(bucket, key);
  await putOnce(bucket, key, { ...claim, at: new Date(Date.now() - 3_600_000).toISOString() });
}

/** Of all attempts at this night, one is verified, and no other left a complete backup behind. */
async function expectOneGoodBackup(): Promise<void> {
  const { house, bucket, claims, ledger, complete } = opened;
  await house.settled();
  const keys = (await claims('shop')).filter((key) => key.includes(`/${slot()}/attempt-`));
  const attempts = await Promise.all(keys.map((key) => getJson(bucket, key, attemptClaimSchema)));
  const ids = attempts.map((attempt) => attempt?.id);
  const good = (await ledger('shop')).filter(
    ({ id, states }) => ids.includes(id) && states.verified !== undefined,
  );
  expect(good).toHaveLength(1);
  expect((await complete('shop')).filter((id) => ids.includes(id))).toEqual([good[0]?.id]);
  // And none that belongs to no attempt: each night so far has made one.
  nights += 1;
  expect(await complete('shop')).toHaveLength(nights);
  expect(house.messages()).toEqual([]);
}
