import type { Failure, FailureClass } from './failure.ts';

/**
 * The errors that leave a function. Step Functions matches them by `name`, so the names exist once, here, and the state
 * machines take them from here.
 */
export const ERROR_NAMES = {
  /** The input of an execution or a step is not what its schema says. */
  input: 'InvalidInput',
  /** A target's settings in SSM are missing or do not pass the schema. */
  configuration: 'InvalidConfiguration',
  /** Something outside did not answer in time or said "later"; the same call may be made again. */
  unavailable: 'TemporarilyUnavailable',
  /** A step used up the time that its function has. */
  outOfTime: 'OutOfTime',
  /** ClickHouse or AWS refused; the failure's class says what may follow. */
  refused: 'Refused',
  /** What is in the bucket is not what the manifest says. */
  verification: 'VerificationFailed',
  /** A reading broke off or contradicts itself; nothing may be concluded from it. */
  incomplete: 'IncompleteReading',
  /** A rule that protects backups forbids it. */
  unsafe: 'RefusedForSafety',
  /** It does not exist. */
  notFound: 'NotFound',
} as const;
export type ErrorName = (typeof ERROR_NAMES)[keyof typeof ERROR_NAMES];

const CLASSES: Readonly<Record<ErrorName, FailureClass>> = {
  InvalidInput: 'fix and stop',
  InvalidConfiguration: 'fix and stop',
  TemporarilyUnavailable: 'retry the same',
  OutOfTime: 'new attempt',
  Refused: 'fix and stop',
  VerificationFailed: 'new attempt',
  IncompleteReading: 'retry the same',
  RefusedForSafety: 'fix and stop',
  NotFound: 'fix and stop',
};

/** What a failure says to the person who reads it: what happened, and what to do next. */
export interface Explanation {
  readonly what: string;
  readonly remedy: string;
  /** ClickHouse's or AWS's own name for it. */
  readonly error?: string;
  /** What may follow, when the error's name alone does not say it. */
  readonly class?: FailureClass;
}

/** The one family of errors that a function or the command line lets out on purpose. */
export class SafehouseError extends Error {
  override readonly name: ErrorName;
  readonly failure: Failure;

  constructor(name: ErrorName, explanation: Explanation, options?: ErrorOptions) {
    const failure: Failure = {
      class: explanation.class ?? CLASSES[name],
      error: explanation.error ?? name,
      what: explanation.what,
      remedy: explanation.remedy,
    };
    super(failureText(failure), options);
    this.name = name;
    this.failure = failure;
  }
}

/**
 * A failure as one text that a person can read in the console and that `parseFailureText` reads back: Step Functions carries
 * nothing of an error but its name and message.
 */
export const failureText = ({ what, remedy, error, class: kind }: Failure): string =>
  `${what}\nWhat to do: ${remedy.replaceAll('\n', ' ')}\n(${error.replace(/[;()\n]/g, '_')}; ${kind})`;

const FAILURE_TEXT =
  /^([\s\S]*)\nWhat to do: ([\s\S]*)\n\(([^;()\n]*); (retry the same|new attempt|fix and stop|already done)\)$/;

/** The failure that `failureText` wrote, or undefined when the text is somebody else's. */
export function parseFailureText(text: string): Failure | undefined {
  const match = FAILURE_TEXT.exec(text);
  if (match === null) return undefined;
  const [, what = '', remedy = '', error = '', kind] = match;
  return { what, remedy, error, class: kind as FailureClass };
}
