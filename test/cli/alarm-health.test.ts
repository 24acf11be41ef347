/** What `status` and `doctor` say of the alarms that ring. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeBackupId } from '../../core/backup-id.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { Listener } from '../../core/listeners.ts';
import type { StackAlarm, StackAlarms } from '../../core/stack-alarms.ts';
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

type Alarms = (() => Promise<StackAlarms>) | undefined;

const told = (alarms: Alarms, typed: readonly string[], listeners?: readonly Listener[]) =>
  call(typed, {
    open: async () => ({
      ...house.installation({ views: [VIEW] }),
      ...(alarms && { alarms }),
      ...(listeners && { listeners: async () => listeners }),
    }),
    now,
    columns: 100,
  });

const QUIET: StackAlarm = {
  name: 'Safehouse-SafehouseAlarmsshopLate-1',
  state: 'quiet',
  since: Date.parse('2026-04-01T00:00:00Z'),
  tells: true,
  meaning: 'It is late.',
  runbook: 'docs/runbook.md#alarm-late',
};
const WEBHOOK: StackAlarm = {
  ...QUIET,
  name: 'Safehouse-SafehouseAlarmsWebhookDeadLetters-1',
  state: 'ringing',
  since: Date.parse('2026-04-02T09:30:00Z'),
  meaning: 'The webhook did not take an alert. \u001b[2JRead it in the queue.',
  runbook: 'docs/runbook.md#alarm-webhook-not-delivered',
};

const ring = async (): Promise<StackAlarms> => ({ alarms: [QUIET, WEBHOOK], deployed: 2 });

it('says which alarm rings, since when, what it means and where to read on', async () => {
  const { exitCode, stdout } = await told(ring, ['status']);
  expect(exitCode).toBe(4);
  expect(stdout).toContain('Alarms: 1 of 2 alarms rings.\n');
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
    'Since 2026-04-02T09:30:00Z: The webhook did not take an alert. [2JRead it in the queue. (docs/runbook.md#alarm-webhook-not-delivered)',
  );
  expect(stdout).toContain('To do:  Read the section of the runbook that each names.');
  expect(stdout).toContain('The backups are well; their alarms need somebody.');
  expect(stdout).not.toContain('\u001b');
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
});

it('gives a script the alarms that ring, one by one', async () => {
  const { exitCode, json } = await told(ring, ['status', '--json']);
  expect(exitCode).toBe(4);
  expect(json).toMatchObject({
    good: false,
    alarms: {
      result: 'bad',
      ringing: [
        {
          name: WEBHOOK.name,
          since: '2026-04-02T09:30:00Z',
          meaning: expect.stringContaining('The webhook did not take an alert.'),
          runbook: 'docs/runbook.md#alarm-webhook-not-delivered',
        },
      ],
    },
  });
});

it('is a finding of doctor, a line for each alarm', async () => {
  const { exitCode, stdout } = await told(ring, ['doctor', 'shop']);
  expect(exitCode).toBe(4);
  expect(stdout).toMatch(/^alarms +bad +1 of 2 alarms rings\.$/m);
  expect(stdout).toMatch(/^ +Since 2026-04-02T09:30:00Z: The webhook did not take an alert\./m);
  expect(stdout).toContain('1 of 2 is bad.');
});

it('names alerts and alarms together when both need somebody', async () => {
  const { stdout } = await told(ring, ['status'], []);
  expect(stdout).toContain('The backups are well; their alerts and alarms need somebody.');
});

it('says how many there are where none rings', async () => {
  const quiet = async (): Promise<StackAlarms> => ({ alarms: [QUIET], deployed: 1 });
  const { exitCode, stdout } = await told(quiet, ['status']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Alarms: None of 1 alarm rings.');
  expect(stdout).toContain('All is well.');
  expect((await told(quiet, ['status', '--json'])).json).toMatchObject({
    good: true,
    alarms: { result: 'good', ringing: [] },
  });
});

it('finds alarms that were deleted, or would tell nobody', async () => {
  const deleted = async (): Promise<StackAlarms> => ({ alarms: [], deployed: 2 });
  expect((await told(deleted, ['status'])).exitCode).toBe(4);
  const muted = async (): Promise<StackAlarms> => ({ alarms: [{ ...QUIET, tells: false }], deployed: 1 });
  const { exitCode, stdout } = await told(muted, ['status']);
  expect(exitCode).toBe(4);
  expect(stdout).toContain('1 of 1 alarm would tell nobody');
});

it('takes what it may not know for unknown, and not for quiet', async () => {
  const refused = () =>
    Promise.reject(
      new SafehouseError(ERROR_NAMES.refused, { what: 'Was not allowed to describe.', remedy: 'Ask.' }),
    );
  const { exitCode, stdout } = await told(refused, ['status']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Alarms: It is not known which alarms ring. Was not allowed to describe.');
  expect(stdout).toContain('Give whoever looks `cloudwatch:DescribeAlarms` on `*`.');
  expect(stdout).not.toContain('All is well.');
  const doctor = await told(refused, ['doctor', 'shop']);
  expect(doctor.stdout).toMatch(/^alarms +not checked/m);
  expect(doctor.stdout).toContain('Nothing bad was found; 1 of 2 could not be checked.');
});

it('does not hide a defect of its own behind "not checked"', async () => {
  const { exitCode } = await told(() => Promise.reject(new TypeError('a defect')), ['status']);
  expect(exitCode).toBe(1);
});

it('says nothing of them where there is no CloudWatch', async () => {
  expect((await told(undefined, ['status'])).stdout).not.toContain('Alarms:');
  expect((await told(undefined, ['status', '--json'])).json).toMatchObject({ alarms: null });
});
