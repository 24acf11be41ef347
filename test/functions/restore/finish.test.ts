import '../../support/function-environment.ts';
import { expect, it } from 'vitest';
import { getJson } from '../../../clients/bucket.ts';
import { restoreKey, restoreReportKey } from '../../../core/keys.ts';
import { endedSchema, type RestorePlan, restoreReportSchema } from '../../../core/restore.ts';
import { handler } from '../../../functions/restore/finish.ts';
import { handler as recordFailure } from '../../../functions/restore/record-failure.ts';
import { failureOf } from '../../support/failures.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';
import { beforeOf, EXECUTION, writePage, writePlan } from './written-restore.ts';

const around = new Surroundings();
const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:restored';
const EQUAL = { outcome: 'equal', done: true, checked: 0, differences: 0 } as const;

async function compared(overrides: Partial<RestorePlan> = {}) {
  const written = await writePlan(
    around,
    around.addTarget({ restore: { notifyTopicArn: TOPIC } }),
    overrides,
  );
  await writePage(around, written.plan, 'before', beforeOf());
  await writePage(around, written.plan, 'restored');
  return { plan: written.plan, run: { ...written.run, compared: EQUAL } };
}

const reportOf = ({ target, backup, restore }: RestorePlan) =>
  getJson(around.bucket, restoreReportKey(target, backup, restore), restoreReportSchema);

it('writes the report, and tells whoever reconciles which time it shows', async () => {
  const { plan, run } = await compared();
  expect(await carried(invoke(handler, run))).toMatchObject({ outcome: 'restored', restore: plan.restore });
  expect(await reportOf(plan)).toMatchObject({ outcome: 'restored', by: EXECUTION, isWhole: true });
  expect(around.told.map(({ text }) => JSON.parse(text))).toMatchObject([
    { event: 'restored', covers: plan.covers },
  ]);
  const ended = await getJson(around.bucket, restoreKey(plan.to, plan.restore, 'ended'), endedSchema);
  expect(ended).toMatchObject({ outcome: 'restored' });
});

it.each([{ dryRun: true }, { drill: true }])('tells nobody of %j', async (overrides) => {
  const { run } = await compared(overrides);
  await carried(invoke(handler, run));
  expect(around.told).toEqual([]);
});

it.each([undefined, { ...EQUAL, outcome: 'different' }, { ...EQUAL, done: false }])(
  'is no good end without a comparison: %j',
  async (comparison) => {
    const { plan, run } = await compared();
    await failureOf('IncompleteReading', invoke(handler, { ...run, compared: comparison }));
    expect(await reportOf(plan)).toBeUndefined();
  },
);

it('does not say that it was restored once it was ended as cancelled', async () => {
  const { plan, run } = await compared();
  const cancel = { ...run, execution: 'cancel', cancelled: true };
  await carried(invoke(recordFailure, { execution: 'cancel', run: cancel }));
  expect((await failureOf('RefusedForSafety', invoke(handler, run))).what).toContain('already: cancelled');
  expect(await reportOf(plan)).toMatchObject({ outcome: 'cancelled', by: 'cancel' });
  expect(around.told).toEqual([]);
});
