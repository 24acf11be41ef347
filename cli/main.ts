/** One call of the command line, from what was typed to the exit code. */
import type { Installation } from '../core/installation.ts';
import { readCommandLine, type TypedCommand } from './command-line.ts';
import { type DataOutput, dataOutput } from './data-output.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { overview, verbHelp } from './help.ts';
import { type Output, type Progress, progressOn, takesColour } from './progress.ts';
import { reportLines, reportOf, stackLines } from './report.ts';
import { type Line, renderLine } from './screen.ts';
import type { Answer, Ask, Verb, Where } from './verb.ts';
import { VERBS } from './verbs.ts';

/** What is around the command line; the tests put something else there. */
export interface Surroundings {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly open: (where: Where) => Promise<Installation>;
  readonly now: () => number;
  readonly interruptible: () => AbortSignal;
  /** Undefined when nobody sits at a keyboard. */
  readonly ask: Ask | undefined;
}

const DEFAULT_STACK = 'Safehouse';

/** @returns the exit code; whatever there was to say has been written */
export async function main(typed: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { stdout, stderr, environment } = surroundings;
  // Asked for before the command line is understood: a mistake in it is to be told in the form that was asked for.
  const wantsJson = typed.includes('--json');
  const data = dataOutput(stdout);
  try {
    const command = readCommandLine(typed, VERBS);
    if (command.verb === undefined || command.flags.has('help')) {
      print(stdout, help(command.verb, widthOf(stdout)));
      return EXIT.good;
    }
    const answer = await run(command.verb, command, surroundings, data);
    if (wantsJson && !data.begun)
      printJson(stdout, answer.error === undefined ? answer.json : { error: answer.error, ...answer.json });
    else print(stdout, answer.screen(widthOf(stdout)));
    if (answer.error !== undefined) print(stderr, reportLines(answer.error, widthOf(stderr)));
    return answer.exitCode;
  } catch (thrown) {
    const { error, exitCode } = reportOf(thrown);
    if (wantsJson && !data.begun) printJson(stdout, { error });
    print(stderr, reportLines(error, widthOf(stderr)));
    if (isSet(environment['SAFEHOUSE_DEBUG'])) print(stderr, stackLines(thrown));
    return exitCode;
  }
}

const help = (verb: Verb | undefined, width: number): readonly Line[] =>
  verb === undefined ? overview(VERBS, width) : verbHelp(verb, width);

async function run(
  verb: Verb,
  { argument, second, flags, values }: TypedCommand,
  { stderr, environment, open, now, interruptible, ask }: Surroundings,
  data: DataOutput,
): Promise<Answer> {
  const where: Where = {
    local: flags.has('local'),
    stack: textFlag(flags, 'stack') ?? (environment['SAFEHOUSE_STACK'] || DEFAULT_STACK),
    config: textFlag(flags, 'config'),
  };
  const progress: Progress = progressOn(stderr, now);
  let opened: Promise<Installation> | undefined;
  try {
    return await verb.run({
      argument,
      second,
      flags,
      all: (flag) => values.get(flag) ?? [],
      ask,
      where,
      progress,
      data,
      now,
      interruptible,
      command: (words) => commandText(words, where),
      open: () => (opened ??= open(where)),
    });
  } finally {
    progress.clear();
    const installation = await opened?.catch(() => undefined);
    await installation?.close();
  }
}

const commandText = (words: string, { local, stack, config }: Where): string => {
  if (!local) return `npx safehouse ${words}${stack === DEFAULT_STACK ? '' : ` --stack ${stack}`}`;
  return `npx safehouse ${words} --local${config === undefined ? '' : ` --config ${config}`}`;
};

function textFlag(flags: ReadonlyMap<string, string | true>, name: string): string | undefined {
  const value = flags.get(name);
  return typeof value === 'string' ? value : undefined;
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '' && value !== '0';

const widthOf = ({ isTTY, columns }: Output): number =>
  isTTY === true ? (columns ?? 80) : Number.POSITIVE_INFINITY;

function print(output: Output, lines: readonly Line[]): void {
  const colour = takesColour(output);
  if (lines.length > 0) output.write(`${lines.map((each) => renderLine(each, colour)).join('\n')}\n`);
}

/** What a terminal could obey or an eye could miss is escaped, as JSON allows: it parses to the same text. */
const INVISIBLE = /[\u007f-\u009f\u2028\u2029\p{Cf}]/gu;

function printJson(output: Output, document: unknown): void {
  const escaped = (characters: string): string =>
    Array.from({ length: characters.length }, (_, index) => escapeUnit(characters.charCodeAt(index))).join(
      '',
    );
  output.write(`${JSON.stringify(document, null, 2).replace(INVISIBLE, escaped)}\n`);
}

const escapeUnit = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
