/** Why an execution did not succeed, as the command line tells it. */
import { failureOf } from '../core/caught.ts';
import { ERROR_NAMES, parseFailureText } from '../core/errors.ts';
import type { ExecutionView } from '../core/installation.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { ReportedError } from './verb.ts';

export interface ExecutionFailure {
  readonly error: ReportedError;
  readonly exitCode: ExitCode;
}

/** What the judgement over a proof calls damage. */
export const PROOF_REFUTED = 'ProofRefuted';

/** What is said against the backup itself, by its verification or its proof. */
const UNVERIFIED: ReadonlySet<string> = new Set([ERROR_NAMES.verification, PROOF_REFUTED]);

/** @param execution its id, for whoever has to look at it */
export function executionFailure(view: ExecutionView, execution: string): ExecutionFailure {
  const { name, what, remedy } = explain(view, execution);
  return {
    error: { name, what, remedy },
    exitCode: UNVERIFIED.has(name) ? EXIT.unverified : EXIT.failed,
  };
}

function explain({ status, error, cause }: ExecutionView, execution: string): ReportedError {
  switch (status) {
    case 'failed': {
      const ours = parseFailureText(cause ?? '');
      const failure = ours ?? failureOf({ Error: error ?? 'Unexpected', Cause: cause ?? undefined });
      return { name: failure.error, what: failure.what, remedy: failure.remedy };
    }
    case 'timed out':
      return {
        name: 'ExecutionTimedOut',
        what: 'The execution reached the time limit of its state machine.',
        remedy: `Look at its history: ${execution}`,
      };
    case 'aborted':
      return {
        name: 'ExecutionAborted',
        what: 'Somebody stopped the execution.',
        remedy: `Its history says who: ${execution}`,
      };
    case 'running':
    case 'succeeded':
      return {
        name: 'Unexpected',
        what: `The execution is ${status}, and yet its end was asked for.`,
        remedy: `This is a defect. Look at the execution: ${execution}`,
      };
  }
}
