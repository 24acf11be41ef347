import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runSchedules } from '../../local/schedules.ts';
import type { DeployedSchedule } from '../../local/template.ts';

const schedule = (more: Partial<DeployedSchedule>): DeployedSchedule => ({
  name: 'SafehouseSchedulesWatch2C50683F',
  expression: 'rate(5 minutes)',
  timeZone: 'UTC',
  targetArn: 'arn:function',
  input: '{}',
  ...more,
});

const BACKUP = schedule({
  name: 'SafehouseSchedulesdemofull2FA3536F',
  expression: 'cron(0 2 * * ? *)',
  timeZone: 'Europe/Berlin',
  targetArn: 'arn:machine',
  input: '{"target":"demo","kind":"full","scheduledTime":"<aws.scheduler.scheduled-time>"}',
});

let stop: AbortController;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 3, 2, 23, 58) });
  stop = new AbortController();
});

afterEach(() => {
  stop.abort();
  vi.useRealTimers();
});

const run = (
  schedules: readonly DeployedSchedule[],
  deliver: (arn: string, input: unknown) => Promise<void>,
) => {
  const told: string[] = [];
  const house = { stack: async () => ({ schedules }), deliver };
  return runSchedules(house, stop.signal, (text) => told.push(text)).then((next) => ({ next, told }));
};

test('each start carries the time that it was scheduled for, in the zone of the schedule', async () => {
  const delivered: unknown[] = [];
  const { next } = await run([BACKUP], async (arn, input) => void delivered.push([arn, input]));

  expect(next).toEqual(['full backup of demo: next at 2026-04-03T00:00:00Z']);
  await vi.advanceTimersByTimeAsync(121_000);
  expect(delivered).toEqual([
    ['arn:machine', { target: 'demo', kind: 'full', scheduledTime: '2026-04-03T00:00:00Z' }],
  ]);
  await vi.advanceTimersByTimeAsync(86_400_000);
  expect(delivered).toHaveLength(2);
});

test('a drill is called by its name', async () => {
  const { next } = await run(
    [schedule({ input: '{"target":"demo","to":"demo","drill":true}' })],
    async () => {},
  );

  expect(next).toEqual([expect.stringContaining('drill of demo: next at')]);
});

test('an examination is called by its name, and starts as one that nobody waits for', async () => {
  const delivered: unknown[] = [];
  const { next } = await run(
    [schedule({ input: '{"target":"demo","scheduled":true}' })],
    async (_, input) => void delivered.push(input),
  );

  expect(next).toEqual([expect.stringContaining('examination of demo: next at')]);
  await vi.advanceTimersByTimeAsync(301_000);
  expect(delivered).toEqual([{ target: 'demo', scheduled: true }]);
});

test('a start that fails is told, and the next one comes all the same', async () => {
  let calls = 0;
  const { told } = await run([schedule({})], async () => {
    calls += 1;
    throw new Error('no');
  });
  await vi.advanceTimersByTimeAsync(10 * 60_000);

  expect(calls).toBe(2);
  expect(told.filter((text) => text === 'Watch did not start: Error: no')).toHaveLength(2);
});

test('a time that is further away than a timer reaches is waited for', async () => {
  const delivered: unknown[] = [];
  await run([schedule({ expression: 'cron(0 2 1 1 ? 2027)' })], async (arn) => void delivered.push(arn));

  await vi.advanceTimersByTimeAsync(200 * 86_400_000);
  expect(delivered).toEqual([]);
  await vi.advanceTimersByTimeAsync(100 * 86_400_000);
  expect(delivered).toEqual(['arn:function']);
});

test('nothing starts after the signal', async () => {
  const delivered: unknown[] = [];
  await run([schedule({})], async (arn) => void delivered.push(arn));
  stop.abort();
  await vi.advanceTimersByTimeAsync(86_400_000);

  expect(delivered).toEqual([]);
});
