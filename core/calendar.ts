/**
 * Wall clocks of time zones, and the days, weeks, months and years that retention counts in. A wall clock is written as
 * the milliseconds since 1970 at which UTC would show it, so that plain arithmetic works on it.
 */

export const DAY = 86_400_000;
const SECOND = 1000;

export interface Calendar {
  /** What the clock on the wall shows at an instant. */
  readonly wallClock: (instant: number) => number;
  /** When the clock shows this: the first time if it shows it twice, undefined if the zone skips it. */
  readonly instantOf: (wallClock: number) => number | undefined;
}

/**
 * The calendar of an IANA time zone.
 *
 * @throws RangeError when there is no such zone
 */
export function calendarOf(timeZone: string): Calendar {
  const [problem] = timeZoneProblems(timeZone);
  if (problem !== undefined) throw new RangeError(problem);
  const offsetAt = offsetsOf(timeZone);
  return {
    wallClock: (instant) => instant + offsetAt(instant),
    instantOf: (wallClock) => {
      // No zone is further than a day from UTC, so these two offsets surround whatever change is near.
      const offsets = [offsetAt(wallClock - DAY), offsetAt(wallClock + DAY)];
      const instants = offsets.map((offset) => wallClock - offset).sort((a, b) => a - b);
      return instants.find((instant) => instant + offsetAt(instant) === wallClock);
    },
  };
}

/** What is wrong with the name of a time zone; empty when EventBridge Scheduler and this machine know it. */
export function timeZoneProblems(timeZone: string): string[] {
  const allowed = 'expected an IANA time zone, such as UTC or Europe/Berlin';
  if (!/^[A-Za-z]/.test(timeZone)) return [`${allowed}, got ${JSON.stringify(timeZone)}`];
  try {
    const known = new Intl.DateTimeFormat('en-US', { timeZone }).resolvedOptions().timeZone;
    const onlyCase = known !== timeZone && known.toLowerCase() === timeZone.toLowerCase();
    return onlyCase ? [`${allowed}, got "${timeZone}": write ${known}`] : [];
  } catch {
    return [`${allowed}, got ${JSON.stringify(timeZone)}`];
  }
}

/**
 * Milliseconds to add to UTC in a zone, for any instant. Asking Intl costs about a microsecond, so it is asked once for
 * each UTC day, and the exact second is searched for only on a day that begins and ends differently: no zone has ever
 * changed its clock twice within a day.
 */
function offsetsOf(timeZone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  const offsets = new Map<number, number>();
  const changes = new Map<number, number>();

  const startOffset = (day: number): number => {
    const known = offsets.get(day) ?? readOffset(format, day * DAY);
    offsets.set(day, known);
    return known;
  };
  const changeWithin = (day: number): number => {
    const known = changes.get(day) ?? findChange(format, day);
    changes.set(day, known);
    return known;
  };
  return (instant) => {
    const day = Math.floor(instant / DAY);
    const before = startOffset(day);
    const after = startOffset(day + 1);
    return before === after || instant < changeWithin(day) ? before : after;
  };
}

/** The first instant of a UTC day at which the day's last offset holds. */
function findChange(format: Intl.DateTimeFormat, day: number): number {
  const last = readOffset(format, (day + 1) * DAY);
  let before = day * DAY;
  let after = (day + 1) * DAY;
  while (after - before > SECOND) {
    const middle = before + Math.floor((after - before) / (2 * SECOND)) * SECOND;
    if (readOffset(format, middle) === last) after = middle;
    else before = middle;
  }
  return after;
}

/** Reads the end of `4/2/2026, GMT+02:00`; zones had seconds in their offsets until the twentieth century. */
function readOffset(format: Intl.DateTimeFormat, instant: number): number {
  const text = format.format(instant);
  const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
  if (match === null) throw new RangeError(`the offset from UTC cannot be read from ${text}`);
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = match;
  const size = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * SECOND;
  return sign === '-' ? -size : size;
}

export const BUCKETS = ['daily', 'weekly', 'monthly', 'yearly'] as const;
export type Bucket = (typeof BUCKETS)[number];

/** Which day, ISO week, month or year a wall clock lies in, as a number that is the same for all of it. */
export function bucketNumber(bucket: Bucket, wallClock: number): number {
  const day = Math.floor(wallClock / DAY);
  if (bucket === 'daily') return day;
  // 1 January 1970 was a Thursday, and an ISO week belongs to the year of its Thursday.
  if (bucket === 'weekly') return Math.floor((day + 3) / 7);
  const date = new Date(wallClock);
  return bucket === 'monthly' ? date.getUTCFullYear() * 12 + date.getUTCMonth() : date.getUTCFullYear();
}

/** `2026-04-02`, `2026-W14`, `2026-04` or `2026`. */
export function bucketName(bucket: Bucket, wallClock: number): string {
  const date = new Date(wallClock).toISOString().slice(0, 10);
  if (bucket === 'daily') return date;
  if (bucket === 'monthly') return date.slice(0, 7);
  if (bucket === 'yearly') return date.slice(0, 4);
  const thursday = bucketNumber('weekly', wallClock) * 7;
  const year = new Date(thursday * DAY).getUTCFullYear();
  const week = Math.floor((thursday - Date.UTC(year, 0, 1) / DAY) / 7) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}
