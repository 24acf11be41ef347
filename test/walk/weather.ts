/** What a seed decides before a walk begins: schedule, rules, and how much goes wrong. */
import { FATES, type Fate } from './model-clickhouse.ts';
import type { Seeded } from './seeded.ts';
import type { Weather } from './world.ts';

const DAY = 86_400_000;

interface Rhythm {
  readonly full: string;
  readonly incremental?: string;
  readonly days: number;
}

/** Each with about as many backups as the others: two weeks of daily ones, or a quarter of a year of weekly ones. */
const RHYTHMS: readonly Rhythm[] = [
  { full: 'cron(30 2 * * ? *)', days: 12 },
  { full: 'cron(0 2 ? * SUN *)', incremental: 'cron(0 2 ? * MON-SAT *)', days: 13 },
  { full: 'cron(30 2 ? * SUN *)', incremental: 'cron(30 2 ? * TUE,THU,SAT *)', days: 22 },
  { full: 'cron(15 1 ? * WED,SUN *)', days: 45 },
  { full: 'cron(0 3 ? * SUN *)', days: 95 },
  { full: 'cron(0 4 1 * ? *)', incremental: 'cron(0 4 8,15,22 * ? *)', days: 110 },
  { full: 'rate(18 hours)', days: 9 },
  { full: 'rate(2 days)', incremental: 'rate(12 hours)', days: 6 },
];

/** For a walk whose proofs are real: each takes a second. */
const SHORT: readonly Rhythm[] = [
  { full: 'cron(30 2 * * ? *)', days: 4 },
  { full: 'rate(2 days)', incremental: 'rate(1 day)', days: 4 },
];

/** Days on which a clock in Berlin is moved fall into most of the walks that begin here. */
const STARTS = [
  '2026-01-07',
  '2026-03-16',
  '2026-03-27',
  '2026-06-30',
  '2026-10-12',
  '2026-10-23',
  '2027-12-20',
];

const RULES = [
  { last: 3 },
  { last: 1, minimum: 1 },
  { daily: 4, weekly: 2 },
  { withinDays: 6 },
  { withinDays: 20, weekly: 3 },
  { daily: 2, weekly: 2, monthly: 3 },
  { weekly: 4, yearly: 1 },
  { last: 2, monthly: 2 },
] as const;

export const rulesOf = (random: Seeded): Readonly<Record<string, number>> => ({
  minimum: random.whole(1, 3),
  graceDays: random.pick([0.2, 1, 3]),
  maxShare: random.pick([0.25, 0.5, 1]),
  ...random.pick(RULES),
});

export interface Climate {
  readonly start: number;
  readonly end: number;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly weather: Weather;
  readonly pageSize: number;
  readonly fate: () => Fate;
  readonly duration: () => number;
  /** Of one execution. */
  readonly death: number;
  readonly skew: number;
  /** Of one step. */
  readonly repetition: number;
  readonly killing: number;
  /** Of one scheduled time. */
  readonly twice: number;
  /** Of one day. */
  readonly operator: number;
  readonly restart: number;
  readonly restore: number;
  readonly stop: number;
  /** Of one run of retention that lets something go. */
  readonly race: number;
}

export function climateOf(random: Seeded, isProvenForReal: boolean): Climate {
  const rhythm = random.pick(isProvenForReal ? SHORT : RHYTHMS);
  const start = Date.parse(random.pick(STARTS)) + random.whole(0, DAY / 1000) * 1000;
  const { full, incremental, days } = rhythm;
  // Some walks are quiet and some are a catastrophe; what follows from a single fault is seen best in a quiet one.
  const harshness = random.pick([0.3, 1, 1, 2]);
  const perSlot = days < 60 ? 1 : days / 60;
  const bad = 0.25 * harshness;
  const fates = (Object.keys(FATES) as Fate[]).filter((fate) => fate !== 'whole');
  const fateSource = random.fork();
  const durationSource = random.fork();
  return {
    start,
    end: start + days * DAY,
    settings: {
      schedule: {
        full,
        ...(incremental !== undefined && { incremental }),
        timeZone: random.pick(['UTC', 'Europe/Berlin', 'Europe/Berlin', 'America/New_York']),
      },
      attempts: random.whole(1, 3),
      maxHours: random.pick([3, 6, 12]),
      retention: rulesOf(random),
      restore: { maxHours: random.pick([1, 24]) },
      prove: { level: isProvenForReal ? 'bytes' : 'none' },
    },
    weather: {
      refusal: random.pick([0, 0, 0.002, 0.01]) * harshness,
      lostAnswer: random.pick([0, 0.01]) * harshness,
      sparedKeys: random.pick([0, 0.3]) * harshness,
      silence: random.pick([0, 0.01, 0.05]) * harshness,
      topic: random.pick([0, 0, 0.1]) * harshness,
    },
    pageSize: random.pick([3, 11, 1000]),
    fate: () => (fateSource.chance(bad) ? fateSource.pick(fates) : 'whole'),
    duration: () => durationSource.pick([20_000, 300_000, 1_800_000, 2 * 3_600_000]),
    death: 0.07 * harshness,
    skew: 0.04 * harshness,
    repetition: random.pick([0, 0.05, 0.2]),
    // A real engine that is abandoned in the middle would keep the next one waiting: there is one in a process.
    killing: isProvenForReal ? 0 : random.pick([0, 0.02]) * harshness,
    twice: 0.1 * harshness,
    operator: (0.25 * harshness) / perSlot,
    restart: (0.15 * harshness) / perSlot,
    restore: (0.3 * harshness) / perSlot,
    stop: (0.03 * harshness) / perSlot,
    race: 0.3,
  };
}
