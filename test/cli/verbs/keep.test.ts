import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readEvidence, readLedger, record } from '../../../clients/ledger.ts';
import { backupPrefix, MANIFEST } from '../../../core/keys.ts';
import { call } from '../call.ts';
import { makeStarted, makeVerified, openTestHouse, type TestHouse } from '../house.ts';

let house: TestHouse;
const GOOD = '20260329T020000Z-full-k3f9';
const MARKED = '20260330T020000Z-full-mark';
const REMOVING = '20260331T020000Z-full-half';
const REMOVED = '20260401T020000Z-full-gone';
const BEGUN = '20260402T020000Z-full-run1';

const run = (...typed: string[]) => call(typed, { open: async () => house.installation() });

const isKept = async (id: string): Promise<boolean> => {
  const { entries } = await readLedger(house.bucket, 'shop');
  return entries.find((entry) => entry.id === id)?.states.kept !== undefined;
};

beforeAll(async () => {
  house = await openTestHouse();
  const { bucket } = house;
  for (const id of [GOOD, MARKED, REMOVING, REMOVED]) {
    await makeVerified(bucket, id);
    await bucket.client.send(
      new PutObjectCommand({ Bucket: bucket.name, Key: `${backupPrefix('shop', id)}${MANIFEST}`, Body: 'm' }),
    );
  }
  const reason = 'no rule keeps it';
  for (const id of [MARKED, REMOVING, REMOVED])
    await record(bucket, 'shop', id, 'expiring', { by: 'e', reason, removeAfter: '2026-05-01T00:00:00Z' });
  for (const id of [REMOVING, REMOVED]) await record(bucket, 'shop', id, 'removing', { by: 'e', reason });
  await record(bucket, 'shop', REMOVED, 'removed', { by: 'e', reason, objects: 1, bytes: 1 });
  await makeStarted(bucket, BEGUN);
});
afterAll(() => house.stop());

it('keeps a backup with a reason and a name, and says when it was kept already', async () => {
  const first = await run('keep', GOOD, '--reason', 'before the migration');
  expect(first.exitCode).toBe(0);
  expect(first.stdout).toBe(`Kept: ${GOOD}\n`);
  expect(await readEvidence(house.bucket, 'shop', GOOD, 'kept')).toMatchObject({
    reason: 'before the migration',
    by: expect.stringContaining('by safehouse keep'),
  });
  const second = await run('keep', GOOD, '--reason', 'another', '--json');
  expect(second.exitCode).toBe(0);
  expect(second.json).toMatchObject({ kept: { id: GOOD, reason: 'before the migration', written: false } });
});

it('takes a mark back', async () => {
  expect((await run('show', MARKED)).stdout).toContain('Retention removes it after');
  const { exitCode, stdout } = await run('keep', MARKED);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('taken back with the next run of retention');
  expect(await isKept(MARKED)).toBe(true);
  expect((await run('show', MARKED)).stdout).not.toContain('Retention removes it after');
});

it.each([
  [REMOVED, 'was removed'],
  [REMOVING, 'has begun'],
])('refuses to keep %s, with exit code 6', async (id, sentence) => {
  const { exitCode, stderr, stdout } = await run('keep', id);
  expect(exitCode).toBe(6);
  expect(stderr).toContain(sentence);
  expect(stdout).toBe('');
  expect(await isKept(id)).toBe(false);
});

it('says that what it keeps is no finished backup', async () => {
  const { exitCode, stdout } = await run('keep', BEGUN);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('there is no manifest');
});

it('gives a backup back to the rules, and says when it was not kept', async () => {
  await run('keep', GOOD);
  const first = await run('unkeep', GOOD);
  expect(first.stdout).toContain(`No longer kept: ${GOOD}`);
  expect(first.stdout).toContain('npx safehouse retention shop');
  expect(await isKept(GOOD)).toBe(false);
  const second = await run('unkeep', GOOD, '--json');
  expect(second.exitCode).toBe(0);
  expect(second.json).toEqual({ unkept: { id: GOOD, target: 'shop', wasKept: false } });
});

it.each(['keep', 'unkeep'])('ends with 3 where `%s` finds no such backup', async (verb) => {
  expect((await run(verb, '1999')).exitCode).toBe(3);
});
