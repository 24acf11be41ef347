import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readLedger, record } from '../../../clients/ledger.ts';
import { makeBackupId } from '../../../core/backup-id.ts';
import { failureText } from '../../../core/errors.ts';
import { pinKey } from '../../../core/keys.ts';
import { call } from '../call.ts';
import {
  DAY,
  HOUR,
  type InstallationOptions,
  makeVerified,
  openTestHouse,
  shopTarget,
  type TestHouse,
} from '../house.ts';

let house: TestHouse;
const now = Math.floor(Date.now() / 1000) * 1000;
const day = (days: number, kind: 'full' | 'incremental' = 'full'): string =>
  makeBackupId(now - days * DAY - HOUR, kind, 'aaaa');
const targets = {
  shop: shopTarget({ retention: { last: 2, minimum: 1, maxShare: 1 } }),
  empty: shopTarget(),
  cramped: shopTarget({ schedule: { full: 'rate(1 minute)' } }),
};

beforeAll(async () => {
  house = await openTestHouse();
  for (const days of [5, 4, 3, 2, 1]) await makeVerified(house.bucket, day(days), { bytes: 1e9 });
  await record(house.bucket, 'shop', day(5), 'expiring', {
    by: 'e',
    reason: 'no rule keeps it',
    removeAfter: new Date(now - HOUR).toISOString(),
  });
  await house.bucket.client.send(
    new PutObjectCommand({
      Bucket: house.bucket.name,
      Key: pinKey('shop', day(4), 'restore-1'),
      Body: JSON.stringify({
        version: 1,
        holder: 'restore-1',
        reason: 'a restore',
        lapsesAt: new Date(now + HOUR).toISOString(),
      }),
    }),
  );
});
afterAll(() => house.stop());

function retention(typed: readonly string[], options: InstallationOptions = {}, interrupt?: AbortSignal) {
  const installation = house.installation({ targets, ...options });
  const called = call(['retention', ...typed], {
    open: async () => installation,
    now,
    columns: 80,
    ...(interrupt && { interrupt }),
  });
  return { called, started: installation.started };
}

it('gives every backup a line with what becomes of it and why, and changes nothing', async () => {
  const before = await readLedger(house.bucket, 'shop');
  const { called, started } = retention(['shop']);
  const { exitCode, stdout } = await called;
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(new RegExp(`^${day(5)} +remove +no rule keeps it`, 'm'));
  expect(stdout).toMatch(new RegExp(`^${day(4)} +keep +pinned by restore-1`, 'm'));
  expect(stdout).toMatch(new RegExp(`^${day(3)} +expire +no rule keeps it`, 'm'));
  expect(stdout).toMatch(new RegExp(`^${day(1)} +keep +`, 'm'));
  expect(stdout).toContain('5 backups: keep 3, expire 1, remove 1.');
  expect(stdout).toContain('Nothing was changed.');
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect(started).toEqual([]);
  expect(await readLedger(house.bucket, 'shop')).toEqual(before);
});

it('gives scripts the decisions with their reasons', async () => {
  const { json } = await retention(['shop', '--json']).called;
  expect(json).toMatchObject({
    target: 'shop',
    held: null,
    decisions: [
      { id: day(5), action: 'remove', rule: 'no rule', reasons: [expect.any(String), expect.any(String)] },
      { id: day(4), action: 'keep', rule: 'pinned', removeAfter: null },
      { id: day(3), action: 'expire', removeAfter: expect.stringMatching(/Z$/) },
      { id: day(2), action: 'keep' },
      { id: day(1), action: 'keep' },
    ],
  });
});

it('carries the plan out through the workflow, and says what came of it', async () => {
  const output = { marked: 1, kept: 3, removed: [{ id: day(5), objects: 987, bytes: 1e9 }], done: true };
  const views = [{ state: 'Plan' }, { status: 'succeeded' as const, state: 'Done', output }];
  const { called, started } = retention(['shop', '--apply'], { views });
  const { exitCode, stdout } = await called;
  expect(exitCode).toBe(0);
  expect(started).toEqual([{ workflow: 'retention', input: { target: 'shop' } }]);
  expect(stdout).toMatch(new RegExp(`^${day(5)} +987 +1\\.0 GB$`, 'm'));
  expect(stdout).toContain('1 backup removed (1.0 GB), 1 marked, 3 kept.');
});

it('ends with 4 and the words of the workflow when that fails', async () => {
  const cause = failureText({
    class: 'fix and stop',
    error: 'AccessDenied',
    what: 'Was not allowed to delete.',
    remedy: 'Look at the bucket policy.',
  });
  const views = [{ status: 'failed' as const, error: 'AccessDenied', cause }];
  const { exitCode, json, stderr } = await retention(['shop', '--apply', '--json'], { views }).called;
  expect(exitCode).toBe(4);
  expect(json).toMatchObject({
    error: { name: 'AccessDenied', what: 'Was not allowed to delete.', remedy: 'Look at the bucket policy.' },
  });
  expect(stderr).toContain('Was not allowed to delete.');
});

it('lets go of a workflow that goes on', async () => {
  const { exitCode, stderr } = await retention(['shop', '--apply'], { views: [{}] }, AbortSignal.abort())
    .called;
  expect(exitCode).toBe(130);
  expect(stderr).toContain('goes on without you');
  expect(stderr).toContain('npx safehouse retention shop');
});

it('runs the rules forward on paper, with the sizes that backups have', async () => {
  const { exitCode, stdout } = await retention(['shop', '--simulate', '30']).called;
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/END OF +FULL +INCREMENTAL +OF THEM MARKED +SIZE/);
  expect(stdout).toMatch(/At most \d+ backups of shop at the end of a day, \d+\.\d GB/);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  const { json } = await retention(['shop', '--simulate', '30', '--json']).called;
  expect(json).toMatchObject({
    target: 'shop',
    sizes: { full: 1e9, incremental: 0 },
    most: { backups: expect.any(Number) },
  });
  expect((json as { days: unknown[] }).days).toHaveLength(30);
});

it('simulates before there is a single backup', async () => {
  const { exitCode, stdout } = await retention(['empty', '--simulate', '365']).called;
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Sizes are not known');
});

it('says when there is too much to simulate', async () => {
  const { exitCode, stderr } = await retention(['cramped', '--simulate', '3660']).called;
  expect(exitCode).toBe(2);
  expect(stderr).toContain('more than 100000 times');
});

it.each([
  [['shop', '--simulate', '0'], 'whole number of days'],
  [['shop', '--simulate', '4000'], 'from 1 to 3660'],
  [['shop', '--simulate', 'year'], 'whole number of days'],
  [['shop', '--apply', '--simulate', '3'], 'do not go together'],
])('refuses %j', async (typed, sentence) => {
  const { called, started } = retention(typed);
  const { exitCode, stderr } = await called;
  expect(exitCode).toBe(2);
  expect(stderr).toContain(sentence);
  expect(started).toEqual([]);
});

it('says that there is nothing yet', async () => {
  expect((await retention(['empty']).called).stdout).toBe('empty has no backup.\n');
});
