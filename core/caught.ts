/** What Step Functions caught, as a failure. */
import { parseFailureText } from './errors.ts';
import type { Failure } from './failure.ts';
import { harmless, redact } from './redaction.ts';

export interface CaughtError {
  readonly Error: string;
  /** For a Lambda function: JSON with `errorMessage`. */
  readonly Cause?: string | undefined;
}

/** Reads a failure of ours back from its text, or says in plain words what AWS ended the step with. */
export function failureOf({ Error: name, Cause }: CaughtError): Failure {
  const message = errorMessage(Cause ?? '');
  const ours = parseFailureText(message);
  if (ours !== undefined) return harmlessly(ours);
  const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined;
  if (known !== undefined) return { class: 'new attempt', error: name, ...known };
  return {
    class: 'new attempt',
    error: harmless(name),
    what: `The step ended with ${harmless(name)}: ${harmless(redact(message)) || 'without a message'}.`,
    remedy: "Look at the log of the step's function around that time.",
  };
}

/** An execution may be started with anything in its input, a text in the form of ours as well. */
const harmlessly = ({ class: kind, error, what, remedy }: Failure): Failure => ({
  class: kind,
  error: harmless(error),
  what: harmless(what),
  remedy: harmless(remedy),
});

function errorMessage(cause: string): string {
  try {
    const parsed: unknown = JSON.parse(cause);
    const message = (parsed as { errorMessage?: unknown } | null)?.errorMessage;
    return typeof message === 'string' ? message : cause;
  } catch {
    return cause;
  }
}

const OUT_OF_TIME = {
  what: 'The function of the step was ended by Lambda: out of time, out of memory, or crashed.',
  remedy: 'Look at the last lines of its log; raise its memory or time in the stack if the data has grown.',
};

const KNOWN: Readonly<Record<string, Pick<Failure, 'what' | 'remedy'>>> = {
  'Sandbox.Timedout': OUT_OF_TIME,
  'Lambda.Unknown': OUT_OF_TIME,
  'States.Timeout': {
    what: 'The step did not answer within the time limit of the state machine.',
    remedy: 'Look at the log of its function: what did it wait for?',
  },
  // A distributed map tells its parent only that an item failed; what failed is in the item's own execution.
  'States.ExceedToleratedFailureThreshold': {
    what: 'An item of the proof could not be read: its function failed, ran out of time or out of memory.',
    remedy:
      'Open the map run of the execution and look at the failed item; raise `prover.memoryMiB` or lower `prover.gibibytesAnItem`.',
  },
  'Lambda.TooManyRequestsException': {
    what: 'Lambda refused to run the step: the account has reached its limit of concurrent executions.',
    remedy: "Raise the account's limit, or find what uses it up.",
  },
  'Lambda.AccessDeniedException': {
    what: 'The state machine may not call the function of the step.',
    remedy: 'Deploy the stack again; somebody has changed roles by hand.',
  },
};
