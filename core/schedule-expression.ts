/**
 * The schedule expressions of EventBridge Scheduler, `cron(…)` and `rate(…)`: what is wrong with one, and what it says
 * in croner's dialect. What the two dialects do not share is refused by name: a time computed wrongly would raise a
 * false alarm, or none.
 */
import { Cron } from 'croner';

export type Schedule =
  /** `pattern` is croner's: seconds first, year last, Sunday is 1. */
  | { readonly kind: 'cron'; readonly pattern: string }
  /** `period` in milliseconds. */
  | { readonly kind: 'rate'; readonly period: number };

export interface ReadSchedule {
  /** Undefined when there are problems. */
  readonly schedule?: Schedule;
  /** Sentences that say what was expected and what was given; empty when the expression is good. */
  readonly problems: readonly string[];
}

interface Field {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  /** Words for the numbers from `low` on. */
  readonly words: readonly string[];
  /** The signs that EventBridge takes here, besides numbers and words. */
  readonly signs: string;
  /** What has a meaning of its own and may not stand in a list or a range. */
  readonly alone?: RegExp;
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const DAY_OF_MONTH: Field = {
  name: 'day of month',
  low: 1,
  high: 31,
  words: [],
  signs: ', - * ? / L W',
  alone: /[LW?]/,
};
const DAY_OF_WEEK: Field = {
  name: 'day of week',
  low: 1,
  high: 7,
  words: WEEKDAYS,
  signs: ', - * ? L #',
  alone: /[L#?]/,
};
const FIELDS: readonly Field[] = [
  { name: 'minutes', low: 0, high: 59, words: [], signs: ', - * /' },
  { name: 'hours', low: 0, high: 23, words: [], signs: ', - * /' },
  DAY_OF_MONTH,
  { name: 'month', low: 1, high: 12, words: MONTHS, signs: ', - * /' },
  DAY_OF_WEEK,
  { name: 'year', low: 1970, high: 2199, words: [], signs: ', - * /' },
];

const PERIODS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const EXAMPLE = 'cron(0 2 * * ? *) for every night at two, or rate(6 hours)';

/** What is wrong with an expression; empty when it is good. Says nothing of where the expression stood. */
export const scheduleProblems = (expression: string): string[] => [...readSchedule(expression).problems];

export function readSchedule(expression: string): ReadSchedule {
  const [, word, content = ''] = /^(cron|rate|at)\((.*)\)$/.exec(expression) ?? [];
  if (word === 'cron') return readCron(expression, content.split(/ +/));
  if (word === 'rate') return readRate(expression, content);
  if (word === 'at')
    return refuse(
      `${expression} runs once and never again: expected a schedule that repeats, such as ${EXAMPLE}`,
    );
  return refuse(`expected ${EXAMPLE}, got ${JSON.stringify(expression)}`);
}

const refuse = (...problems: readonly string[]): ReadSchedule => ({ problems });

function readRate(expression: string, content: string): ReadSchedule {
  const [, digits = '', unit = '', plural] = /^([1-9]\d{0,4}) (minute|hour|day)(s?)$/.exec(content) ?? [];
  const period = PERIODS[unit];
  if (period === undefined)
    return refuse(
      `expected rate(value unit), a whole number from 1 to 99999 and minutes, hours or days, such as rate(6 hours); got ${expression}`,
    );
  const value = Number(digits);
  const expected = value === 1 ? unit : `${unit}s`;
  if (expected !== `${unit}${plural}`)
    return refuse(`expected rate(${value} ${expected}), got ${expression}`);
  return { schedule: { kind: 'rate', period: value * period }, problems: [] };
}

function readCron(expression: string, parts: readonly string[]): ReadSchedule {
  if (parts.length !== FIELDS.length)
    return refuse(
      `expected six fields, cron(minutes hours day-of-month month day-of-week year), such as cron(0 2 * * ? *); got ${parts.length} in ${expression}`,
    );
  const problems: string[] = [];
  const translated = FIELDS.map((field, index) => translateField(field, parts[index] ?? '', problems));
  const [, , dayOfMonth, , dayOfWeek] = parts;
  if ((dayOfMonth === '?') === (dayOfWeek === '?'))
    problems.push(
      `expected ? in exactly one of day of month and day of week, got "${dayOfMonth}" and "${dayOfWeek}"`,
    );
  if (problems.length > 0) return { problems };
  const pattern = `0 ${translated.join(' ')}`;
  if (cronOf(pattern).nextRun(new Date(0)) === null)
    return refuse(`${expression} never runs: no such day exists`);
  return { schedule: { kind: 'cron', pattern }, problems: [] };
}

/**
 * Croner for one pattern, on wall clocks written as UTC: its own time zones run a time of the skipped hour an hour
 * later, where EventBridge skips it, and cost eight times as much.
 */
export const cronOf = (pattern: string): Cron =>
  new Cron(pattern, {
    mode: '7-part',
    utcOffset: 0,
    alternativeWeekdays: true,
    domAndDow: true,
    paused: true,
  });

function translateField(field: Field, part: string, problems: string[]): string {
  const items = part.split(',');
  const translated = items.map((item) =>
    (field.alone?.test(item) ? translateAlone : translateItem)(field, item),
  );
  if (items.length > 1 && items.some((item) => field.alone?.test(item)))
    problems.push(
      `${field.name}: "${part}": what has one of ${field.signs.replace(', - * ', '').replace('/ ', '')} must stand alone, not in a list`,
    );
  else if (translated.some((item) => item === undefined))
    problems.push(`${field.name}: expected ${allowedIn(field)}, got "${part}"${hint(field, part)}`);
  return translated.join(',');
}

function allowedIn({ low, high, words, signs }: Field): string {
  const range = words.length === 0 ? `${low}-${high}` : `${low}-${high} or ${words[0]}-${words.at(-1)}`;
  return `${range}, with ${signs}`;
}

function hint(field: Field, part: string): string {
  const [, from, to] = /^(\w+)-(\w+)$/.exec(part) ?? [];
  const [low, high] = [valueIn(field, from), valueIn(field, to)];
  if (low !== undefined && high !== undefined && low > high)
    return `: a range must rise; write ${from}-${word(field, field.high)},${word(field, field.low)}-${to}`;
  if (part.startsWith('/')) return `: write ${field.low}${part}`;
  return part === part.toUpperCase() ? '' : ': write names in capitals';
}

const word = ({ low, words }: Field, value: number): string => words[value - low] ?? String(value);

/** A `*`, a value, a range, or steps through one of them; undefined for anything else. */
function translateItem(field: Field, item: string): string | undefined {
  const [, range = '', , step] = /^([^/]+)(\/(\d{1,4}))?$/.exec(item) ?? [];
  if (step !== undefined && !isStep(field, Number(step))) return undefined;
  const steps = step === undefined ? '' : `/${step}`;
  if (range === '*') return `*${steps}`;
  const [from, to, ...more] = range.split('-');
  const low = valueIn(field, from);
  // EventBridge counts `5/10` from 5 to the end of the field; croner wants the end said.
  const high = to === undefined ? (step === undefined ? low : field.high) : valueIn(field, to);
  if (low === undefined || high === undefined || low > high || more.length > 0) return undefined;
  return low === high && step === undefined ? String(low) : `${low}-${high}${steps}`;
}

const isStep = ({ low, high, signs }: Field, step: number): boolean =>
  signs.includes('/') && step >= 1 && step <= high - low + 1;

function valueIn({ low, high, words }: Field, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const index = words.indexOf(text);
  const value = index >= 0 ? low + index : /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return value >= low && value <= high ? value : undefined;
}

/** `?`, the last day, the nearest weekday, the last or the nth weekday of the month. */
function translateAlone(field: Field, item: string): string | undefined {
  if (item === '?') return '*';
  return field === DAY_OF_MONTH ? translateDayOfMonth(item) : translateDayOfWeek(item);
}

function translateDayOfMonth(item: string): string | undefined {
  if (item === 'L') return 'L';
  const [, near] = /^(\d+)W$/.exec(item) ?? [];
  const day = valueIn(DAY_OF_MONTH, near);
  return day === undefined ? undefined : `${day}W`;
}

function translateDayOfWeek(item: string): string | undefined {
  // The last day of the week, which begins with Sunday.
  if (item === 'L') return '7';
  const [, weekday, which] = /^(\w+?)(L|#[1-5])$/.exec(item) ?? [];
  const day = valueIn(DAY_OF_WEEK, weekday);
  return day === undefined ? undefined : `${day}${which === 'L' ? '#L' : which}`;
}
