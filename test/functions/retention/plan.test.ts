import '../../support/function-environment.ts';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { putOnce } from '../../../clients/bucket.ts';
import { readEvidence, readLedger } from '../../../clients/ledger.ts';
import { pinKey } from '../../../core/keys.ts';
import { handler } from '../../../functions/retention/plan.ts';
import { failureOf } from '../../support/failures.ts';
import { write } from '../../support/ledger.ts';
import { EXECUTION } from '../../support/runs.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';

const around = new Surroundings();
const DAY = 86_400_000;

let now = 0;

beforeEach(() => {
  now = Date.now();
});

/** Lets so many days pass for the functions; the bucket keeps its own clock. */
function pass(days: number): void {
  now += days * DAY;
  vi.useFakeTimers({ toFake: ['Date'], now });
}

const plan = (target: string) => carried(invoke(handler, { execution: EXECUTION, input: { target } }));

const RULES = { last: 1, minimum: 1, graceDays: 3, maxShare: 1 };
const addTarget = (overrides = {}) => around.addTarget({ maxHours: 1, retention: RULES, ...overrides });

const full = (day: number): string => `202604${String(day).padStart(2, '0')}T020000Z-full-aaaa`;
const incremental = (day: number): string => `202604${String(day).padStart(2, '0')}T020000Z-incr-aaaa`;

async function addFull(target: string, day: number): Promise<string> {
  const id = full(day);
  await write(around.bucket, target, id, 'started');
  await write(around.bucket, target, id, 'verified');
  return id;
}

async function addIncremental(target: string, day: number, base: string): Promise<string> {
  const id = incremental(day);
  await write(around.bucket, target, id, 'started', { kind: 'incremental', base });
  await write(around.bucket, target, id, 'verified');
  return id;
}

const marked = async (target: string): Promise<string[]> =>
  (await readLedger(around.bucket, target)).entries
    .filter(({ states }) => states.expiring !== undefined)
    .map(({ id }) => id);

describe('a plan', () => {
  it('marks what no rule keeps, with the reason and the end of its grace, and removes nothing yet', async () => {
    const target = addTarget();
    const [old] = [await addFull(target, 1), await addFull(target, 2)];
    expect(await plan(target)).toEqual({
      execution: EXECUTION,
      target,
      remove: [],
      marked: 1,
      kept: 1,
      removed: [],
      done: true,
    });
    expect(await marked(target)).toEqual([old]);
    const mark = await readEvidence(around.bucket, target, old, 'expiring');
    expect(mark).toMatchObject({ by: EXECUTION, reason: expect.stringContaining('no rule keeps it') });
    expect(Math.round((Date.parse(mark?.removeAfter ?? '') - now) / DAY)).toBe(3);
  });

  it('repeated marks nothing again and keeps the first end of the grace', async () => {
    const target = addTarget();
    const [old] = [await addFull(target, 1), await addFull(target, 2)];
    await plan(target);
    const mark = await readEvidence(around.bucket, target, old, 'expiring');
    pass(1);
    expect(await plan(target)).toMatchObject({ marked: 0, remove: [], done: true });
    expect(await readEvidence(around.bucket, target, old, 'expiring')).toEqual(mark);
  });

  it('lets go what has waited out its grace', async () => {
    const target = addTarget();
    const [old] = [await addFull(target, 1), await addFull(target, 2)];
    await plan(target);
    pass(3.1);
    expect(await plan(target)).toMatchObject({
      remove: [{ id: old, reason: expect.stringContaining('its grace ended') }],
      done: false,
    });
  });

  it('lets incrementals go before full backups', async () => {
    const target = addTarget();
    const base = await addFull(target, 1);
    const failed = incremental(3);
    await write(around.bucket, target, failed, 'started', { kind: 'incremental', base });
    await write(around.bucket, target, failed, 'failed');
    await write(around.bucket, target, full(2), 'failed');
    await addFull(target, 4);
    await plan(target);
    pass(4);
    const { remove } = await plan(target);
    const ids = remove.map(({ id }) => id);
    expect(ids).toEqual([failed, full(2)]);
  });

  it('keeps a full backup for as long as an incremental needs it', async () => {
    const target = addTarget();
    const base = await addFull(target, 1);
    const needing = await addIncremental(target, 2, base);
    await plan(target);
    pass(10);
    expect(await plan(target)).toMatchObject({ marked: 0, remove: [] });
    expect(await marked(target)).toEqual([]);
    expect((await readLedger(around.bucket, target)).entries.map(({ id }) => id)).toEqual([base, needing]);
  });

  it('takes a mark back when the backup is wanted again', async () => {
    const target = addTarget();
    const [old] = [await addFull(target, 1), await addFull(target, 2)];
    await plan(target);
    expect(await marked(target)).toEqual([old]);
    await write(around.bucket, target, old, 'kept');
    expect(await plan(target)).toMatchObject({ marked: 0, kept: 2 });
    expect(await marked(target)).toEqual([]);
  });

  it('keeps what is pinned, until the pin lapses', async () => {
    const target = addTarget();
    const [old] = [await addFull(target, 1), await addFull(target, 2)];
    const lapsesAt = new Date(now + 2 * DAY).toISOString();
    await putOnce(around.bucket, pinKey(target, old, 'restore'), {
      version: 1,
      holder: 'restore',
      reason: 'reading',
      lapsesAt,
    });
    expect(await plan(target)).toMatchObject({ marked: 0, kept: 2 });
    pass(2.1);
    expect(await plan(target)).toMatchObject({ marked: 1 });
  });

  it('keeps what is pinned by something that nobody understands', async () => {
    const target = addTarget();
    const [old] = [await addFull(target, 1), await addFull(target, 2)];
    await putOnce(around.bucket, pinKey(target, old, 'restore'), { version: 9 });
    pass(1000);
    expect(await plan(target)).toMatchObject({ marked: 0, kept: 2 });
  });

  it('says of a backup whose execution died that it failed, so that it is seen', async () => {
    const target = addTarget();
    await addFull(target, 1);
    await write(around.bucket, target, full(2), 'started');
    await plan(target);
    expect(await readEvidence(around.bucket, target, full(2), 'failed')).toBeUndefined();
    pass(0.5);
    await plan(target);
    expect(await readEvidence(around.bucket, target, full(2), 'failed')).toMatchObject({
      by: EXECUTION,
      step: 'plan',
      error: 'BackupAbandoned',
      final: true,
    });
  });

  it('says so of one that somebody keeps, too, and keeps it', async () => {
    const target = addTarget();
    await addFull(target, 1);
    await write(around.bucket, target, full(2), 'started');
    await write(around.bucket, target, full(2), 'kept');
    pass(2);
    expect(await plan(target)).toMatchObject({ marked: 0, kept: 2, remove: [] });
    expect(await readEvidence(around.bucket, target, full(2), 'failed')).toMatchObject({
      error: 'BackupAbandoned',
      remedy: expect.stringContaining('unless somebody keeps them'),
    });
  });

  it('does not close what was written whole where nothing is good: it may still be verified', async () => {
    const target = addTarget();
    for (const state of ['started', 'written', 'kept'] as const)
      await write(around.bucket, target, full(2), state);
    pass(2);
    expect(await plan(target)).toMatchObject({ marked: 0, kept: 1, remove: [] });
    expect(await readEvidence(around.bucket, target, full(2), 'failed')).toBeUndefined();
  });

  it('of nothing is done', async () => {
    expect(await plan(addTarget())).toMatchObject({ marked: 0, kept: 0, remove: [], done: true });
  });

  it('lets at most the share of its rules go at once', async () => {
    const target = addTarget({ retention: { ...RULES, maxShare: 0.25 } });
    for (let day = 1; day <= 8; day += 1) await addFull(target, day);
    await plan(target);
    pass(4);
    expect((await plan(target)).remove.map(({ id }) => id)).toEqual([full(1), full(2)]);
  });

  it('forgets what is removed: an incremental without its evidence is none of its business', async () => {
    const target = addTarget();
    await addFull(target, 1);
    await write(around.bucket, target, incremental(2), 'removed');
    expect(await plan(target)).toMatchObject({ marked: 0, kept: 1, remove: [] });
  });
});

describe('a plan that cannot see everything', () => {
  it('decides nothing where evidence cannot be understood', async () => {
    const target = addTarget();
    await addFull(target, 1);
    await addFull(target, 3);
    await putOnce(around.bucket, `ledger/${target}/${incremental(2)}/started.json`, { version: 9 });
    await write(around.bucket, target, incremental(2), 'verified');
    await failureOf('IncompleteReading', plan(target));
    expect(await marked(target)).toEqual([]);
  });

  it('waits with what is marked by something that nobody understands', async () => {
    const target = addTarget();
    const [old] = [await addFull(target, 1), await addFull(target, 2)];
    await putOnce(around.bucket, `ledger/${target}/${old}/expiring.json`, { version: 9 });
    pass(1000);
    await failureOf('IncompleteReading', plan(target));
  });

  it.each([
    [{}, 'InvalidInput', 'target is missing'],
    [{ target: 'nobody' }, 'InvalidConfiguration', 'There is no target "nobody"'],
    [{ target: 'nobody', all: true }, 'InvalidInput', 'all is not a known key'],
  ] as const)('refuses the input %j', async (input, name, what) => {
    const failure = await failureOf(name, invoke(handler, { execution: EXECUTION, input }));
    expect(failure.what).toContain(what);
  });
});
