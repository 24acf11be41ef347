import '../../support/function-environment.ts';
import { expect, it } from 'vitest';
import { handler } from '../../../functions/restore/reopen.ts';
import { failureOf } from '../../support/failures.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';
import { writePage, writePlan } from './written-restore.ts';

const around = new Surroundings();
const CANCEL = 'arn:aws:states:eu-central-1:123456789012:execution:CancelRestore:one';

const reopen = (input: unknown) => carried(invoke(handler, { execution: CANCEL, input }));

it('takes a restore up under the execution that ends it', async () => {
  const { run } = await writePlan(around, around.addTarget(), { drill: true });
  expect(await reopen({ target: run.to, restore: run.restore })).toEqual({
    ...run,
    execution: CANCEL,
    cancelled: true,
  });
});

it('finds it by the target that was restored to', async () => {
  const to = around.addTarget();
  const from = around.addTarget();
  const { run } = await writePlan(around, from, { to });
  expect(await reopen({ target: to, restore: run.restore })).toMatchObject({ target: from, to });
  await failureOf('NotFound', reopen({ target: from, restore: run.restore }));
});

it('says when it has ended', async () => {
  const { plan, run } = await writePlan(around, around.addTarget());
  await writePage(around, plan, 'ended', { outcome: 'restored' });
  expect(await reopen({ target: run.to, restore: run.restore })).toMatchObject({ ended: 'restored' });
});

it.each([
  [{}],
  [{ target: 'a' }],
  [{ target: 'a', restore: '' }],
  [{ target: 'a', restore: 'b', more: 1 }],
  ['text'],
])('refuses %j', async (input) => {
  await failureOf('InvalidInput', reopen(input));
});
