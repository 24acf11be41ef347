import { describe, expect, it } from 'vitest';
import { type SimulationInput, simulateRetention } from '../../core/retention-simulation.ts';
import { at, rulesOf } from './retention-ledger.ts';

const weekly = [
  { kind: 'full', expression: 'cron(0 2 ? * SUN *)' },
  { kind: 'incremental', expression: 'cron(0 2 ? * MON-SAT *)' },
] as const;

const simulate = (change: Partial<SimulationInput> = {}) =>
  simulateRetention({
    schedules: [{ kind: 'full', expression: 'cron(0 2 * * ? *)' }],
    rules: rulesOf({ last: 3, minimum: 1, graceDays: 2, maxShare: 1 }),
    days: 8,
    timeZone: 'UTC',
    start: at('2026-04-01T00:00Z'),
    ...change,
  });

const nights = (days: ReturnType<typeof simulate>['days']): string[] =>
  days.map(
    ({ date, backups }) =>
      `${date}: ${backups.map(({ id, expiring }) => id.slice(6, 8) + (expiring ? '*' : '')).join(' ')}`,
  );

describe('a simulation of retention', () => {
  it('shows for each day what exists at its end, and what waits to go', () => {
    expect(nights(simulate().days)).toEqual([
      '2026-04-01: 01',
      '2026-04-02: 01 02',
      '2026-04-03: 01 02 03',
      '2026-04-04: 01* 02 03 04',
      '2026-04-05: 01* 02* 03 04 05',
      // The grace of the first ended with the run itself, so the run of the next night removes it.
      '2026-04-06: 01* 02* 03* 04 05 06',
      '2026-04-07: 02* 03* 04* 05 06 07',
      '2026-04-08: 03* 04* 05* 06 07 08',
    ]);
  });

  it('counts the most backups and the most bytes that a day ends with', () => {
    const { days, most } = simulate({ sizes: { full: 10, incremental: 1 } });
    expect(days.map(({ bytes }) => bytes)).toEqual([10, 20, 30, 40, 50, 60, 60, 60]);
    expect(most).toEqual({ backups: 6, bytes: 60 });
    expect(simulate().most).toEqual({ backups: 6, bytes: 0 });
  });

  it('puts incrementals on the newest good full, and keeps that full for them', () => {
    // 1 April 2026 is a Wednesday: without a full to stand on, the first incremental becomes one.
    const { days } = simulate({
      schedules: weekly,
      days: 14,
      rules: rulesOf({ last: 2, minimum: 1, graceDays: 1, maxShare: 1 }),
    });
    expect(days[0]?.backups.map(({ kind }) => kind)).toEqual(['full']);
    expect(
      days.at(-1)?.backups.map(({ id, good }) => `${id.slice(6, 8)} ${id.slice(17, 21)} ${good}`),
    ).toEqual(
      ['05 full true', '11 incr false', '12 full true', '13 incr true', '14 incr true'].map((line) => line),
    );
  });

  it('puts incrementals on an older full when the newest one failed', () => {
    const outcome = (time: number) => (time === at('2026-04-12') ? 'failed' : 'good');
    const rules = rulesOf({ last: 1, minimum: 1, graceDays: 1, maxShare: 1 });
    const { days } = simulate({ schedules: weekly, days: 20, rules, outcome });
    expect(days.at(-1)?.backups.map(({ id, expiring }) => id.slice(6, 8) + (expiring ? '*' : ''))).toEqual([
      '05',
      '18*',
      '19',
      '20',
    ]);
  });

  it('shows that nothing good goes while backups fail', () => {
    const { days } = simulate({
      outcome: (time) => (time < at('2026-04-04T00:00Z') ? 'good' : 'failed'),
      days: 30,
    });
    const good = days.at(-1)?.backups.filter((backup) => backup.good) ?? [];
    expect(good.map(({ startedAt }) => startedAt)).toEqual([
      at('2026-04-01'),
      at('2026-04-02'),
      at('2026-04-03'),
    ]);
    expect(days.at(-1)?.backups.length).toBeLessThan(10);
  });

  it('ends its days at the midnights of the zone, on the days of the clock change too', () => {
    const { days } = simulate({
      schedules: [{ kind: 'full', expression: 'rate(1 hour)' }],
      rules: rulesOf({ last: 1000 }),
      timeZone: 'Europe/Berlin',
      start: at('2026-03-27T23:00Z'),
      days: 3,
    });
    expect(days.map(({ date, backups }) => `${date}: ${backups.length}`)).toEqual([
      '2026-03-28: 24',
      '2026-03-29: 47',
      '2026-03-30: 71',
    ]);
  });

  it('ends a day where midnight itself is skipped', () => {
    const { days } = simulate({
      schedules: [{ kind: 'full', expression: 'rate(1 hour)' }],
      rules: rulesOf({ last: 1000 }),
      timeZone: 'America/Sao_Paulo',
      start: at('2018-11-03T03:00Z'),
      days: 2,
    });
    expect(days.map(({ date, backups }) => `${date}: ${backups.length}`)).toEqual([
      '2018-11-03: 24',
      '2018-11-04: 47',
    ]);
  });

  it('settles: a year of nights needs no more room than its rules and its grace', () => {
    const rules = rulesOf({ daily: 7, weekly: 4, monthly: 12 });
    const { days, most } = simulate({ schedules: weekly, rules, days: 365, timeZone: 'Europe/Berlin' });
    expect(days).toHaveLength(365);
    expect(days.at(-1)?.backups.filter(({ expiring }) => !expiring).length).toBeLessThanOrEqual(
      2 * (7 + 4 + 12),
    );
    expect(most.backups).toBeLessThan(50);
  }, 60_000);

  it('refuses what it cannot run', () => {
    expect(() => simulate({ days: 0 })).toThrow('expected a whole number of days from 1 on, got 0');
    expect(() => simulate({ timeZone: 'Mars/Olympus' })).toThrow('expected an IANA time zone');
    expect(() => simulate({ schedules: [{ kind: 'full', expression: '0 2 * * *' }] })).toThrow(
      'expected cron(0 2 * * ? *)',
    );
    const everyMinute = [{ kind: 'full', expression: 'rate(1 minute)' }] as const;
    expect(() => simulate({ schedules: everyMinute, days: 365 })).toThrow(/run more than 100000 times/);
  });
});
