/**
 * What the retention rules keep, worked out a second time and in another way: with the calendar of Intl, one rule after another,
 * and nothing of `core/retention`.
 */
export interface KeptCandidate {
  readonly id: string;
  readonly startedAt: number;
  readonly kind: 'full' | 'incremental';
  readonly base: string | null;
}

export interface Rules {
  readonly last?: number | undefined;
  readonly withinDays?: number | undefined;
  readonly daily?: number | undefined;
  readonly weekly?: number | undefined;
  readonly monthly?: number | undefined;
  readonly yearly?: number | undefined;
  readonly minimum: number;
}

/** The backups that have to stay, each with the first rule that says so. */
export function keptBy(
  rules: Rules,
  good: readonly KeptCandidate[],
  timeZone: string,
): ReadonlyMap<string, string> {
  const newestFirst = [...good].sort((a, b) => b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1));
  const kept = new Map<string, string>();
  const keep = (id: string, rule: string): void => {
    if (!kept.has(id)) kept.set(id, rule);
  };
  for (const { id } of newestFirst.slice(0, rules.minimum)) keep(id, `minimum ${rules.minimum}`);
  for (const { id } of newestFirst.slice(0, rules.last ?? 0)) keep(id, `last ${rules.last}`);
  const [newest] = newestFirst;
  const from = (newest?.startedAt ?? 0) - (rules.withinDays ?? 0) * 86_400_000;
  for (const { id, startedAt } of rules.withinDays === undefined ? [] : newestFirst)
    if (startedAt >= from) keep(id, `within ${rules.withinDays} days`);
  for (const [rule, periodOf] of Object.entries(PERIODS)) {
    const count = rules[rule as keyof typeof PERIODS] ?? 0;
    const periods = new Set<string>();
    for (const { id, startedAt } of newestFirst) {
      if (periods.size === count) break;
      const period = periodOf(dateIn(timeZone, startedAt));
      if (!periods.has(period)) keep(id, `${rule} ${count}`);
      periods.add(period);
    }
  }
  const newestFull = newestFirst.find(({ kind }) => kind === 'full');
  if (newestFull !== undefined) keep(newestFull.id, 'the newest full one');
  for (const { id, base } of good) if (base !== null) keep(base, `base of ${id}`);
  return kept;
}

interface LocalDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function dateIn(timeZone: string, instant: number): LocalDate {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  formats.set(timeZone, format);
  const [year = 0, month = 0, day = 0] = format.format(instant).split('-').map(Number);
  return { year, month, day };
}

const PERIODS = {
  daily: ({ year, month, day }: LocalDate): string => `${year}-${month}-${day}`,
  weekly: mondayOf,
  monthly: ({ year, month }: LocalDate): string => `${year}-${month}`,
  yearly: ({ year }: LocalDate): string => `${year}`,
} as const;

/** A week is named by its Monday. */
function mondayOf({ year, month, day }: LocalDate): string {
  const date = Date.UTC(year, month - 1, day);
  const sinceMonday = (new Date(date).getUTCDay() + 6) % 7;
  return new Date(date - sinceMonday * 86_400_000).toISOString().slice(0, 10);
}
