import '../../support/function-environment.ts';
import { describe, expect, it } from 'vitest';
import { getJson, putOnce } from '../../../clients/bucket.ts';
import { attemptKey, claimKey, skippedKey } from '../../../core/keys.ts';
import { claimSchema } from '../../../core/workflow.ts';
import { handler } from '../../../functions/backup/begin.ts';
import { failureOf } from '../../support/failures.ts';
import { write } from '../../support/ledger.ts';
import { invoke, Surroundings } from '../../support/surroundings.ts';

const around = new Surroundings();

const AT = '2026-04-02T02:00:00Z';
const SLOT = 'full/20260402T020000Z';
const ID = '20260402T020001Z-full-k3f9';
const execution = (name: string): string =>
  `arn:aws:states:eu-central-1:123456789012:execution:Backup:${name}`;

const begin = (name: string, input: unknown) => invoke(handler, { execution: execution(name), input });

const attempt = (target: string, number: number, by: string, id = ID) =>
  putOnce(around.bucket, attemptKey(target, SLOT, number), {
    version: 1,
    id,
    kind: 'full',
    base: null,
    reason: null,
    execution: execution(by),
    at: `${AT.slice(0, -1)}.000Z`,
  });

describe('the begin of a scheduled backup', () => {
  it('claims the scheduled time, and says what is to be done', async () => {
    const target = around.addTarget();
    expect(await begin('one', { target, kind: 'full', scheduledTime: AT })).toEqual({
      outcome: 'go',
      reason: null,
      execution: execution('one'),
      target,
      kind: 'full',
      scheduledTime: AT,
      slot: SLOT,
      attempt: 1,
      hasBefore: false,
    });
    expect(await getJson(around.bucket, claimKey(target, SLOT), claimSchema)).toMatchObject({
      execution: execution('one'),
    });
  });

  it('takes the same time, however it is written, for the same', async () => {
    const target = around.addTarget();
    for (const scheduledTime of [AT, '2026-04-02T02:00:00.000Z', '2026-04-02T04:00:00+02:00'])
      expect(await begin('one', { target, scheduledTime })).toMatchObject({ scheduledTime: AT, slot: SLOT });
  });

  it('gives the same answer when it is repeated', async () => {
    const target = around.addTarget();
    const first = await begin('one', { target, scheduledTime: AT });
    expect(await begin('one', { target, scheduledTime: AT })).toEqual(first);
  });

  it('sees that there is something to wait for', async () => {
    const target = around.addTarget({ before: { query: 'SELECT 0' } });
    expect(await begin('one', { target })).toMatchObject({ hasBefore: true });
  });

  it('of twenty executions at once leaves one claim, and lets all of them follow the same slot', async () => {
    const target = around.addTarget();
    const runs = await Promise.all(
      Array.from({ length: 20 }, (_, index) => begin(`e${index}`, { target, scheduledTime: AT })),
    );
    expect(new Set(runs.map(({ slot, attempt: number }) => `${slot} ${number}`))).toEqual(
      new Set([`${SLOT} 1`]),
    );
    const claim = await getJson(around.bucket, claimKey(target, SLOT), claimSchema);
    expect(runs.map(({ execution: each }) => each)).toContain(claim?.execution);
  });
});

describe('the begin of a second execution of the same scheduled time', () => {
  it('joins the attempt that stands', async () => {
    const target = around.addTarget();
    await begin('one', { target, scheduledTime: AT });
    await attempt(target, 1, 'one');
    expect(await begin('two', { target, scheduledTime: AT })).toMatchObject({ outcome: 'go', attempt: 1 });
  });

  it('takes the slot over from one that died before its first attempt', async () => {
    const target = around.addTarget();
    await begin('one', { target, scheduledTime: AT });
    expect(await begin('two', { target, scheduledTime: AT })).toMatchObject({
      outcome: 'go',
      attempt: 1,
      execution: execution('two'),
    });
  });

  it('goes on with the next attempt where the last one failed', async () => {
    const target = around.addTarget();
    await begin('one', { target, scheduledTime: AT });
    await attempt(target, 1, 'one');
    await write(around.bucket, target, ID, 'failed', { final: false });
    expect(await begin('two', { target, scheduledTime: AT })).toMatchObject({ outcome: 'go', attempt: 2 });
  });

  it('joins the newest of several attempts', async () => {
    const target = around.addTarget();
    await begin('one', { target, scheduledTime: AT });
    await attempt(target, 1, 'one');
    await write(around.bucket, target, ID, 'failed', { final: false });
    await attempt(target, 2, 'one', '20260402T023000Z-full-aaaa');
    expect(await begin('two', { target, scheduledTime: AT })).toMatchObject({ outcome: 'go', attempt: 2 });
  });

  it.each<['verified' | 'failed', string]>([
    ['verified', `This scheduled time made ${ID}.`],
    ['failed', `This scheduled time failed with ${ID}, and that was told.`],
  ])('finds nothing to do where the backup is %s for good', async (state, reason) => {
    const target = around.addTarget();
    await begin('one', { target, scheduledTime: AT });
    await attempt(target, 1, 'one');
    await write(around.bucket, target, ID, state);
    expect(await begin('two', { target, scheduledTime: AT })).toMatchObject({
      outcome: 'already ran',
      reason,
    });
    expect(await begin('one', { target, scheduledTime: AT })).toMatchObject({
      outcome: 'already ran',
      reason,
    });
  });

  it('finds nothing to do where the scheduled time was skipped', async () => {
    const target = around.addTarget();
    await begin('one', { target, scheduledTime: AT });
    await putOnce(around.bucket, skippedKey(target, SLOT), { version: 1 });
    expect(await begin('two', { target, scheduledTime: AT })).toMatchObject({ outcome: 'already ran' });
  });

  it('of another kind has a slot of its own', async () => {
    const target = around.addTarget();
    await begin('one', { target, scheduledTime: AT });
    await attempt(target, 1, 'one');
    await write(around.bucket, target, ID, 'verified');
    expect(await begin('two', { target, kind: 'incremental', scheduledTime: AT })).toMatchObject({
      outcome: 'go',
      slot: 'incremental/20260402T020000Z',
    });
  });
});

describe('the begin of a backup that is started by hand', () => {
  it('claims nothing, and always goes', async () => {
    const target = around.addTarget();
    expect(await begin('one', { target })).toMatchObject({
      outcome: 'go',
      kind: 'full',
      scheduledTime: null,
      slot: 'manual/one',
    });
    expect(await begin('two', { target })).toMatchObject({ outcome: 'go', slot: 'manual/two' });
    expect(await getJson(around.bucket, claimKey(target, 'manual/one'), claimSchema)).toBeUndefined();
  });

  it.each([
    [{}, 'target is missing'],
    [{ target: 'nobody', kind: 'weekly' }, 'kind is "weekly"'],
    [{ target: 'nobody', scheduledTime: 'tonight' }, 'scheduledTime is "tonight"'],
    [{ target: 'nobody', kid: 'full' }, 'kid is not a known key (did you mean "kind"?)'],
    ['nobody', 'the whole is "nobody"; must be an object'],
    [null, 'the whole is null'],
  ])('with the input %j says what is wrong with it', async (input, problem) => {
    const failure = await failureOf('InvalidInput', begin('one', input));
    expect(failure.what).toContain(problem);
    expect(failure.what).toContain('The input of the execution');
  });

  it('of a target that does not exist says so', async () => {
    const failure = await failureOf('InvalidConfiguration', begin('one', { target: 'nobody' }));
    expect(failure.what).toContain('There is no target "nobody"');
  });
});
