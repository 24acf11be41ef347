/**
 * When the schedules of EventBridge Scheduler run: as it does, a time that the zone skips in spring is skipped, and one
 * that the zone repeats in autumn runs once, the first time. A rate pays no attention to the zone.
 */
import { type Calendar, calendarOf, DAY } from './calendar.ts';
import { cronOf, readSchedule, type Schedule } from './schedule-expression.ts';

export { scheduleProblems } from './schedule-expression.ts';

const HOUR = 3_600_000;
/** A year, with what a leap year, a short month and a moved clock add. */
const ABOUT_A_YEAR = 400 * DAY;
/** Longer than the eight years that lie between two leap days around 2100. */
const LEAP_YEARS = 9 * 366 * DAY;

/** The first run after an instant, both in milliseconds since 1970; undefined when there is none. */
type NextRun = (after: number) => number | undefined;

/**
 * The next runs of an expression, in milliseconds since 1970, each later than `after`; fewer than `count` when its
 * years end.
 *
 * @param anchor when a `rate(…)` ran first: the schedule's start date, or the time at which it was created
 * @throws RangeError when expression or zone are not usable
 */
export function nextRuns(
  expression: string,
  timeZone: string,
  after: number,
  count: number,
  anchor = 0,
): number[] {
  const runs: number[] = [];
  for (const run of runsAfter(expression, timeZone, after, anchor)) {
    if (runs.length === count) break;
    runs.push(run);
  }
  return runs;
}

/** The runs that `nextRuns` counts, one by one and without an end, unless the years of the expression have one. */
export function* runsAfter(
  expression: string,
  timeZone: string,
  after: number,
  anchor = 0,
): Generator<number, void> {
  const next = timetable(expression, calendarOf(timeZone), anchor);
  for (let run = next(after); run !== undefined; run = next(run)) yield run;
}

/**
 * The longest time in hours between two runs, of whichever expression, in the year after `from` (in nine years for
 * those that run about once a year). At least 1, so that schedules of minutes are not followed minute by minute;
 * Infinity when fewer than two runs lie ahead.
 *
 * In a zone with summer time a run in the skipped hour is missing once a year, and the answer contains that.
 *
 * @throws RangeError when an expression or the zone are not usable
 */
export function largestGapHours(
  expressions: readonly string[],
  timeZone: string,
  from: number,
  anchor = 0,
): number {
  const calendar = calendarOf(timeZone);
  const timetables = expressions.map((expression) => timetable(expression, calendar, anchor));
  const next: NextRun = (after) => {
    const runs = timetables.map((each) => each(after)).filter((run) => run !== undefined);
    return runs.length === 0 ? undefined : Math.min(...runs);
  };
  const gap = largestGap(next, from, from + ABOUT_A_YEAR);
  return (gap < ABOUT_A_YEAR / 2 ? gap : largestGap(next, from, from + LEAP_YEARS)) / HOUR;
}

/**
 * From each run the search leaps half the largest gap known: when the next run from there is within that gap, nothing
 * larger lies between.
 */
function largestGap(next: NextRun, from: number, end: number): number {
  let run = next(from);
  let largest = HOUR;
  let gaps = 0;
  while (run !== undefined && run < end) {
    const leap = next(run + largest / 2);
    const following = leap !== undefined && leap <= run + largest ? leap : next(run);
    if (following === undefined) break;
    largest = Math.max(largest, following - run);
    gaps += 1;
    run = following;
  }
  return gaps === 0 ? Number.POSITIVE_INFINITY : largest;
}

/**
 * The times on the wall, such as `2026-03-29T02:30`, at which an expression would run if the zone did not skip them: on
 * those days there is no backup, and the person who chose the time should know. None for a rate.
 *
 * @throws RangeError when expression or zone are not usable
 */
export function skippedRuns(expression: string, timeZone: string, from: number, until: number): string[] {
  const calendar = calendarOf(timeZone);
  const schedule = usable(expression);
  if (schedule.kind === 'rate') return [];
  const cron = cronOf(schedule.pattern);
  const skipped: string[] = [];
  for (let day = from; day < until; day += DAY) {
    const end = calendar.wallClock(day + DAY);
    if (end - calendar.wallClock(day) <= DAY) continue;
    let shown = cron.nextRun(new Date(calendar.wallClock(day)));
    for (; shown !== null && shown.getTime() < end; shown = cron.nextRun(shown))
      if (calendar.instantOf(shown.getTime()) === undefined) skipped.push(shown.toISOString().slice(0, 16));
  }
  return skipped;
}

function usable(expression: string): Schedule {
  const { schedule, problems } = readSchedule(expression);
  if (schedule === undefined) throw new RangeError(problems.join('; '));
  return schedule;
}

function timetable(expression: string, calendar: Calendar, anchor: number): NextRun {
  const schedule = usable(expression);
  return schedule.kind === 'rate'
    ? rateTimetable(schedule.period, anchor)
    : cronTimetable(schedule, calendar);
}

const rateTimetable =
  (period: number, anchor: number): NextRun =>
  (after) =>
    after < anchor ? anchor : anchor + (Math.floor((after - anchor) / period) + 1) * period;

function cronTimetable({ pattern }: Schedule & { kind: 'cron' }, calendar: Calendar): NextRun {
  const cron = cronOf(pattern);
  return (after) => {
    let shown = cron.nextRun(new Date(calendar.wallClock(after)));
    while (shown !== null) {
      const run = calendar.instantOf(shown.getTime());
      // Undefined in the hour that spring skips; not later in the hour that autumn shows for the second time.
      if (run !== undefined && run > after) return run;
      shown = cron.nextRun(shown);
    }
    return undefined;
  };
}
