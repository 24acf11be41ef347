import { Cron } from 'croner';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { largestGapHours, nextRuns, runsAfter, scheduleProblems, skippedRuns } from '../../core/schedule.ts';
import { tries } from './property-runs.ts';

// A second or two for the properties; the limit is for machines that do much else.
vi.setConfig({ testTimeout: 60_000 });

const at = (text: string): number => Date.parse(text);
const NEW_YEAR = at('2026-01-01T00:00:00Z');

const runs = (expression: string, count: number, after = NEW_YEAR, timeZone = 'UTC'): string[] =>
  nextRuns(expression, timeZone, after, count).map((run) => new Date(run).toISOString().slice(0, 16));

describe('a cron expression of EventBridge Scheduler', () => {
  it.each([
    ['cron(0 2 * * ? *)', ['2026-01-01T02:00', '2026-01-02T02:00']],
    ['cron(0 2 ? * * *)', ['2026-01-01T02:00', '2026-01-02T02:00']],
    ['cron(5/10 2 * * ? *)', ['2026-01-01T02:05', '2026-01-01T02:15']],
    ['cron(50/10 2 * * ? *)', ['2026-01-01T02:50', '2026-01-02T02:50']],
    ['cron(*/20 2 * * ? *)', ['2026-01-01T02:00', '2026-01-01T02:20']],
    [
      'cron(10-20/5 2 * * ? *)',
      ['2026-01-01T02:10', '2026-01-01T02:15', '2026-01-01T02:20', '2026-01-02T02:10'],
    ],
    [
      'cron(0 22-23,0-1 * * ? *)',
      ['2026-01-01T01:00', '2026-01-01T22:00', '2026-01-01T23:00', '2026-01-02T00:00'],
    ],
    // Sunday is the first day of the week, 1 January 2026 is a Thursday.
    ['cron(0 2 ? * 1 *)', ['2026-01-04T02:00', '2026-01-11T02:00']],
    ['cron(0 2 ? * SUN *)', ['2026-01-04T02:00', '2026-01-11T02:00']],
    ['cron(0 2 ? * 7 *)', ['2026-01-03T02:00', '2026-01-10T02:00']],
    ['cron(0 2 ? * L *)', ['2026-01-03T02:00', '2026-01-10T02:00']],
    ['cron(0 2 ? * 2-6 *)', ['2026-01-01T02:00', '2026-01-02T02:00', '2026-01-05T02:00']],
    ['cron(0 2 ? * MON-FRI *)', ['2026-01-01T02:00', '2026-01-02T02:00', '2026-01-05T02:00']],
    ['cron(0 2 ? * TUE,SAT *)', ['2026-01-03T02:00', '2026-01-06T02:00', '2026-01-10T02:00']],
    ['cron(0 2 ? * 6L *)', ['2026-01-30T02:00', '2026-02-27T02:00']],
    ['cron(0 2 ? * FRIL *)', ['2026-01-30T02:00', '2026-02-27T02:00']],
    ['cron(0 2 ? * 3#2 *)', ['2026-01-13T02:00', '2026-02-10T02:00']],
    ['cron(0 2 ? * TUE#5 *)', ['2026-03-31T02:00', '2026-06-30T02:00']],
    ['cron(0 2 L * ? *)', ['2026-01-31T02:00', '2026-02-28T02:00', '2026-03-31T02:00']],
    // 15 February 2026 is a Sunday, 15 August a Saturday; 1 August a Saturday.
    ['cron(0 2 15W 2,8 ? *)', ['2026-02-16T02:00', '2026-08-14T02:00']],
    ['cron(0 2 1W AUG ? *)', ['2026-08-03T02:00', '2027-08-02T02:00']],
    ['cron(0 2 31 * ? *)', ['2026-01-31T02:00', '2026-03-31T02:00', '2026-05-31T02:00']],
    ['cron(0 2 29 2 ? *)', ['2028-02-29T02:00', '2032-02-29T02:00']],
    ['cron(0 2 1 JAN-MAR/2 ? *)', ['2026-01-01T02:00', '2026-03-01T02:00', '2027-01-01T02:00']],
    ['cron(0 2 1 1 ? 2030-2040/5)', ['2030-01-01T02:00', '2035-01-01T02:00', '2040-01-01T02:00']],
    ['cron(0 0 1 1 ? 2199)', ['2199-01-01T00:00']],
    ['cron(0   2 * *  ? *)', ['2026-01-01T02:00', '2026-01-02T02:00']],
    ['cron(5-5 2 * * ? *)', ['2026-01-01T02:05', '2026-01-02T02:05']],
    ['cron(7/60 2 * * ? *)', ['2026-01-01T02:07', '2026-01-02T02:07']],
    ['cron(58/1 2 * * ? *)', ['2026-01-01T02:58', '2026-01-01T02:59', '2026-01-02T02:58']],
  ])('%s runs as Amazon says', (expression, expected) => {
    expect(scheduleProblems(expression)).toEqual([]);
    expect(runs(expression, expected.length)).toEqual(expected);
  });

  it('runs strictly after the given time, to the millisecond', () => {
    expect(runs('cron(0 2 * * ? *)', 1, at('2026-01-01T01:59:59.999Z'))).toEqual(['2026-01-01T02:00']);
    expect(runs('cron(0 2 * * ? *)', 1, at('2026-01-01T02:00:00.000Z'))).toEqual(['2026-01-02T02:00']);
    expect(runs('cron(0 2 * * ? *)', 1, at('2026-01-01T02:00:00.001Z'))).toEqual(['2026-01-02T02:00']);
  });

  it('gives fewer runs when its years end, and none when asked for none', () => {
    expect(runs('cron(0 2 1 1 ? 2027-2028)', 9)).toEqual(['2027-01-01T02:00', '2028-01-01T02:00']);
    expect(runs('cron(0 2 * * ? *)', 0)).toEqual([]);
    expect([...runsAfter('cron(0 2 1 1 ? 2027)', 'UTC', NEW_YEAR)]).toEqual([at('2027-01-01T02:00Z')]);
  });
});

describe('summer time', () => {
  it('skips the run that the clock of the zone skips', () => {
    expect(runs('cron(30 2 * * ? *)', 3, at('2026-03-27T12:00Z'), 'Europe/Berlin')).toEqual([
      '2026-03-28T01:30',
      '2026-03-30T00:30',
      '2026-03-31T00:30',
    ]);
  });

  it('runs once in the hour that the zone repeats, the first time', () => {
    expect(runs('cron(30 2 * * ? *)', 3, at('2026-10-24T12:00Z'), 'Europe/Berlin')).toEqual([
      '2026-10-25T00:30',
      '2026-10-26T01:30',
      '2026-10-27T01:30',
    ]);
    expect(runs('cron(30 * * * ? *)', 4, at('2026-10-24T23:00Z'), 'Europe/Berlin')).toEqual([
      '2026-10-24T23:30',
      '2026-10-25T00:30',
      '2026-10-25T02:30',
      '2026-10-25T03:30',
    ]);
  });

  it('runs nothing twice when asked again in the middle of the repeated hour', () => {
    expect(runs('cron(30 2 * * ? *)', 1, at('2026-10-25T01:10Z'), 'Europe/Berlin')).toEqual([
      '2026-10-26T01:30',
    ]);
    expect(runs('cron(45 2 * * ? *)', 1, at('2026-10-25T01:30Z'), 'Europe/Berlin')).toEqual([
      '2026-10-26T01:45',
    ]);
  });

  it('is decided here because croner would run the skipped hour an hour later', () => {
    const cron = new Cron('0 30 2 * * *', { timezone: 'Europe/Berlin', paused: true });
    expect(cron.nextRun(new Date('2026-03-28T12:00Z'))?.toISOString()).toBe('2026-03-29T01:00:00.000Z');
  });

  it('names the runs that will be missing', () => {
    const year = [at('2026-01-01T00:00Z'), at('2028-01-01T00:00Z')] as const;
    expect(skippedRuns('cron(30 2 * * ? *)', 'Europe/Berlin', ...year)).toEqual([
      '2026-03-29T02:30',
      '2027-03-28T02:30',
    ]);
    expect(
      skippedRuns(
        'cron(0/20 * * * ? *)',
        'America/New_York',
        at('2026-03-08T00:00Z'),
        at('2026-03-09T00:00Z'),
      ),
    ).toEqual(['2026-03-08T02:00', '2026-03-08T02:20', '2026-03-08T02:40']);
    expect(skippedRuns('cron(30 3 * * ? *)', 'Europe/Berlin', ...year)).toEqual([]);
    expect(skippedRuns('cron(30 2 * * ? *)', 'UTC', ...year)).toEqual([]);
    expect(skippedRuns('rate(1 hour)', 'Europe/Berlin', ...year)).toEqual([]);
  });

  it('never yields a run at a time of day that was not asked for, in any zone', async () => {
    const zones = ['Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Africa/Casablanca', 'UTC'];
    await fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        fc.integer({ min: NEW_YEAR, max: at('2030-01-01') }),
        (zone, hour, minute, after) => {
          const found = nextRuns(`cron(${minute} ${hour} * * ? *)`, zone, after, 400);
          const clock = new Intl.DateTimeFormat('en-GB', {
            timeZone: zone,
            hour: '2-digit',
            minute: '2-digit',
          });
          const days = new Intl.DateTimeFormat('en-CA', { timeZone: zone });
          const times = new Set(found.map((run) => clock.format(run)));
          expect([...times]).toEqual([`${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`]);
          expect(new Set(found.map((run) => days.format(run))).size).toBe(400);
        },
      ),
      tries(40),
    );
  });
});

describe('a rate expression', () => {
  it('counts real hours from its anchor, whatever the zone does', () => {
    const anchor = at('2026-03-28T22:15Z');
    const found = nextRuns('rate(24 hours)', 'Europe/Berlin', at('2026-03-28T23:00Z'), 2, anchor);
    expect(found).toEqual([at('2026-03-29T22:15Z'), at('2026-03-30T22:15Z')]);
  });

  it('begins with its anchor', () => {
    const anchor = at('2026-02-01T00:00Z');
    expect(nextRuns('rate(1 day)', 'UTC', NEW_YEAR, 2, anchor)).toEqual([anchor, at('2026-02-02T00:00Z')]);
    expect(nextRuns('rate(5 minutes)', 'UTC', anchor, 1, anchor)).toEqual([at('2026-02-01T00:05Z')]);
  });
});

describe('an expression that is refused', () => {
  const six =
    'expected six fields, cron(minutes hours day-of-month month day-of-week year), such as cron(0 2 * * ? *)';
  const either = 'expected ? in exactly one of day of month and day of week';
  const weekday = 'day of week: expected 1-7 or SUN-SAT, with , - * ? L #';
  const rate =
    'expected rate(value unit), a whole number from 1 to 99999 and minutes, hours or days, such as rate(6 hours)';
  it.each([
    ['', 'expected cron(0 2 * * ? *) for every night at two, or rate(6 hours), got ""'],
    ['0 2 * * *', 'expected cron(0 2 * * ? *) for every night at two, or rate(6 hours), got "0 2 * * *"'],
    ['cron(0 2 * * *)', `${six}; got 5 in cron(0 2 * * *)`],
    ['cron(0 2 * * * *)', `${either}, got "*" and "*"`],
    ['cron(0 2 1 * MON *)', `${either}, got "1" and "MON"`],
    ['cron(0 2 ? * ? *)', `${either}, got "?" and "?"`],
    ['cron(60 2 * * ? *)', 'minutes: expected 0-59, with , - * /, got "60"'],
    ['cron(-5 2 * * ? *)', 'minutes: expected 0-59, with , - * /, got "-5"'],
    ['cron(1.5 2 * * ? *)', 'minutes: expected 0-59, with , - * /, got "1.5"'],
    ['cron(0/61 2 * * ? *)', 'minutes: expected 0-59, with , - * /, got "0/61"'],
    ['cron(5/10x 2 * * ? *)', 'minutes: expected 0-59, with , - * /, got "5/10x": write names in capitals'],
    ['cron(1-2-3 2 * * ? *)', 'minutes: expected 0-59, with , - * /, got "1-2-3"'],
    ['cron(1- 2 * * ? *)', 'minutes: expected 0-59, with , - * /, got "1-"'],
    ['cron(5,60 2 * * ? *)', 'minutes: expected 0-59, with , - * /, got "5,60"'],
    ['cron(60-5 2 * * ? *)', 'minutes: expected 0-59, with , - * /, got "60-5"'],
    ['cron(5-60 2 * * ? *)', 'minutes: expected 0-59, with , - * /, got "5-60"'],
    [
      'cron(0 2 x1W * ? *)',
      'day of month: expected 1-31, with , - * ? / L W, got "x1W": write names in capitals',
    ],
    ['cron(0 2 1W1 * ? *)', 'day of month: expected 1-31, with , - * ? / L W, got "1W1"'],
    ['cron(0 2 ? * 3#22 *)', `${weekday}, got "3#22"`],
    ['cron(0 2 ? * 4-3#2 *)', `${weekday}, got "4-3#2"`],
    [
      'xcron(0 2 * * ? *)',
      'expected cron(0 2 * * ? *) for every night at two, or rate(6 hours), got "xcron(0 2 * * ? *)"',
    ],
    [
      'cron(0 2 * * ? *) ',
      'expected cron(0 2 * * ? *) for every night at two, or rate(6 hours), got "cron(0 2 * * ? *) "',
    ],
    [
      'rate(6 hours) ',
      'expected cron(0 2 * * ? *) for every night at two, or rate(6 hours), got "rate(6 hours) "',
    ],
    ['rate(6 hoursx)', `${rate}; got rate(6 hoursx)`],
    ['cron(? 2 * * ? *)', 'minutes: expected 0-59, with , - * /, got "?"'],
    ['cron(*/0 2 * * ? *)', 'minutes: expected 0-59, with , - * /, got "*/0"'],
    ['cron(0/70 2 * * ? *)', 'minutes: expected 0-59, with , - * /, got "0/70"'],
    ['cron(/15 2 * * ? *)', 'minutes: expected 0-59, with , - * /, got "/15": write 0/15'],
    ['cron(0 24 * * ? *)', 'hours: expected 0-23, with , - * /, got "24"'],
    [
      'cron(0 22-4 * * ? *)',
      'hours: expected 0-23, with , - * /, got "22-4": a range must rise; write 22-23,0-4',
    ],
    ['cron(0 2 0 * ? *)', 'day of month: expected 1-31, with , - * ? / L W, got "0"'],
    ['cron(0 2 32W * ? *)', 'day of month: expected 1-31, with , - * ? / L W, got "32W"'],
    ['cron(0 2 LW * ? *)', 'day of month: expected 1-31, with , - * ? / L W, got "LW"'],
    ['cron(0 2 L-3 * ? *)', 'day of month: expected 1-31, with , - * ? / L W, got "L-3"'],
    ['cron(0 2 1,L * ? *)', 'day of month: "1,L": what has one of ? L W must stand alone, not in a list'],
    ['cron(0 2 1 13 ? *)', 'month: expected 1-12 or JAN-DEC, with , - * /, got "13"'],
    ['cron(0 2 ? * 0 *)', `${weekday}, got "0"`],
    ['cron(0 2 ? * 8 *)', `${weekday}, got "8"`],
    ['cron(0 2 ? * 2/2 *)', `${weekday}, got "2/2"`],
    ['cron(0 2 ? * 3#6 *)', `${weekday}, got "3#6"`],
    ['cron(0 2 ? * mon *)', `${weekday}, got "mon": write names in capitals`],
    ['cron(0 2 ? * FRI-MON *)', `${weekday}, got "FRI-MON": a range must rise; write FRI-SAT,SUN-MON`],
    [
      'cron(0 2 ? * 3#1,6#3 *)',
      'day of week: "3#1,6#3": what has one of ? L # must stand alone, not in a list',
    ],
    ['cron(0 2 * * ? 2200)', 'year: expected 1970-2199, with , - * /, got "2200"'],
    [
      'cron(0 2 * * ? 2026-2025)',
      'year: expected 1970-2199, with , - * /, got "2026-2025": a range must rise; write 2026-2199,1970-2025',
    ],
    ['cron(0 2 31 2 ? *)', 'cron(0 2 31 2 ? *) never runs: no such day exists'],
    ['rate(1 days)', 'expected rate(1 day), got rate(1 days)'],
    ['rate(2 day)', 'expected rate(2 days), got rate(2 day)'],
    ['rate(0 days)', `${rate}; got rate(0 days)`],
    ['rate(1.5 hours)', `${rate}; got rate(1.5 hours)`],
    ['rate(-1 hours)', `${rate}; got rate(-1 hours)`],
    ['rate(2 weeks)', `${rate}; got rate(2 weeks)`],
    [
      'at(2026-01-01T00:00:00)',
      'at(2026-01-01T00:00:00) runs once and never again: expected a schedule that repeats, such as cron(0 2 * * ? *) for every night at two, or rate(6 hours)',
    ],
  ])('%s is told apart with the reason', (expression, problem) => {
    expect(scheduleProblems(expression)).toEqual([problem]);
    expect(() => nextRuns(expression, 'UTC', NEW_YEAR, 1)).toThrow(new RangeError(problem));
  });

  it('has all its problems named at once', () => {
    expect(scheduleProblems('cron(60 24 * * * *)')).toEqual([
      'minutes: expected 0-59, with , - * /, got "60"',
      'hours: expected 0-23, with , - * /, got "24"',
      `${either}, got "*" and "*"`,
    ]);
  });

  it('never makes the validation throw, whatever it holds', async () => {
    const piece = fc.constantFrom(
      'cron(',
      'rate(',
      ')',
      ' ',
      '*',
      '?',
      'L',
      'W',
      '#',
      '/',
      '-',
      ',',
      '1',
      '31',
      'MON',
      'x',
    );
    const text = fc.array(piece, { maxLength: 24 }).map((pieces) => pieces.join(''));
    await fc.assert(
      fc.property(
        fc.oneof(
          text,
          text.map((inner) => `cron(0 2 ${inner} *)`),
          fc.string(),
        ),
        (expression) => {
          expect(Array.isArray(scheduleProblems(expression))).toBe(true);
        },
      ),
      tries(3000),
    );
  });
});

describe('the largest gap between runs', () => {
  it.each([
    [['cron(0 2 * * ? *)'], 'UTC', 24],
    [['cron(0 2 ? * MON-FRI *)'], 'UTC', 72],
    [['cron(0 2 ? * SUN *)'], 'UTC', 168],
    [['cron(0 2 1 * ? *)'], 'UTC', 31 * 24],
    [['cron(0 2 31 * ? *)'], 'UTC', 61 * 24],
    [['cron(0 2 1 1 ? *)'], 'UTC', 366 * 24],
    [['cron(0 2 29 2 ? *)'], 'UTC', (3 * 365 + 366) * 24],
    [['cron(0 2,20 * * ? *)'], 'UTC', 18],
    // A full on Sunday and incrementals on the other nights leave no gap together.
    [['cron(0 2 ? * SUN *)', 'cron(0 2 ? * MON-SAT *)'], 'UTC', 24],
    [['cron(0 2 ? * SUN *)', 'cron(0 20 ? * MON *)'], 'UTC', 126],
    [['rate(6 hours)'], 'UTC', 6],
    [['rate(7 days)', 'rate(10 days)'], 'UTC', 168],
    [['rate(10 minutes)'], 'UTC', 1],
    [['cron(* 9-17 ? * MON-FRI *)'], 'UTC', 63 + 1 / 60],
    // One night of March has no half past two, and one day of October has 25 hours.
    [['cron(30 2 * * ? *)'], 'Europe/Berlin', 47],
    [['cron(30 4 * * ? *)'], 'Europe/Berlin', 25],
  ])('of %j in %s is %d hours', (expressions, timeZone, hours) => {
    expect(largestGapHours(expressions, timeZone, NEW_YEAR)).toBeCloseTo(hours, 9);
  });

  it('is infinite when the runs end before there are two', () => {
    expect(largestGapHours(['cron(0 2 1 1 ? 2027)'], 'UTC', NEW_YEAR)).toBe(Number.POSITIVE_INFINITY);
    expect(largestGapHours([], 'UTC', NEW_YEAR)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is what going through all runs one by one finds', async () => {
    const hours = fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1, maxLength: 4 });
    const weekdays = fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.property(hours, weekdays, fc.integer({ min: 1, max: 28 }), (hour, weekday, day) => {
        const expressions = [`cron(0 ${hour.join()} ? * ${weekday.join()} *)`, `cron(30 5 ${day} * ? *)`];
        const all = expressions
          .flatMap((expression) => nextRuns(expression, 'UTC', NEW_YEAR, 3000))
          .filter((run) => run < NEW_YEAR + 400 * 86_400_000)
          .sort((a, b) => a - b);
        const largest = all.reduce((gap, run, index) => Math.max(gap, run - (all[index - 1] ?? run)), 0);
        expect(largestGapHours(expressions, 'UTC', NEW_YEAR)).toBeCloseTo(
          Math.max(1, largest / 3_600_000),
          9,
        );
      }),
      tries(25),
    );
  });
});
