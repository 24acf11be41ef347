import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketName, bucketNumber, calendarOf, DAY, timeZoneProblems } from '../../core/calendar.ts';
import { tries } from './property-runs.ts';

const at = (text: string): number => Date.parse(text);
const shown = (timeZone: string, instant: string): string =>
  new Date(calendarOf(timeZone).wallClock(at(instant))).toISOString().slice(0, 19);

/** What Intl prints itself, field by field: another way to the same clock. */
function printed(timeZone: string, instant: number): string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    ...{
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    },
  });
  const part = new Map(format.formatToParts(instant).map(({ type, value }) => [type, value]));
  const [year, month, day] = [part.get('year'), part.get('month'), part.get('day')];
  return `${year}-${month}-${day}T${part.get('hour')}:${part.get('minute')}:${part.get('second')}`;
}

describe('the wall clock of a zone', () => {
  it.each([
    ['UTC', '2026-04-02T02:00:00Z', '2026-04-02T02:00:00'],
    ['Europe/Berlin', '2026-03-29T00:59:59Z', '2026-03-29T01:59:59'],
    ['Europe/Berlin', '2026-03-29T01:00:00Z', '2026-03-29T03:00:00'],
    ['Europe/Berlin', '2026-10-25T00:59:59Z', '2026-10-25T02:59:59'],
    ['Europe/Berlin', '2026-10-25T01:00:00Z', '2026-10-25T02:00:00'],
    ['Asia/Kathmandu', '2026-04-02T02:00:00Z', '2026-04-02T07:45:00'],
    ['America/St_Johns', '2026-04-02T02:00:00Z', '2026-04-01T23:30:00'],
    ['Pacific/Apia', '2011-12-30T09:59:59Z', '2011-12-29T23:59:59'],
    ['Pacific/Apia', '2011-12-30T10:00:00Z', '2011-12-31T00:00:00'],
    ['Europe/Berlin', '1890-06-01T12:00:00Z', '1890-06-01T12:53:28'],
  ])('shows in %s at %s the time %s', (timeZone, instant, expected) => {
    expect(shown(timeZone, instant)).toBe(expected);
  });

  it('agrees with Intl at any second of two hundred years, in zones that change their clocks oddly', async () => {
    const zones = [
      'Europe/Berlin',
      'America/St_Johns',
      'Africa/Casablanca',
      'Australia/Lord_Howe',
      'America/Sao_Paulo',
    ];
    const calendars = new Map(zones.map((zone) => [zone, calendarOf(zone)]));
    const seconds = fc.integer({ min: at('1900-01-01') / 1000, max: at('2100-01-01') / 1000 });
    await fc.assert(
      fc.property(fc.constantFrom(...zones), seconds, (zone, second) => {
        const wallClock = calendars.get(zone)?.wallClock(second * 1000) ?? Number.NaN;
        expect(new Date(wallClock).toISOString().slice(0, 19)).toBe(printed(zone, second * 1000));
      }),
      tries(2000),
    );
  });
});

describe('the instant of a wall clock', () => {
  const instant = (timeZone: string, wallClock: string): string | undefined => {
    const found = calendarOf(timeZone).instantOf(at(`${wallClock}Z`));
    return found === undefined ? undefined : new Date(found).toISOString();
  };

  it('does not exist in the hour that spring skips', () => {
    expect(instant('Europe/Berlin', '2026-03-29T01:59:59')).toBe('2026-03-29T00:59:59.000Z');
    expect(instant('Europe/Berlin', '2026-03-29T02:00:00')).toBeUndefined();
    expect(instant('Europe/Berlin', '2026-03-29T02:59:59')).toBeUndefined();
    expect(instant('Europe/Berlin', '2026-03-29T03:00:00')).toBe('2026-03-29T01:00:00.000Z');
  });

  it('is the first of the two in the hour that autumn repeats', () => {
    expect(instant('Europe/Berlin', '2026-10-25T02:30:00')).toBe('2026-10-25T00:30:00.000Z');
    expect(instant('America/New_York', '2026-11-01T01:30:00')).toBe('2026-11-01T05:30:00.000Z');
  });

  it('does not exist on the day that Samoa left out', () => {
    expect(instant('Pacific/Apia', '2011-12-30T12:00:00')).toBeUndefined();
  });

  it('leads back to the same wall clock wherever it exists', async () => {
    const calendar = calendarOf('Africa/Casablanca');
    const minutes = fc.integer({ min: at('2020-01-01') / 60_000, max: at('2030-01-01') / 60_000 });
    await fc.assert(
      fc.property(minutes, (minute) => {
        const wallClock = calendar.wallClock(minute * 60_000);
        const back = calendar.instantOf(wallClock) ?? Number.NaN;
        expect(calendar.wallClock(back)).toBe(wallClock);
        expect(back).toBeLessThanOrEqual(minute * 60_000);
      }),
    );
  });
});

describe('the buckets of retention', () => {
  it.each([
    ['2026-04-02T02:00:00Z', '2026-04-02', '2026-W14', '2026-04', '2026'],
    ['2026-04-05T23:59:59Z', '2026-04-05', '2026-W14', '2026-04', '2026'],
    ['2026-04-06T00:00:00Z', '2026-04-06', '2026-W15', '2026-04', '2026'],
    ['2026-12-31T23:59:59Z', '2026-12-31', '2026-W53', '2026-12', '2026'],
    ['2027-01-01T00:00:00Z', '2027-01-01', '2026-W53', '2027-01', '2027'],
    ['2027-01-04T00:00:00Z', '2027-01-04', '2027-W01', '2027-01', '2027'],
    ['2024-12-30T00:00:00Z', '2024-12-30', '2025-W01', '2024-12', '2024'],
    ['1969-12-31T23:00:00Z', '1969-12-31', '1970-W01', '1969-12', '1969'],
  ])('names the day, ISO week, month and year of %s', (time, daily, weekly, monthly, yearly) => {
    expect(bucketName('daily', at(time))).toBe(daily);
    expect(bucketName('weekly', at(time))).toBe(weekly);
    expect(bucketName('monthly', at(time))).toBe(monthly);
    expect(bucketName('yearly', at(time))).toBe(yearly);
  });

  it('gives two times the same number exactly when it gives them the same name', async () => {
    const times = fc.integer({ min: at('1960-01-01'), max: at('2100-01-01') });
    await fc.assert(
      fc.property(
        times,
        fc.integer({ min: -400 * DAY, max: 400 * DAY }),
        fc.constantFrom('daily', 'weekly', 'monthly', 'yearly'),
        (time, distance, bucket) => {
          const sameName = bucketName(bucket, time) === bucketName(bucket, time + distance);
          expect(bucketNumber(bucket, time) === bucketNumber(bucket, time + distance)).toBe(sameName);
        },
      ),
      tries(1000),
    );
  });
});

describe('the name of a zone', () => {
  it.each(['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/Argentina/Buenos_Aires'])('may be %s', (name) => {
    expect(timeZoneProblems(name)).toEqual([]);
  });

  it.each([
    ['Europe/Berlim', 'expected an IANA time zone, such as UTC or Europe/Berlin, got "Europe/Berlim"'],
    ['+02:00', 'expected an IANA time zone, such as UTC or Europe/Berlin, got "+02:00"'],
    ['', 'expected an IANA time zone, such as UTC or Europe/Berlin, got ""'],
    [
      'europe/berlin',
      'expected an IANA time zone, such as UTC or Europe/Berlin, got "europe/berlin": write Europe/Berlin',
    ],
  ])('may not be "%s"', (name, problem) => {
    expect(timeZoneProblems(name)).toEqual([problem]);
    expect(() => calendarOf(name)).toThrow(new RangeError(problem));
  });
});
