import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { examineTarget, staleAfterHours, type TargetHealth } from '../../cli/target-health.ts';
import { record } from '../../clients/ledger.ts';
import { makeBackupId } from '../../core/backup-id.ts';
import { ledgerKey } from '../../core/keys.ts';
import {
  HOUR,
  makeFailed,
  makeStarted,
  makeVerified,
  openTestHouse,
  shopTarget,
  type TestHouse,
} from './house.ts';

let house: TestHouse;
const now = Math.floor(Date.now() / 1000) * 1000;
const ago = (hours: number, kind: 'full' | 'incremental' = 'full', random = 'aaaa'): string =>
  makeBackupId(now - hours * HOUR, kind, random);

beforeAll(async () => {
  house = await openTestHouse();
});
afterAll(() => house.stop());

let targets = 0;
const newTarget = (): string => {
  targets += 1;
  return `target-${targets}`;
};

const examine = (
  target: string,
  at = now,
  over: Readonly<Record<string, unknown>> = {},
): Promise<TargetHealth> =>
  examineTarget(house.bucket, target, shopTarget(over), { now: at, command: (words) => `$ ${words}` });

const names = ({ problems }: TargetHealth): string[] => problems.map(({ name }) => name);

it('finds nothing wrong with a fresh good backup', async () => {
  const target = newTarget();
  await makeVerified(house.bucket, ago(30), { target });
  await makeVerified(house.bucket, ago(5), { target, bytes: 123 });
  expect(await examine(target)).toMatchObject({
    lastGood: { id: ago(5) },
    bytes: 123,
    goodBackups: 2,
    running: [],
    problems: [],
  });
});

it('says that there is no good backup, and how to make one', async () => {
  const target = newTarget();
  const { problems, lastGood } = await examine(target);
  expect(lastGood).toBeNull();
  expect(problems).toEqual([
    { name: 'NoGoodBackup', what: 'There is no good backup.', remedy: `Make one:\n$ backup ${target}` },
  ]);
});

it('calls a backup stale after the longest pause of the schedules and two hours', async () => {
  const target = newTarget();
  await makeVerified(house.bucket, ago(10), { target });
  expect(staleAfterHours(shopTarget(), now)).toBe(26);
  const began = now - 10 * HOUR;
  expect(names(await examine(target, began + 26 * HOUR))).toEqual([]);
  expect(names(await examine(target, began + 26 * HOUR + 1))).toEqual(['Stale']);
  expect(names(await examine(target, began + 26 * HOUR, { staleAfterHours: 12 }))).toEqual(['Stale']);
});

it('does not count a backup that is dated in the future', async () => {
  const target = newTarget();
  await makeVerified(house.bucket, ago(-5), { target });
  expect(names(await examine(target))).toEqual(['NoGoodBackup']);
});

it('tells the newest failure in the words of the ledger, until something good comes after it', async () => {
  const target = newTarget();
  await makeVerified(house.bucket, ago(9), { target });
  await makeFailed(house.bucket, ago(4), target);
  await makeFailed(house.bucket, ago(3), target);
  const { problems } = await examine(target);
  expect(problems).toEqual([
    {
      name: 'S3_ERROR',
      what: expect.stringMatching(
        new RegExp(`^${ago(3)} failed .* ago \\(and 1 before it\\): S3 refused the writer`),
      ),
      remedy: 'Attach the writer policy to the role of ClickHouse.',
    },
  ]);
  await makeVerified(house.bucket, ago(1), { target });
  expect(names(await examine(target))).toEqual([]);
});

it('tells a running backup from one that was abandoned', async () => {
  const target = newTarget();
  await makeVerified(house.bucket, ago(20), { target });
  await makeStarted(house.bucket, ago(2), { target });
  expect(await examine(target)).toMatchObject({ running: [{ id: ago(2) }], problems: [] });
  // By S3's clock its page was opened just now, as that of an old backup that is adopted is.
  expect(await examine(target, now + 2 * 3_600_000, { maxHours: 0.5 })).toMatchObject({
    running: [],
    problems: [{ name: 'Abandoned' }],
  });
});

it('notices what ClickHouse finished and nobody verified', async () => {
  const target = newTarget();
  await makeVerified(house.bucket, ago(20), { target });
  await makeStarted(house.bucket, ago(1), { target });
  await record(house.bucket, target, ago(1), 'written', {
    by: 'e',
    seenIn: 'bucket',
    startTime: null,
    endTime: null,
    files: 1,
    bytes: 1,
    settings: {},
  });
  expect(names(await examine(target, Date.now()))).toEqual([]);
  expect(names(await examine(target, Date.now() + 1.5 * HOUR))).toEqual(['Unverified']);
});

it('notices that the last good incremental has lost its base', async () => {
  const target = newTarget();
  const [base, incremental] = [ago(30), ago(6, 'incremental')];
  await makeVerified(house.bucket, base, { target });
  await makeVerified(house.bucket, incremental, { target, base });
  expect(names(await examine(target))).toEqual([]);
  await record(house.bucket, target, base, 'expiring', {
    by: 'e',
    reason: 'r',
    removeAfter: '2026-01-01T00:00:00Z',
  });
  expect(names(await examine(target))).toEqual([]);
  await record(house.bucket, target, base, 'removed', { by: 'e', reason: 'r', objects: 1, bytes: 1 });
  expect(await examine(target)).toMatchObject({
    problems: [{ name: 'BrokenChain', what: expect.stringContaining(`${incremental} stands on ${base}`) }],
  });
});

it('never takes evidence that it cannot read for health', async () => {
  const target = newTarget();
  for (const state of ['started', 'verified'] as const)
    await house.bucket.client.send(
      new PutObjectCommand({ Bucket: house.bucket.name, Key: ledgerKey(target, ago(1), state), Body: '{' }),
    );
  expect(names(await examine(target))).toEqual(['IncompleteReading']);
});

it('knows when the next backup is due, and does not guess for a rate', async () => {
  const target = newTarget();
  const saturday = Date.parse('2026-04-04T12:00:00Z');
  expect((await examine(target, saturday)).next).toEqual({
    kind: 'full',
    at: Date.parse('2026-04-05T02:00:00Z'),
    expression: 'cron(0 2 ? * SUN *)',
  });
  expect((await examine(target, saturday + 24 * HOUR)).next).toMatchObject({
    kind: 'incremental',
    at: Date.parse('2026-04-06T02:00:00Z'),
  });
  const rate = { schedule: { full: 'rate(1 day)' } };
  expect((await examine(target, saturday, rate)).next).toEqual({
    kind: 'full',
    at: null,
    expression: 'rate(1 day)',
  });
});
