/** What `status` and `doctor` say of those who should hear the alerts. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeBackupId } from '../../core/backup-id.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { Listener } from '../../core/listeners.ts';
import { call } from './call.ts';
import { HOUR, makeProven, makeVerified, openTestHouse, type TestHouse } from './house.ts';

let house: TestHouse;
const now = Date.now();
const GOOD = makeBackupId(now - 3 * HOUR, 'full', 'good');

beforeAll(async () => {
  house = await openTestHouse();
  await makeVerified(house.bucket, GOOD);
  await makeProven(house.bucket, GOOD);
});
afterAll(() => house.stop());

const VIEW = {
  status: 'succeeded',
  output: { examinations: [{ check: 'bucket', result: 'good', what: 'It is written to.', remedy: '' }] },
} as const;

const told = (listeners: (() => Promise<readonly Listener[]>) | undefined, ...typed: string[]) =>
  call(typed, {
    open: async () => ({
      ...house.installation({ views: [VIEW] }),
      ...(listeners && { listeners }),
    }),
    now,
    columns: 100,
  });

const heard: Listener = { protocol: 'email', endpoint: 'on-call@example.com', confirmed: true };
const unconfirmed: Listener = { protocol: 'email', endpoint: 'boss@example.com', confirmed: false };

it.each<[readonly Listener[], RegExp]>([
  [[], /Nobody is subscribed to the topic of the alerts/],
  [[unconfirmed], /Nobody hears the alerts: not confirmed is boss@example\.com \(email\)\./],
  [[heard, unconfirmed], /1 of 2 subscribers does not hear the alerts: not confirmed is boss@example\.com/],
])('says that nobody hears the alerts, or not everybody', async (listeners, sentence) => {
  const status = await told(async () => listeners, 'status');
  expect(status.exitCode).toBe(4);
  expect(status.stdout.replaceAll(/\s+/g, ' ')).toMatch(sentence);
  expect(status.stdout).toContain('The backups are well; their alerts need somebody.');
  const json = await told(async () => listeners, 'status', '--json');
  expect(json.json).toMatchObject({ good: false, alerts: { result: 'bad' } });
  const doctor = await told(async () => listeners, 'doctor', 'shop');
  expect(doctor.exitCode).toBe(4);
  expect(doctor.stdout).toMatch(/^alerts +bad/m);
  expect(doctor.stdout.replaceAll(/\s+/g, ' ')).toMatch(sentence);
});

it('says how many hear them where all do', async () => {
  const { exitCode, stdout } = await told(async () => [heard, heard], 'status');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Alerts: 2 subscribers hear the alerts.');
  expect(stdout).toContain('All is well.');
  expect((await told(async () => [heard], 'doctor', 'shop')).stdout).toMatch(/^alerts +good +1 subscriber/m);
});

it('takes what it may not know for unknown, and not for well', async () => {
  const refused = () =>
    Promise.reject(
      new SafehouseError(ERROR_NAMES.refused, { what: 'Was not allowed to list.', remedy: 'Ask.' }),
    );
  const { exitCode, stdout } = await told(refused, 'status');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('It is not known who hears the alerts. Was not allowed to list.');
  expect(stdout).toContain('Give whoever looks `sns:ListSubscriptionsByTopic`');
  expect(stdout).not.toContain('All is well.');
  const doctor = await told(refused, 'doctor', 'shop');
  expect(doctor.stdout).toMatch(/^alerts +not checked/m);
  expect(doctor.stdout).toContain('Nothing bad was found; 1 of 2 could not be checked.');
});

it('says nothing of them where there is no topic', async () => {
  const { stdout } = await told(undefined, 'status');
  expect(stdout).not.toContain('Alerts:');
  expect((await told(undefined, 'status', '--json')).json).toMatchObject({ alerts: null });
});

it('names five of many', async () => {
  const many = Array.from({ length: 7 }, (_, n) => ({ ...unconfirmed, endpoint: `${n}@example.com` }));
  expect((await told(async () => many, 'status')).stdout.replaceAll(/\s+/g, ' ')).toContain(
    '4@example.com (email) and 2 more.',
  );
});
