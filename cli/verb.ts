/** What a verb of the command line is: what it takes, what it does, and what it answers. */
import type { Installation } from '../core/installation.ts';
import type { DataOutput } from './data-output.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Progress } from './progress.ts';
import type { Line } from './screen.ts';

export interface Flag {
  /** What stands for its value in the help; a flag without one is a switch. */
  readonly value?: string;
  readonly allowed?: readonly string[];
  /** May be given more than once, each time with another value. */
  readonly repeated?: true;
  readonly about: string;
}

export interface Argument {
  /** `TARGET`, `BACKUP`: as the help shows it. */
  readonly name: string;
  readonly required: boolean;
  readonly allowed?: readonly string[];
}

export interface Verb {
  readonly name: string;
  /** What it does, in one line of the overview. */
  readonly summary: string;
  readonly argument?: Argument;
  /** What follows the argument. */
  readonly second?: Argument;
  readonly flags: Readonly<Record<string, Flag>>;
  /** Sentences for the help of the verb. */
  readonly about: readonly string[];
  /** Command lines that work, without `npx safehouse`. */
  readonly examples: readonly string[];
  readonly run: (call: Call) => Promise<Answer>;
}

/** @returns what was typed, without the blanks around it; undefined when it was broken off */
export type Ask = (question: string) => Promise<string | undefined>;

/** One call of a verb, with all that it may reach. */
export interface Call {
  /** What was typed in the argument's place; an empty text when it was left out. */
  readonly argument: string;
  /** The same for what follows it. */
  readonly second: string;
  /** The value of each flag that was typed; `true` for a switch. */
  readonly flags: ReadonlyMap<string, string | true>;
  /** Every value of a flag that may be repeated, in the order in which they were typed. */
  readonly all: (flag: string) => readonly string[];
  /** Asks the person at the keyboard; undefined when there is none, as in a script or a pipe. */
  readonly ask: Ask | undefined;
  /** Opens the installation that the global flags name; once, whoever asks. */
  readonly open: () => Promise<Installation>;
  /** For verbs that have a part in opening it, or that do without. */
  readonly where: Where;
  readonly progress: Progress;
  /** For rows, which are written as they are while there are more to come. */
  readonly data: DataOutput;
  readonly now: () => number;
  /** Makes Ctrl-C abort the signal instead of ending the process; a second one ends it. */
  readonly interruptible: () => AbortSignal;
  /** A command line for the same Safehouse, to be copied: `npx safehouse show … --local`. */
  readonly command: (words: string) => string;
}

/** Which Safehouse is meant. */
export interface Where {
  readonly local: boolean;
  readonly stack: string;
  /** The configuration that was named, if one was. */
  readonly config: string | undefined;
}

/** What a failure says in `--json` and on stderr. */
export interface ReportedError {
  readonly name: string;
  readonly what: string;
  readonly remedy: string;
}

export interface Answer {
  readonly exitCode: ExitCode;
  /** The document of `--json`; its field names are stable. Not printed when the verb has written data. */
  readonly json: Readonly<Record<string, unknown>>;
  /** @param width columns of the terminal; Infinity when the output is none */
  readonly screen: (width: number) => readonly Line[];
  /** Why the exit code is not 0, when there is more to say than the screen does. */
  readonly error?: ReportedError;
}
