import { describe, expect, it } from 'vitest';
import { planRetention, retentionSchema } from '../../core/retention.ts';
import { full, inputOf } from './retention-ledger.ts';

const problems = (rules: unknown): string[] => {
  const parsed = retentionSchema.safeParse(rules);
  return parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
};

const whole = 'expected a whole number from 1 to 10000 (leave the rule out if it is to keep nothing)';
const days = 'expected a number of days greater than 0, at most 36500';
const share = 'expected a share greater than 0, at most 1, such as 0.25 for a quarter';
const nothing =
  ': the rules keep nothing: expected at least one of last, withinDays, daily, weekly, monthly, yearly';

describe('retention rules', () => {
  it('come with a minimum, a grace and a share', () => {
    expect(retentionSchema.parse({ daily: 7 })).toEqual({
      daily: 7,
      minimum: 3,
      graceDays: 3,
      maxShare: 0.25,
    });
  });

  it.each(['last', 'withinDays', 'daily', 'weekly', 'monthly', 'yearly'])(
    'may consist of %s alone',
    (rule) => {
      expect(problems({ [rule]: 1 })).toEqual([]);
    },
  );

  // What other tools took in silence and read as "keep nothing": restic#2565, restic#3861, restic#4568.
  it.each([
    [{}, nothing],
    [{ minimum: 3 }, nothing],
    [{ last: 0 }, `last: ${whole}, got 0`],
    [{ last: -1 }, `last: ${whole}, got -1`],
    [{ daily: Number.NaN }, `daily: ${whole}, got NaN`],
    [{ weekly: Number.POSITIVE_INFINITY }, `weekly: ${whole}, got Infinity`],
    [{ monthly: 1.5 }, `monthly: ${whole}, got 1.5`],
    [{ yearly: '2' }, `yearly: ${whole}, got "2"`],
    [{ yearly: null }, `yearly: ${whole}, got null`],
    [{ last: 10_001 }, `last: ${whole}, got 10001`],
    [{ withinDays: 0 }, `withinDays: ${days}, got 0`],
    [{ withinDays: '2w' }, `withinDays: ${days}, got "2w"`],
    [{ yearly: 'x'.repeat(38) }, `yearly: ${whole}, got "${'x'.repeat(38)}"`],
    [{ yearly: 'x'.repeat(41) }, `yearly: ${whole}, got "${'x'.repeat(40)}…"`],
    [{ yearly: {} }, `yearly: ${whole}, got an object`],
    [{ yearly: () => 1 }, `yearly: ${whole}, got a function`],
    [{ withinDays: 36_501 }, `withinDays: ${days}, got 36501`],
    [{ withinDays: 40_000 }, `withinDays: ${days}, got 40000`],
    [{ last: 1, minimum: 0 }, `minimum: ${whole}, got 0`],
    [{ last: 1, graceDays: 0 }, `graceDays: ${days}, got 0`],
    [{ last: 1, graceDays: -3 }, `graceDays: ${days}, got -3`],
    [{ last: 1, maxShare: 0 }, `maxShare: ${share}, got 0`],
    [{ last: 1, maxShare: 25 }, `maxShare: ${share}, got 25`],
  ])('%j are refused with what is allowed', (rules, problem) => {
    expect(problems(rules)).toContain(problem);
  });

  it('may reach to the last day and the last count that are allowed', () => {
    expect(problems({ withinDays: 36_500, last: 10_000, maxShare: 1, graceDays: 36_500 })).toEqual([]);
  });

  it('refuse a rule that they do not know, because a mistyped rule keeps nothing', () => {
    expect(problems({ last: 1, weeklly: 4 })).toEqual([': Unrecognized key: "weeklly"']);
  });

  it('are checked again where they are used', () => {
    const rules = { last: Number.NaN, minimum: 3, graceDays: 3, maxShare: 0.25 };
    expect(() => planRetention(inputOf([full('2026-04-02')], { rules }))).toThrow(
      /^retention cannot follow these rules:\n.*got NaN/,
    );
  });
});
