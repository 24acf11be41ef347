/** The retention rules that a user writes, and the names of everything a decision can rest on. */
import * as z from 'zod';

const LONGEST_COUNT = 10_000;
const LONGEST_DAYS = 36_500;

/** Of what is no number: never its content, which may be long, a secret, or without any text. */
const show = (value: unknown): string => {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  return typeof value === 'object' && value !== null
    ? 'an object'
    : typeof value === 'function'
      ? 'a function'
      : String(value);
};

function number(allowed: string, isAllowed: (value: number) => boolean) {
  const error = (issue: { readonly input?: unknown }) => `expected ${allowed}, got ${show(issue.input)}`;
  return z.number({ error }).refine(isAllowed, { error });
}

const whole = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= LONGEST_COUNT;
const count = () =>
  number(`a whole number from 1 to ${LONGEST_COUNT} (leave the rule out if it is to keep nothing)`, whole);
const days = () =>
  number(
    `a number of days greater than 0, at most ${LONGEST_DAYS}`,
    (value) => value > 0 && value <= LONGEST_DAYS,
  );
const share = () =>
  number('a share greater than 0, at most 1, such as 0.25 for a quarter', (value) => value > 0 && value <= 1);

const KEEPING = ['last', 'withinDays', 'daily', 'weekly', 'monthly', 'yearly'] as const;

export const retentionSchema = z
  .object({
    /** The newest N good backups. */
    last: count().optional(),
    /** Every good backup that began within so many days (of 24 hours) of the newest good one. */
    withinDays: days().optional(),
    /** The newest good backup of each of the last N days that have one; so for weeks (ISO), months and years. */
    daily: count().optional(),
    weekly: count().optional(),
    monthly: count().optional(),
    yearly: count().optional(),
    /** So many good backups stay whatever the rules say. */
    minimum: count().default(3),
    /** Days between marking and removing, in which a mark can be taken back. */
    graceDays: days().default(3),
    /** One run removes at most this share of the existing backups, or one backup if the share is less than that. */
    maxShare: share().default(0.25),
  })
  .strict()
  .refine((rules) => KEEPING.some((rule) => rules[rule] !== undefined), {
    error: `the rules keep nothing: expected at least one of ${KEEPING.join(', ')}`,
  });
export type RetentionRules = z.output<typeof retentionSchema>;

/** The rule, state or guard that a decision rests on. */
export const RULES = [
  'kept',
  'pinned',
  'future',
  'unfinished',
  'orphaned',
  'no good backup',
  'last',
  'within',
  'daily',
  'weekly',
  'monthly',
  'yearly',
  'minimum',
  'last full',
  'base',
  'no rule',
  'failed',
  'abandoned',
  'broken',
  'removing',
  'share',
  'mark unread',
  'incomplete',
] as const;
export type Rule = (typeof RULES)[number];
