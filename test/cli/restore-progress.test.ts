import { afterAll, beforeAll, expect, it } from 'vitest';
import { restoreProgress } from '../../cli/restore-progress.ts';
import { putOnce } from '../../clients/bucket.ts';
import { makeBackupId } from '../../core/backup-id.ts';
import type { ExecutionView } from '../../core/installation.ts';
import { restoreCheckKey } from '../../core/keys.ts';
import { openTestHouse, RUNNING, type TestHouse } from './house.ts';
import { beforeOf, makeRestore, planOf } from './restores.ts';

let house: TestHouse;
const BACKUP = makeBackupId(Date.parse('2026-04-02T02:00:00Z'), 'full', 'k3f9');

beforeAll(async () => {
  house = await openTestHouse();
});
afterAll(() => house.stop());

const at = (state: string, bytes: number): ExecutionView => ({
  ...RUNNING,
  state,
  poll: {
    outcome: 'running',
    submittedAt: '2026-04-02T09:00:00Z',
    waitSeconds: 2,
    server: null,
    progress: { files: 1, bytes },
    movedAt: '2026-04-02T09:00:00Z',
    silentSince: null,
    polls: 1,
    failure: null,
  },
});

it('says nothing before there is a plan, and tells once when there is one', async () => {
  const plan = planOf(BACKUP, { execution: 'later' });
  const told: string[] = [];
  const progress = restoreProgress({
    bucket: house.bucket,
    to: 'shop',
    execution: 'later',
    now: () => 0,
    onPlan: ({ restore }) => told.push(restore),
  });
  await progress.look(at('Plan', 0));
  expect([progress.text, progress.plan, told]).toEqual(['', undefined, []]);
  await makeRestore(house.bucket, { plan, before: beforeOf() });
  await progress.look(at('Poll', 0));
  await progress.look(at('Poll', 0));
  expect([progress.text, progress.plan, told]).toEqual([
    '[..........]  0 B of 42.0 GB',
    plan,
    [plan.restore],
  ]);
});

it('says how long it will take at the pace so far, and counts down while ClickHouse is not asked', async () => {
  await makeRestore(house.bucket, {
    plan: planOf(BACKUP, { execution: 'paced' }),
    before: beforeOf({ bytes: 4e9 }),
  });
  let now = 0;
  const progress = restoreProgress({ bucket: house.bucket, to: 'shop', execution: 'paced', now: () => now });
  await progress.look(at('Poll', 0));
  now = 60_000;
  await progress.look(at('Poll', 1e9));
  expect(progress.text).toBe('[##........]  1.0 GB of 4.0 GB  3:00 left');
  now = 90_000;
  await progress.look(at('Poll', 1e9));
  expect(progress.text).toBe('[##........]  1.0 GB of 4.0 GB  2:30 left');
  // Files that are read more than once do not make more than the whole.
  await progress.look(at('Poll', 9e9));
  expect(progress.text).toBe('[##########]  4.0 GB of 4.0 GB');
});

it('counts the tables that were read with CHECK TABLE', async () => {
  const plan = planOf(BACKUP, { execution: 'checked', check: true });
  await makeRestore(house.bucket, { plan, before: beforeOf() });
  await putOnce(house.bucket, restoreCheckKey('shop', plan.restore, 0), {});
  const progress = restoreProgress({ bucket: house.bucket, to: 'shop', execution: 'checked', now: () => 0 });
  await progress.look({ ...RUNNING, state: 'Compare' });
  expect(progress.text).toBe('1 of 2 tables checked');
});

it('finds nothing of another execution', async () => {
  await makeRestore(house.bucket, { plan: planOf(BACKUP, { execution: 'mine' }), before: beforeOf() });
  const progress = restoreProgress({ bucket: house.bucket, to: 'shop', execution: 'yours', now: () => 0 });
  await progress.look(at('Poll', 5));
  expect([progress.text, progress.plan]).toEqual(['', undefined]);
});

it('is not misled by a restore whose id happens to end like its own', async () => {
  const { restore } = planOf(BACKUP, { execution: 'here' });
  await makeRestore(house.bucket, { plan: planOf(BACKUP, { execution: 'there', restore }) });
  const progress = restoreProgress({ bucket: house.bucket, to: 'shop', execution: 'here', now: () => 0 });
  await progress.look(at('Poll', 5));
  expect(progress.plan).toBeUndefined();
});
