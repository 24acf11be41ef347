/**
 * Runs schedules and retention rules forward on paper, so that their effect is seen before they delete anything. It
 * plans with `planRetention` after every backup, as the workflow does, and carries out what the plan says.
 */
import { type Kind, makeBackupId } from './backup-id.ts';
import { bucketName, type Calendar, calendarOf, DAY } from './calendar.ts';
import { isGood, type LedgerEntry, type State } from './ledger.ts';
import { type Decision, planRetention, type RetentionBackup, type RetentionRules } from './retention.ts';
import { runsAfter } from './schedule.ts';

/** What a year of hourly backups is, ten times over. */
const MOST_RUNS = 100_000;
const TARGET = 'simulated';

export type Outcome = 'good' | 'failed';

export interface SimulatedSchedule {
  readonly kind: Kind;
  readonly expression: string;
}

export interface SimulationInput {
  readonly schedules: readonly SimulatedSchedule[];
  readonly rules: RetentionRules;
  readonly days: number;
  readonly timeZone: string;
  /** Milliseconds since 1970; the simulation begins here, with an empty bucket and any `rate(…)` schedule. */
  readonly start: number;
  /** How the backup of a scheduled time ends; good when not given. */
  readonly outcome?: (time: number) => Outcome;
  /** Bytes of one backup, to add up what is stored. */
  readonly sizes?: Readonly<Record<Kind, number>>;
}

export interface SimulatedBackup {
  readonly id: string;
  readonly kind: Kind;
  readonly startedAt: number;
  /** Verified, and not marked. */
  readonly good: boolean;
  /** Marked, and waiting out its grace. */
  readonly expiring: boolean;
}

export interface SimulatedDay {
  /** `2026-04-02`, in the target's time zone. */
  readonly date: string;
  /** What exists when the day ends, oldest first. */
  readonly backups: readonly SimulatedBackup[];
  readonly bytes: number;
}

export interface Simulation {
  readonly days: readonly SimulatedDay[];
  /** The days with the most backups and the most bytes at their end. */
  readonly most: { readonly backups: number; readonly bytes: number };
}

interface Bucket {
  readonly backups: Map<string, RetentionBackup & { readonly entry: SimulatedEntry }>;
  readonly expiring: Map<string, { readonly removeAfter: number }>;
}
type SimulatedEntry = LedgerEntry & { readonly states: Partial<Record<State, number>> };

interface Run {
  readonly time: number;
  readonly kind: Kind;
}

/**
 * What would exist at the end of each day.
 *
 * @throws RangeError when a schedule, the rules or the zone are not usable, or the schedules run more than 100,000 times
 */
export function simulateRetention(input: SimulationInput): Simulation {
  const calendar = calendarOf(input.timeZone);
  const ends = dayEnds(input, calendar);
  const runs = runsUntil(ends.at(-1) ?? input.start, input);
  const bucket: Bucket = { backups: new Map(), expiring: new Map() };
  const days: SimulatedDay[] = [];
  let done = 0;
  for (const end of ends) {
    for (let run = runs[done]; run !== undefined && run.time < end; run = runs[done]) {
      backUp(run, done, bucket, input);
      retain(run.time, bucket, input);
      done += 1;
    }
    days.push(inventory(bucket, bucketName('daily', calendar.wallClock(end - 1)), input));
  }
  const most = {
    backups: days.reduce((largest, { backups }) => Math.max(largest, backups.length), 0),
    bytes: days.reduce((largest, { bytes }) => Math.max(largest, bytes), 0),
  };
  return { days, most };
}

/** The midnights that end each simulated day; the first day is what is left of the day of `start`. */
function dayEnds({ days, start }: SimulationInput, calendar: Calendar): number[] {
  if (!Number.isInteger(days) || days < 1)
    throw new RangeError(`expected a whole number of days from 1 on, got ${days}`);
  const firstDay = Math.floor(calendar.wallClock(start) / DAY);
  return Array.from({ length: days }, (_, index) => {
    const midnight = (firstDay + index + 1) * DAY;
    // Some zones move their clocks at midnight; the day then begins with the instant of the move.
    return calendar.instantOf(midnight) ?? midnight - (calendar.wallClock(midnight - DAY) - (midnight - DAY));
  });
}

/** Every scheduled time before `end`; a full comes before an incremental of the same minute. */
function runsUntil(end: number, { schedules, timeZone, start }: SimulationInput): Run[] {
  const runs: Run[] = [];
  for (const { kind, expression } of schedules) {
    for (const time of runsAfter(expression, timeZone, start - 1, start)) {
      if (time >= end) break;
      runs.push({ time, kind });
      if (runs.length > MOST_RUNS)
        throw new RangeError(
          `the schedules run more than ${MOST_RUNS} times in this time: simulate fewer days, or rarer backups`,
        );
    }
  }
  return runs.sort((a, b) => a.time - b.time || (a.kind < b.kind ? -1 : 1));
}

function backUp({ time, kind }: Run, index: number, { backups }: Bucket, input: SimulationInput): void {
  const base = kind === 'full' ? null : newestGoodFull(backups.values());
  // An incremental with nothing to stand on becomes a full one, as in the workflow.
  const actual: Kind = base === null ? 'full' : 'incremental';
  const id = makeBackupId(time, actual, index.toString(36).padStart(4, '0'));
  const end: State = (input.outcome?.(time) ?? 'good') === 'good' ? 'verified' : 'failed';
  const entry: SimulatedEntry = {
    id,
    startedAt: time,
    kind: actual,
    target: TARGET,
    states: { started: time, [end]: time },
  };
  backups.set(id, { entry, base });
}

function newestGoodFull(backups: Iterable<RetentionBackup>): string | null {
  let newest: LedgerEntry | undefined;
  for (const { entry } of backups)
    if (entry.kind === 'full' && isGood(entry.states) && entry.startedAt >= (newest?.startedAt ?? 0))
      newest = entry;
  return newest?.id ?? null;
}

function retain(now: number, bucket: Bucket, { rules, timeZone }: SimulationInput): void {
  const { decisions } = planRetention({
    backups: [...bucket.backups.values()],
    rules,
    pins: [],
    now,
    timeZone,
    complete: true,
    expiring: bucket.expiring,
  });
  for (const decision of decisions) carryOut(decision, now, bucket);
}

function carryOut({ id, action, removeAfter }: Decision, now: number, { backups, expiring }: Bucket): void {
  const states = backups.get(id)?.entry.states;
  if (states === undefined) return;
  if (action === 'expire' && removeAfter !== undefined) {
    states.expiring = now;
    expiring.set(id, { removeAfter });
  }
  if (action === 'restore') {
    delete states.expiring;
    expiring.delete(id);
  }
  if (action === 'remove') {
    backups.delete(id);
    expiring.delete(id);
  }
}

function inventory({ backups }: Bucket, date: string, { sizes }: SimulationInput): SimulatedDay {
  const entries = [...backups.values()].map(({ entry }) => entry);
  return {
    date,
    backups: entries.map(({ id, kind, startedAt, states }) => ({
      id,
      kind,
      startedAt,
      good: isGood(states),
      expiring: states.expiring !== undefined,
    })),
    bytes: entries.reduce((sum, { kind }) => sum + (sizes?.[kind] ?? 0), 0),
  };
}
