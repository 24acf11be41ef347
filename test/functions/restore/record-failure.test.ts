import '../../support/function-environment.ts';
import { PublishCommand } from '@aws-sdk/client-sns';
import { describe, expect, it } from 'vitest';
import { getJson, listObjects, putOnce } from '../../../clients/bucket.ts';
import { failureText } from '../../../core/errors.ts';
import type { Failure } from '../../../core/failure.ts';
import { holdsPrefix, pinKey, restoreKey, restoreReportKey } from '../../../core/keys.ts';
import { endedSchema, type RestorePlan, restoreReportSchema } from '../../../core/restore.ts';
import type { RecordedFailure } from '../../../core/workflow.ts';
import { takeHold } from '../../../functions/restore/holds.ts';
import { handler } from '../../../functions/restore/record-failure.ts';
import { awsError } from '../../support/aws.ts';
import { all } from '../../support/failures.ts';
import { pollOf } from '../../support/runs.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';
import { beforeOf, EXECUTION, type WrittenRestore, writePage, writePlan } from './written-restore.ts';

const around = new Surroundings();
const LATER = '2099-01-01T00:00:00.000Z';

const record = (run: Readonly<Record<string, unknown>>, execution = EXECUTION): Promise<RecordedFailure> =>
  carried(invoke(handler, { execution, run }));

/** A restore that holds everything that it may hold. */
async function begun(overrides: Partial<RestorePlan> = {}): Promise<WrittenRestore> {
  const written = await writePlan(around, around.addTarget(), { base: 'base', ...overrides });
  const { plan } = written;
  for (const id of [plan.backup, 'base'])
    await putOnce(around.bucket, pinKey(plan.target, id, plan.restore), {});
  await takeHold(around.bucket, {
    ...plan,
    database: 'shop',
    execution: EXECUTION,
    lapsesAt: LATER,
  });
  await writePage(around, plan, 'before', beforeOf());
  return written;
}

const failure = (overrides: Partial<Failure> = {}): Failure => ({
  class: 'fix and stop',
  error: 'S3_ERROR',
  what: 'S3 said no.',
  remedy: 'Ask again.',
  ...overrides,
});

const caught = (failed = failure()) => ({
  Error: 'Refused',
  Cause: JSON.stringify({ errorType: 'Refused', errorMessage: failureText(failed) }),
});

const reportOf = ({ target, backup, restore }: RestorePlan) =>
  getJson(around.bucket, restoreReportKey(target, backup, restore), restoreReportSchema);
const endedOf = ({ to, restore }: RestorePlan) =>
  getJson(around.bucket, restoreKey(to, restore, 'ended'), endedSchema);

async function heldBy({ target, to, restore }: RestorePlan): Promise<string[]> {
  const pins = (await all(listObjects(around.bucket, `pins/${target}/`))).map(({ key }) => key);
  const holds = (await all(listObjects(around.bucket, holdsPrefix(to, 'shop')))).map(({ key }) => key);
  const isReleased = holds.some((key) => key.endsWith('-released.json'));
  return [...pins.filter((key) => key.includes(restore)), ...(isReleased ? [] : holds)];
}

describe('a restore that failed', () => {
  it('is reported, gives back what it held, is told once, and says what Step Functions is to say', async () => {
    const { plan, run } = await begun();
    expect(await heldBy(plan)).toHaveLength(3);
    await writePage(around, plan, 'cleaned', {
      dropped: [{ kind: 'database', database: 'half', table: null }],
      left: [],
    });
    const recorded = await record({ ...run, error: caught() });
    expect(recorded).toMatchObject({ outcome: 'give up', error: 'S3_ERROR' });
    expect(recorded.cause).toContain('S3 said no. What it had made was taken away: half.');
    expect(await reportOf(plan)).toMatchObject({
      outcome: 'failed',
      by: EXECUTION,
      dropped: [{ database: 'half' }],
      failure: { error: 'S3_ERROR' },
    });
    expect(await endedOf(plan)).toMatchObject({ outcome: 'failed' });
    expect(await heldBy(plan)).toEqual([]);
    expect(around.told).toHaveLength(1);
    expect(around.told[0]?.text).toContain('What it had made was taken away: half.');
    expect(around.published).toMatchObject([{ name: 'AlertsSent', value: 1 }]);
  });

  it('is reported once, however often the step is repeated', async () => {
    const { plan, run } = await begun();
    await record({ ...run, error: caught() });
    const first = await reportOf(plan);
    await record({ ...run, error: caught(failure({ what: 'Something else.' })) });
    expect(await reportOf(plan)).toEqual(first);
  });

  it('is told after it is recorded: a topic that is gone leaves nothing held', async () => {
    const { plan, run } = await begun();
    around.sns.on(PublishCommand).rejects(awsError('NotFoundException', 404));
    await expect(record({ ...run, error: caught() })).rejects.toThrow();
    expect(await heldBy(plan)).toEqual([]);
    expect(around.published).toEqual([]);
  });

  it('that could not be cleaned up stays open and held, and says both', async () => {
    const { plan, run } = await begun();
    const cleanUpError = caught(failure({ what: 'The server is gone.', error: 'ECONNREFUSED' }));
    const recorded = await record({ ...run, error: caught(), cleanUpError });
    expect(recorded).toMatchObject({ error: 'ECONNREFUSED' });
    expect(recorded.cause).toContain('S3 said no. Then cleaning up failed: The server is gone.');
    expect(await endedOf(plan)).toBeUndefined();
    expect(await heldBy(plan)).toHaveLength(3);
    expect(around.told).toHaveLength(1);
  });

  it('in ClickHouse says what ClickHouse said', async () => {
    const { run } = await begun();
    const poll = pollOf(60, { outcome: 'failed', failure: failure({ what: 'The disk is full.' }) });
    expect((await record({ ...run, poll })).cause).toContain('The disk is full.');
  });

  it('by its comparison is different, and nothing was dropped', async () => {
    const { plan, run } = await begun();
    await writePage(around, plan, 'restored');
    const compared = { outcome: 'different', done: true, checked: 0, differences: 2 };
    const recorded = await record({ ...run, compared });
    expect(recorded).toMatchObject({ error: 'RestoreDiffers' });
    expect(recorded.cause).toContain('2 tables differ');
    expect(recorded.cause).toContain('nothing of it was dropped');
    expect(await reportOf(plan)).toMatchObject({ outcome: 'different', isWhole: true });
  });
});

it('a cancellation that could not clean up is told: nobody else knows of what is left', async () => {
  for (const wrong of ['error', 'cleanUpError']) {
    const { plan, run } = await begun();
    await record({ ...run, cancelled: true, [wrong]: caught(failure({ what: 'The server is gone.' })) });
    expect(around.told.at(-1)?.text).toContain('The server is gone.');
    expect(await reportOf(plan)).toMatchObject({ outcome: 'cancelled' });
  }
  expect(around.told).toHaveLength(2);
});

describe('one that nobody needs to be told of', () => {
  it.each([
    ['was cancelled', { cancelled: true }, {}, 'cancelled'],
    ['was dry', { error: caught() }, { dryRun: true }, 'failed'],
    ['was refused', { error: caught(failure({ error: 'PreflightRefused' })) }, {}, 'failed'],
  ] as const)('%s', async (_, state, overrides, outcome) => {
    const { plan, run } = await begun(overrides);
    await record({ ...run, ...state });
    expect(around.told).toEqual([]);
    expect(await endedOf(plan)).toMatchObject({ outcome });
  });

  it('is no drill: nobody watches it', async () => {
    const { run } = await begun({ drill: true });
    await record({ ...run, cancelled: true });
    expect(around.told).toMatchObject([{ subject: expect.stringContaining('The drill of') }]);
  });
});

describe('an input that could not be planned', () => {
  it('that names another restore, which is under way, ends nothing of it', async () => {
    const { plan, run } = await begun();
    const other = `${EXECUTION}-other`;
    for (const input of [
      { target: run['target'], to: run.to, restore: run.restore },
      { ...run, unexpected: true },
    ])
      await record({ ...input, error: caught(failure({ error: 'InvalidInput' })) }, other);
    expect(await reportOf(plan)).toBeUndefined();
    expect(await endedOf(plan)).toBeUndefined();
    expect(await heldBy(plan)).toHaveLength(3);
    expect(around.told).toHaveLength(2);
  });

  it.each([[{}], [{ target: { nested: true } }], [{ target: 7, to: [], restore: null, poll: 'no' }]])(
    'may be anything: %j',
    async (input) => {
      expect(await record({ ...input, error: caught() })).toMatchObject({ error: 'S3_ERROR' });
      expect(around.told).toHaveLength(1);
    },
  );
});
