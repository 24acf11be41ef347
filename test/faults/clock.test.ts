/** Clocks that are wrong, hours that the zone skips or repeats, and schedules that stop. */
import '../support/function-environment.ts';
import { describe, expect, test, vi } from 'vitest';
import { parseBackupId } from '../../core/backup-id.ts';
import { parseConfig } from '../../core/config.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { METRICS } from '../../core/metrics.ts';
import { nextRuns } from '../../core/schedule.ts';
import { handler as begin } from '../../functions/backup/begin.ts';
import { handler as prepare } from '../../functions/backup/prepare.ts';
import { handler as planRetention } from '../../functions/retention/plan.ts';
import { handler as watch } from '../../functions/watch/publish-ages.ts';
import { write } from '../support/ledger.ts';
import { serveShop } from '../support/runs.ts';
import { carried, invoke, Surroundings } from '../support/surroundings.ts';
import { alarmOf, stateOver } from './alarm.ts';
import { record } from './figure.ts';

const around = new Surroundings();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MIDNIGHT = Date.UTC(2026, 3, 2);

const setClock = (now: number): unknown => vi.useFakeTimers({ toFake: ['Date'], now });

/** Good backups of so many days, the newest today. */
async function addDays(target: string, days: number, today = MIDNIGHT): Promise<string[]> {
  const ids: string[] = [];
  for (let day = days - 1; day >= 0; day -= 1) {
    const id = `${new Date(today - day * DAY).toISOString().slice(0, 10).replaceAll('-', '')}T020000Z-full-aaaa`;
    await write(around.bucket, target, id, 'started');
    await write(around.bucket, target, id, 'verified');
    ids.push(id);
  }
  return ids;
}

const retain = (target: string) =>
  carried(invoke(planRetention, { execution: 'arn:aws:states:e:1:execution:R:one', input: { target } }));

/** What the watch publishes of a target at that time: undefined where it publishes nothing. */
async function look(target: string, now: number, metric: string): Promise<number | undefined> {
  setClock(now);
  vi.stubEnv(ENVIRONMENT.targets, target);
  around.published.length = 0;
  await invoke(watch, {});
  return around.published.find(({ name }) => name === metric)?.value;
}

describe('a schedule that has stopped', () => {
  test('fault 8: is an alarm, within the time that the alarm says, and a start that is lost is another', async ({
    task,
  }) => {
    const { alarm, deadLetters } = alarmOf('Late');
    const target = around.addTarget();
    await addDays(target, 3);
    const last = MIDNIGHT + 2 * HOUR;
    // The last good backup began at two; none follows. The watch looks every five minutes.
    const values: (number | undefined)[] = [];
    const from = last + alarm.threshold * 1000 - HOUR;
    for (let now = from; stateOver(alarm, values) !== 'ALARM'; now += alarm.period * 1000) {
      values.push(await look(target, now, METRICS.goodBackupAge));
      if (values.length > 100) break;
    }
    const alarmed = from + (values.length - 1) * alarm.period * 1000;
    // The next one was due a day after the last.
    const hours = (alarmed - (last + DAY)) / HOUR;
    expect(stateOver(alarm, values)).toBe('ALARM');
    expect(stateOver(alarm, values.slice(0, -1))).toBe('OK');
    expect(alarmed - last).toBeLessThanOrEqual(
      alarm.threshold * 1000 + (alarm.datapoints + 1) * alarm.period * 1000,
    );
    record(task, 'alarmAfterHours', Math.round(hours * 100) / 100);
    record(task, 'alarmThresholdHours', alarm.threshold / 3600);
    expect(deadLetters).toBe(true);
  });

  test('fault 46: and a watch that says nothing is an alarm too, after three looks', () => {
    for (const id of ['Late', 'NeverRan', 'NotVerified', 'Skipped', 'ProofTooOld']) {
      const { alarm } = alarmOf(id);
      expect([id, stateOver(alarm, [undefined, undefined, undefined])]).toEqual([id, 'ALARM']);
    }
    expect(stateOver(alarmOf('Late').alarm, [60, 60, undefined])).toBe('OK');
  });
});

describe('a backup that is in the way of the next ones', () => {
  /** A night's start, as far as it comes: is the backup still running? */
  async function night(target: string, at: number, running?: string): Promise<string> {
    setClock(at + 1000);
    serveShop(around.clickhouse);
    if (running !== undefined) around.clickhouse.on(/status = 'CREATING_BACKUP'/, [{ id: running }]);
    const execution = `arn:aws:states:e:1:execution:B:${at}`;
    const scheduledTime = new Date(at).toISOString();
    const run = await carried(invoke(begin, { execution, input: { target, kind: 'full', scheduledTime } }));
    return (await carried(invoke(prepare, run))).outcome;
  }

  test('fault 7: three nights in a row that it made skip are an alarm, which the next backup that begins ends', async () => {
    const { alarm } = alarmOf('Skipped');
    const target = around.addTarget();
    const running = '20260401T020001Z-full-slow';
    await write(around.bucket, target, running, 'started');
    const states: string[] = [];
    const counts: (number | undefined)[] = [];
    /** Nights are further apart than the looks that the alarm asks for. */
    const lookAfter = async (at: number): Promise<void> => {
      const count = await look(target, at + HOUR, METRICS.skippedInARow);
      counts.push(count);
      states.push(stateOver(alarm, Array<number | undefined>(alarm.datapoints).fill(count)));
    };
    for (const day of [0, 1, 2]) {
      const at = MIDNIGHT + day * DAY + 2 * HOUR;
      expect(await night(target, at, running)).toBe('skipped');
      await lookAfter(at);
    }
    expect(counts).toEqual([1, 2, 3]);
    expect(states).toEqual(['OK', 'OK', 'ALARM']);

    // That it has ended well is not enough: the nights are still missing.
    await write(around.bucket, target, running, 'verified');
    await lookAfter(MIDNIGHT + 2 * DAY + 4 * HOUR);
    const next = MIDNIGHT + 3 * DAY + 2 * HOUR;
    expect(await night(target, next)).toBe('go');
    await lookAfter(next);
    expect(counts.slice(3)).toEqual([3, 0]);
    expect(states.slice(3)).toEqual(['ALARM', 'OK']);
  });
});

describe('the hour that the zone skips or repeats', () => {
  const berlin = (expression: string, from: string, count: number): string[] =>
    nextRuns(expression, 'Europe/Berlin', Date.parse(from), count).map((time) =>
      new Date(time).toISOString(),
    );

  test('fault 9: a run in the skipped hour is missed once, and the alarm has that gap in it', () => {
    expect(berlin('cron(30 2 * * ? *)', '2026-03-28T00:00:00Z', 3)).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-30T00:30:00.000Z',
      '2026-03-31T00:30:00.000Z',
    ]);
    const { alarm } = alarmOf('Late', { full: 'cron(30 2 * * ? *)', timeZone: 'Europe/Berlin' });
    const { alarm: plain } = alarmOf('Late');
    expect((alarm.threshold - plain.threshold) / 3600).toBeGreaterThanOrEqual(23);
  });

  test('fault 9: a run in the repeated hour happens once, and a second delivery finds its claim', async () => {
    const runs = berlin('cron(30 2 * * ? *)', '2026-10-24T12:00:00Z', 2);
    expect(runs).toEqual(['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']);
    const target = around.addTarget();
    const start = (execution: string, scheduledTime = runs[0]) =>
      carried(invoke(begin, { execution, input: { target, kind: 'full', scheduledTime } }));
    const first = await start('arn:aws:states:e:1:execution:B:one');
    // The same instant, written by a clock that has not been put back yet.
    const second = await start('arn:aws:states:e:1:execution:B:two', '2026-10-25T02:30:00+02:00');
    expect(second.slot).toBe(first.slot);
  });

  test('fault 9: UTC, which has neither, is the default', () => {
    const { targets } = parseConfig(
      { targets: { a: { url: 'http://c:8123', schedule: { full: 'cron(0 2 * * ? *)' } } } },
      'test',
    );
    expect(targets['a']?.schedule.timeZone).toBe('UTC');
  });
});

describe('a clock that is wrong', () => {
  test('fault 10: weeks ahead: the backup takes no slot, is not counted as fresh, and pushes nothing out', async () => {
    const target = around.addTarget({ retention: { last: 2, minimum: 1, graceDays: 1, maxShare: 1 } });
    const days = await addDays(target, 2);
    const [ahead] = await addDays(target, 1, MIDNIGHT + 21 * DAY);
    const now = MIDNIGHT + 12 * HOUR;
    expect(await look(target, now, METRICS.goodBackups)).toBe(2);
    expect(await look(target, now, METRICS.goodBackupAge)).toBe(10 * 3600);
    expect(await retain(target)).toMatchObject({ marked: 0, remove: [] });
    expect(days).not.toContain(ahead);
  });

  test('fault 10: hours behind: the backup looks older than it is, never fresher, and the good ones stay as many', async () => {
    const target = around.addTarget({ retention: { last: 2, minimum: 1, graceDays: 1, maxShare: 1 } });
    await addDays(target, 2);
    serveShop(around.clickhouse);
    setClock(MIDNIGHT - 5 * HOUR);
    const run = { execution: 'arn:aws:states:e:1:execution:B:behind', input: { target, kind: 'full' } };
    const { backup } = await carried(invoke(prepare, await carried(invoke(begin, run))));
    const id = backup?.id ?? '';
    expect(parseBackupId(id)?.startedAt).toBe(MIDNIGHT - 5 * HOUR);
    await write(around.bucket, target, id, 'verified');
    const now = MIDNIGHT + 12 * HOUR;
    expect(await look(target, now, METRICS.goodBackups)).toBe(3);
    expect(await look(target, now, METRICS.goodBackupAge)).toBe(10 * 3600);
    expect(await retain(target)).toMatchObject({ marked: 1, kept: 2, remove: [] });
  });
});
