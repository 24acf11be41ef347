/** Turns what the schema found into lines that a person can act on. */
import * as z from 'zod';
import { ERROR_NAMES, type ErrorName, SafehouseError } from './errors.ts';

/**
 * Parses, or throws one error that names every problem: its path, the value, what is allowed, and for a mistyped key the
 * nearest right one.
 *
 * @throws {SafehouseError}
 */
export function explainIssues<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  source: string,
  name: ErrorName = ERROR_NAMES.configuration,
): z.output<Schema> {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  const lines = shorten(result.error.issues.flatMap((issue) => describe(schema, issue, input)));
  throw new SafehouseError(name, {
    what: `${source} has ${lines.length === 1 ? 'a problem' : `${lines.length} problems`}:\n${lines.map((line) => `  - ${line}`).join('\n')}\n`,
    remedy: 'Correct it and try again; nothing was changed.',
  });
}

/** Step Functions cuts an error's cause at 32 KiB, and nobody reads the thousandth line, or the end of one of a thousand words. */
const MOST_LINES = 50;
const LONGEST_LINE = 600;

const shorten = (lines: readonly string[]): readonly string[] => {
  const whole = lines.map((line) => (line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE)}…`));
  return lines.length <= MOST_LINES
    ? whole
    : [...whole.slice(0, MOST_LINES - 1), `and ${lines.length - MOST_LINES + 1} more like these`];
};

function describe(schema: z.ZodType, issue: z.core.$ZodIssue, input: unknown): string[] {
  const path = pathText(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const allowed = keysAt(schema, issue.path, input);
    return issue.keys.map((key) => unknownKey([...issue.path, key], key, allowed));
  }
  if (issue.code === 'invalid_union') return describeUnion(schema, issue, input);
  if (issue.code === 'invalid_key') {
    const [first] = issue.issues;
    return [`${path}: the name ${show(issue.path.at(-1))} ${first?.message ?? 'is not allowed'}`];
  }
  const value = valueAt(input, issue.path);
  if (issue.code === 'custom' && typeof value === 'object') return [`${path} ${issue.message}`];
  if (value === undefined) return [`${path} is missing; ${allowedText(issue)}`];
  return [`${path} is ${showAt(issue.path, value)}; ${allowedText(issue)}`];
}

function describeUnion(schema: z.ZodType, issue: z.core.$ZodIssueInvalidUnion, input: unknown): string[] {
  const value = valueAt(input, issue.path);
  const path = pathText(issue.path);
  if (issue.discriminator !== undefined && issue.errors.length === 0) {
    const parent = issue.path.at(-1) === issue.discriminator ? issue.path.slice(0, -1) : issue.path;
    const options = discriminatorOptions(schemaAt(schema, parent));
    const given = valueAt(input, [...parent, issue.discriminator]);
    const nearest = typeof given === 'string' ? nearestText(given, options) : '';
    return [
      `${pathText([...parent, issue.discriminator])} is ${given === undefined ? 'missing' : show(given)}; must be one of ${options.map(show).join(', ')}${nearest}`,
    ];
  }
  // The alternative that comes closest is the one that the user meant: an object for an object, the fewest complaints.
  const closest = issue.errors
    .filter((errors) => !errors.some((error) => error.path.length === 0 && error.code === 'invalid_type'))
    .sort((a, b) => a.length - b.length)[0];
  if (
    closest === undefined ||
    closest.some((error) => error.path.length === 0 && error.code !== 'unrecognized_keys')
  ) {
    const allowed = issue.message.startsWith('must')
      ? issue.message
      : [...new Set(issue.errors.flat().map(allowedText))].join(', or ');
    return [`${path} is ${value === undefined ? 'missing' : showAt(issue.path, value)}; ${allowed}`];
  }
  return closest.flatMap((error) =>
    describe(schema, { ...error, path: [...issue.path, ...error.path] }, input),
  );
}

const unknownKey = (path: readonly PropertyKey[], key: string, allowed: readonly string[]): string =>
  `${pathText(path)} is not a known key${nearestText(key, allowed)}${allowed.length > 0 ? `; known here: ${allowed.join(', ')}` : ''}`;

const TYPE_WORDS: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function allowedText(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return issue.values.length === 1
        ? `must be ${show(issue.values[0])}`
        : `must be one of ${issue.values.map(show).join(', ')}`;
    case 'too_small':
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${unitOf(issue.origin, issue.minimum)}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${unitOf(issue.origin, issue.maximum)}`;
    case 'invalid_format':
      return issue.message.startsWith('must') ? issue.message : formatText(issue);
    default:
      return issue.message;
  }
}

function unitOf(origin: string, count: number | bigint): string {
  if (origin === 'string') return Number(count) === 1 ? ' character' : ' characters';
  if (origin === 'array') return Number(count) === 1 ? ' entry' : ' entries';
  return '';
}

function formatText(issue: z.core.$ZodIssueInvalidStringFormat): string {
  if (issue.format === 'email') return 'must be an e-mail address';
  if (issue.format === 'datetime') return 'must be a time with its zone, such as 2026-04-02T02:00:00Z';
  if (issue.format === 'starts_with' && 'prefix' in issue) return `must begin with ${show(issue.prefix)}`;
  return issue.message;
}

const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) =>
      typeof part === 'number'
        ? `${text}[${part}]`
        : /^[A-Za-z_][\w-]{0,59}$/.test(String(part))
          ? `${text}${text === '' ? '' : '.'}${String(part)}`
          : `${text}[${cut(JSON.stringify(String(part)))}]`,
    '',
  ) || 'the whole';

/** Where a secret's name belongs, people write the secret itself, and a private key where the certificate goes. */
const SECRETIVE = new Set<PropertyKey>([
  'password',
  'webhook',
  'accessKeyId',
  'secretAccessKey',
  'caCertificate',
]);

const showAt = (path: readonly PropertyKey[], value: unknown): string =>
  typeof value === 'string' && path.some((part) => SECRETIVE.has(part)) ? 'a text' : show(value);

/** A value as it may be shown: short, on one line, and never an object's content, which may hold a password. */
function show(value: unknown): string {
  if (typeof value === 'string') return cut(JSON.stringify(hideCredentials(value)));
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}

/**
 * `https://user:password@host?password=…`, and the same without its beginning. An e-mail address has no colon and stays.
 */
function hideCredentials(text: string): string {
  const at = text.lastIndexOf('@');
  const scheme = /^\w+:\/\//.exec(text)?.[0] ?? '';
  const hidden = text.slice(0, Math.max(0, at)).includes(':') ? `${scheme}[HIDDEN]${text.slice(at)}` : text;
  const query = hidden.indexOf('?');
  return query >= 0 && hidden.includes('=', query) ? `${hidden.slice(0, query)}?[HIDDEN]` : hidden;
}

const cut = (quoted: string): string => (quoted.length > 80 ? `${quoted.slice(0, 77)}…"` : quoted);

const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined,
    input,
  );

type Definition = {
  innerType?: z.ZodType;
  in?: z.ZodType;
  element?: z.ZodType;
  valueType?: z.ZodType;
  shape?: Record<string, z.ZodType>;
  options?: readonly z.ZodType[];
  discriminator?: string;
};

const definitionOf = (schema: z.ZodType): Definition => schema._zod.def as unknown as Definition;

function unwrap(schema: z.ZodType): z.ZodType {
  const { innerType, in: input } = definitionOf(schema);
  const inner = innerType ?? input;
  return inner === undefined ? schema : unwrap(inner);
}

function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  let at: z.ZodType | undefined = unwrap(schema);
  for (const part of path) {
    const { shape, valueType, element, options }: Definition = definitionOf(at);
    const inOption: z.ZodType | undefined = options
      ?.map((option) => definitionOf(unwrap(option)).shape?.[String(part)])
      .find((found) => found !== undefined);
    const next: z.ZodType | undefined = shape?.[String(part)] ?? valueType ?? element ?? inOption;
    if (next === undefined) return undefined;
    at = unwrap(next);
  }
  return at;
}

function keysAt(schema: z.ZodType, path: readonly PropertyKey[], input: unknown): string[] {
  const found = schemaAt(schema, path);
  if (found === undefined) return [];
  const { shape, options = [], discriminator } = definitionOf(found);
  if (shape !== undefined) return Object.keys(shape);
  const given = discriminator === undefined ? undefined : valueAt(input, [...path, discriminator]);
  const shapes = options.map((option) => definitionOf(unwrap(option)).shape ?? {});
  const chosen = shapes.filter(
    (each) => discriminator !== undefined && each[discriminator]?.safeParse(given).success,
  );
  return [...new Set((chosen.length > 0 ? chosen : shapes).flatMap((each) => Object.keys(each)))];
}

function discriminatorOptions(schema: z.ZodType | undefined): string[] {
  if (schema === undefined) return [];
  return (definitionOf(schema).options ?? []).flatMap((option) => {
    const first = Object.values(definitionOf(unwrap(option)).shape ?? {})[0];
    return first instanceof z.ZodLiteral ? [...first.values].map(String) : [];
  });
}

/** No word that is allowed anywhere is longer, and the distance costs the product of the lengths. */
const LONGEST_WORD = 60;

/** ` (did you mean "databases"?)`, when one of the allowed words is near enough to be a slip of the finger. */
export function nearestText(word: string, allowed: readonly string[]): string {
  if (word.length > LONGEST_WORD) return '';
  const [best] = allowed
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= Math.max(2, Math.floor(word.length / 3))
    ? ` (did you mean ${show(best.candidate)}?)`
    : '';
}

/** Levenshtein's distance, with a swap of neighbours counted as one: the commonest slip. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + (same ? 0 : 1),
      );
      if (a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        best = Math.min(best, at(row - 2, column - 2) + 1);
      current.push(best);
    }
  }
  return at(a.length, b.length);
}
