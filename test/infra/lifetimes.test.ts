import { Stack } from 'aws-cdk-lib/core';
import { describe, expect, test } from 'vitest';
import { parseConfig, parseTarget } from '../../core/config.ts';
import {
  checkLifetimes,
  examinedWithinHours,
  proofStaleAfterHours,
  staleAfterHours,
} from '../../infra/lifetimes.ts';
import { application, minimal, synthesise, target } from './synthesis.ts';

const NOW = Date.UTC(2026, 10, 20);
const stale = (input: object) => staleAfterHours('events', parseTarget({ ...target, ...input }, 'test'), NOW);

describe('the age at which a backup is late', () => {
  test('is the gap of the schedule, plus the time that a backup may take, plus two hours', () => {
    expect(stale({ maxHours: 3 })).toBe(24 + 3 + 2);
    expect(stale({ maxHours: 1, schedule: { full: 'rate(6 hours)' } })).toBe(6 + 1 + 2);
  });

  test('counts fulls and incrementals together', () => {
    const schedule = { full: 'cron(0 1 ? * SUN *)', incremental: 'cron(0 1 ? * WED *)' };
    expect(stale({ maxHours: 1, schedule })).toBe(4 * 24 + 1 + 2);
  });

  test('contains the run that is missing when the clock goes forward', () => {
    const schedule = { timeZone: 'Europe/Berlin', full: 'cron(30 2 * * ? *)' };
    expect(stale({ maxHours: 1, schedule })).toBe(48 - 1 + 1 + 2);
  });

  test('is what the target says', () => {
    expect(stale({ staleAfterHours: 7.5 })).toBe(7.5);
  });

  test('has to be said when the schedule has ended', () => {
    expect(() => stale({ schedule: { full: 'cron(0 1 1 1 ? 2027)' } })).toThrow(
      /targets\.events\.schedule runs fewer than twice .*cron\(0 1 1 1 \? 2027\)[\s\S]*set targets\.events\.staleAfterHours/,
    );
  });

  test('does not change from one day to the next', () => {
    const given = parseTarget({ ...target, schedule: { full: 'cron(0 1 L * ? *)' } }, 'test');
    expect(staleAfterHours('events', given, NOW + 86_400_000)).toBe(staleAfterHours('events', given, NOW));
  });
});

describe('the age at which a proof is too old', () => {
  const proofStale = (prove: object) => proofStaleAfterHours(parseTarget({ ...target, prove }, 'test'), 29);

  test('is a day more than the age at which a backup is late', () => {
    expect(proofStale({})).toBe(29 + 24);
  });

  test('is what the target says', () => {
    expect(proofStale({ staleAfterHours: 7.5 })).toBe(7.5);
  });
});

describe('the time within which there must be a good examination', () => {
  const within = (schedule: string, timeZone = 'UTC') =>
    examinedWithinHours(
      'events',
      parseTarget({ ...target, schedule: { ...target.schedule, timeZone }, doctor: { schedule } }, 'test'),
      NOW,
    );

  test('is the gap of its schedule, plus three hours', () => {
    expect(within('cron(0 9 * * ? *)')).toBe(24 + 3);
    expect(within('rate(6 hours)')).toBe(6 + 3);
    expect(within('cron(0 9 ? * MON-FRI *)')).toBe(3 * 24 + 3);
  });

  test('contains the hour by which a day is longer when the clock goes back', () => {
    expect(within('cron(0 9 * * ? *)', 'Europe/Berlin')).toBe(25 + 3);
  });

  test('is none where only people examine', () => {
    expect(within('none')).toBeUndefined();
  });

  test('is no longer than an alarm can look back', () => {
    expect(within('rate(165 hours)')).toBe(168);
    expect(() => within('rate(166 hours)')).toThrow(
      /targets\.events\.doctor\.schedule \(rate\(166 hours\)\) leaves up to 166 hours between two examinations, .* at most 165 are allowed\.[\s\S]*cron\(0 9 \? \* MON,THU \*\), or set it to 'none'/,
    );
  });

  test('is said at synthesis, also when the schedule has ended', () => {
    const doctor = { schedule: 'cron(0 9 1 1 ? 2027)' };
    expect(() => synthesise({ ...minimal, targets: { events: { ...target, doctor } } })).toThrow(
      /targets\.events\.doctor\.schedule .* runs fewer than twice from this year on/,
    );
  });
});

/** What is warned of. */
function check(bucket: object, more: object = {}): string[] {
  const stack = new Stack(application(), 'Stack');
  const config = parseConfig({ targets: { events: { ...target, ...more } }, bucket }, 'test');
  checkLifetimes(stack, config, NOW);
  return stack.node.metadata.flatMap(({ type, data }) => (type === 'aws:cdk:warning' ? [String(data)] : []));
}

describe('a start at a time that does not exist', () => {
  test('is warned of when the zone skips it', () => {
    const schedule = { timeZone: 'Europe/Berlin', full: 'cron(30 2 * * ? *)' };
    expect(check({}, { schedule })).toEqual([
      expect.stringContaining('Europe/Berlin has no 2026-03-29T02:30, so nothing is backed up at that time'),
    ]);
  });

  test.each(['cron(30 3 * * ? *)', 'rate(1 day)'])('is not feared of %s', (full) => {
    expect(check({}, { schedule: { timeZone: 'Europe/Berlin', full } })).toEqual([]);
  });
});

describe('the abort of uploads', () => {
  test('is refused when it would end a backup that is still running', () => {
    expect(() => check({ abortMultipartDays: 1 }, { maxHours: 24 })).toThrow(
      /abortMultipartDays is 1 \(24 hours\), and targets\.events\.maxHours lets a backup take 24[\s\S]*at least 2\./,
    );
    expect(check({ abortMultipartDays: 1 }, { maxHours: 23.5 })).toEqual([]);
  });

  test('is checked at synthesis', () => {
    const targets = { events: { ...target, maxHours: 24 } };
    expect(() => synthesise({ ...minimal, targets, bucket: { abortMultipartDays: 1 } })).toThrow(
      'abortMultipartDays is 1',
    );
  });
});

describe('a lock', () => {
  const lock = (days: number, retention: object) =>
    check({ objectLock: { mode: 'governance', days } }, { retention });

  test('is refused when it outlasts every rule, with the arithmetic', () => {
    expect(() => lock(18, { daily: 14, graceDays: 3 })).toThrow(
      /holds every object for 18 days, and targets\.events\.retention keeps no backup for longer than 17 \(daily 14 is 14, graceDays 3\)[\s\S]*at most 17/,
    );
    expect(() => lock(17, { daily: 14, graceDays: 3 })).not.toThrow();
  });

  test.each([
    [{ withinDays: 20 }, 20],
    [{ weekly: 3 }, 21],
    [{ monthly: 2 }, 56],
    [{ yearly: 1 }, 365],
    [{ last: 10 }, 10],
    [{ daily: 5, weekly: 2 }, 14],
  ])('is measured against the rule that keeps longest: %o keeps %i days', (rules, days) => {
    const retention = { ...rules, graceDays: 1 };
    expect(() => lock(days + 1, retention)).not.toThrow();
    expect(() => lock(days + 2, retention)).toThrow('the lock would decide instead of the rules');
  });

  test('is warned of when removals before its end would be refused', () => {
    expect(lock(10, { daily: 14, graceDays: 3 })).toEqual([
      expect.stringContaining('refuses that until the lock ends, 7 days later. Set graceDays to 10'),
    ]);
  });

  test('is in order when the grace lasts as long', () => {
    expect(lock(10, { daily: 14, graceDays: 10 })).toEqual([]);
  });
});
