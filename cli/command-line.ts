/** Reads what was typed: the verb, its argument, the flags; and names the nearest right word for a wrong one. */
import { parseArgs } from 'node:util';
import { nearestText } from '../core/config-problems.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Flag, Verb } from './verb.ts';

export const GLOBAL_FLAGS = {
  stack: { value: 'NAME', about: 'the stack on AWS; SAFEHOUSE_STACK says it too; else Safehouse' },
  local: { about: 'the Safehouse of this machine instead of one on AWS' },
  config: {
    value: 'FILE',
    about:
      'with --local: its configuration; else ./safehouse.local.config.ts, else a built-in one with one target, demo',
  },
  json: { about: 'one JSON document on stdout, for a failure too' },
  help: { about: 'this help; after a verb, that of the verb' },
} as const satisfies Record<string, Flag>;

export interface TypedCommand {
  /** Undefined when only help was asked for. */
  readonly verb: Verb | undefined;
  readonly argument: string;
  readonly second: string;
  readonly flags: ReadonlyMap<string, string | true>;
  /** Every value of every flag that was given one, in the order in which they were typed. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/** @throws {SafehouseError} InvalidInput, naming everything that was wrong */
export function readCommandLine(typed: readonly string[], verbs: readonly Verb[]): TypedCommand {
  const { tokens } = parseArgs({
    args: [...typed],
    options: parserOptions(verbs),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const [name, ...rest] = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const given = tokens.filter((token) => token.kind === 'option');
  const wantsHelp = given.some((token) => token.name === 'help' || token.name === 'h') || name === 'help';
  const verbName = name === 'help' ? rest.shift() : name;
  const verb = verbs.find((known) => known.name === verbName);
  if (verbName !== undefined && verb === undefined) throw unknownVerb(verbName, verbs);
  if (wantsHelp)
    return { verb, argument: '', second: '', flags: new Map([['help', true]]), values: new Map() };
  if (verb === undefined)
    throw usageError(
      ['There is no verb.'],
      '`npx safehouse --help` names them; `npx safehouse status` is a good first one.',
    );
  const problems = [
    ...given.flatMap((flag) => flagProblems(verb, verbs, flag)),
    ...repetitionProblems(verb, given),
    ...argumentProblems(verb, rest),
  ];
  if (problems.length > 0)
    throw usageError(problems, `\`npx safehouse ${verb.name} --help\` says what it takes.`);
  return {
    verb,
    argument: rest[0] ?? '',
    second: rest[1] ?? '',
    flags: new Map(given.map(({ name: flag, value }) => [flag, value ?? true])),
    values: valuesOf(given),
  };
}

function valuesOf(given: readonly TypedFlag[]): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const { name, value } of given)
    if (value !== undefined) values.set(name, [...(values.get(name) ?? []), value]);
  return values;
}

/** Every flag of every verb, so that the value of one that stands in the wrong place is not taken for an argument. */
function parserOptions(verbs: readonly Verb[]) {
  const flags: Record<string, Flag> = Object.assign({}, ...verbs.map((verb) => verb.flags), GLOBAL_FLAGS);
  return Object.fromEntries(
    Object.entries(flags).map(([name, { value }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  );
}

function unknownVerb(name: string, verbs: readonly Verb[]): SafehouseError {
  const names = verbs.map((verb) => verb.name);
  return usageError(
    [`There is no verb ${JSON.stringify(name)}${nearestText(name, names)}.`],
    `The verbs are ${names.join(', ')}; \`npx safehouse --help\` says what they do.`,
  );
}

interface TypedFlag {
  readonly name: string;
  /** As it was typed: `--kind`, `-k`. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** True for `--kind=full`, false for `--kind full`. */
  readonly inlineValue: boolean | undefined;
}

function flagProblems(
  verb: Verb,
  verbs: readonly Verb[],
  { name, value, rawName, inlineValue }: TypedFlag,
): string[] {
  const own: Readonly<Record<string, Flag>> = { ...verb.flags, ...GLOBAL_FLAGS };
  const flag = Object.hasOwn(own, name) ? own[name] : undefined;
  if (flag === undefined) {
    const owner = verbs.find((other) => Object.hasOwn(other.flags, name));
    if (owner !== undefined) return [`${rawName} goes with \`${owner.name}\`, not with \`${verb.name}\`.`];
    return [
      `There is no flag ${JSON.stringify(rawName)}${nearestText(
        `--${name}`,
        Object.keys(own).map((known) => `--${known}`),
      )}.`,
    ];
  }
  if (flag.value === undefined)
    return value === undefined ? [] : [`${rawName} takes no value, got ${JSON.stringify(value)}.`];
  const swallowed = inlineValue === false && value?.startsWith('-');
  if (value === undefined || value === '' || swallowed)
    return [`${rawName} needs a value: ${rawName} ${flag.value}.`];
  if (flag.allowed !== undefined && !flag.allowed.includes(value))
    return [
      `${rawName} is ${JSON.stringify(value)}; must be ${flag.allowed.join(' or ')}${nearestText(value, flag.allowed)}.`,
    ];
  return [];
}

/** Of two values for one thing, one would be dropped in silence. */
function repetitionProblems(verb: Verb, given: readonly TypedFlag[]): string[] {
  const own: Readonly<Record<string, Flag>> = { ...verb.flags, ...GLOBAL_FLAGS };
  return [...valuesOf(given)].flatMap(([name, values]) =>
    values.length > 1 && Object.hasOwn(own, name) && own[name]?.repeated !== true
      ? [`--${name} is given ${values.length} times; it takes one value.`]
      : [],
  );
}

function argumentProblems({ name, argument, second }: Verb, given: readonly string[]): string[] {
  const [first, next, ...more] = given;
  if (argument === undefined)
    return first === undefined ? [] : [`\`${name}\` takes no argument, got ${JSON.stringify(first)}.`];
  const whole = [name, argument.name, second?.name].filter(Boolean).join(' ');
  if (first === undefined || first === '')
    return argument.required ? [`\`${name}\` needs ${argumentText(argument.name)}: ${whole}.`] : [];
  if (argument.allowed !== undefined && !argument.allowed.includes(first))
    return [
      `\`${name}\` is followed by ${argument.allowed.join(' or ')}, got ${JSON.stringify(first)}${nearestText(first, argument.allowed)}.`,
    ];
  if (second === undefined)
    return next === undefined ? [] : [`\`${name}\` takes one ${argument.name}, got ${more.length + 2}.`];
  if (next === undefined || next.trim() === '')
    return second.required ? [`\`${name}\` needs ${second.name} after ${argument.name}: ${whole}.`] : [];
  return more.length === 0
    ? []
    : [`\`${name}\` takes one ${second.name}, got ${more.length + 1} words: put it in quotes.`];
}

const argumentText = (name: string): string =>
  name === 'TARGET'
    ? 'the name of a target'
    : name === 'BACKUP'
      ? 'a backup'
      : name === 'RESTORE'
        ? 'a restore'
        : name;

export function usageError(problems: readonly string[], remedy: string): SafehouseError {
  return new SafehouseError(ERROR_NAMES.input, { what: problems.join('\n'), remedy });
}
