/** What a report of a restore means for the exit code, and what is said besides it. */
import type { ExecutionView } from '../core/installation.ts';
import { BAD_COMPARISONS, type RestoreReport } from '../core/restore.ts';
import { countOf } from './amounts.ts';
import { executionFailure } from './execution-failure.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Answer, ReportedError } from './verb.ts';

/** @param execution its id, for whoever has to look at it */
export function reportError(
  report: RestoreReport,
  view: ExecutionView,
  execution: string,
): Pick<Answer, 'exitCode' | 'error'> {
  switch (report.outcome) {
    case 'restored':
    case 'dry run':
      // The data is there; what came after it, such as a message to whoever waits for it, failed.
      return view.status === 'succeeded' ? { exitCode: EXIT.good } : executionFailure(view, execution);
    case 'different':
      return { exitCode: EXIT.unverified, error: differenceError(report) };
    case 'failed':
      return failureError(report, view, execution);
    case 'cancelled':
      return {
        exitCode: EXIT.failed,
        error: failureOf(report) ?? {
          name: 'Cancelled',
          what: `The restore ${report.restore} was cancelled.`,
          remedy: 'What it had created is named above. Start it again when that is meant.',
        },
      };
  }
}

const failureOf = ({ failure }: RestoreReport): ReportedError | undefined =>
  failure === null ? undefined : { name: failure.error, what: failure.what, remedy: failure.remedy };

function differenceError(report: RestoreReport): ReportedError {
  const wrong = report.tables.filter(({ comparison }) => BAD_COMPARISONS.includes(comparison));
  return (
    failureOf(report) ?? {
      name: 'RestoreDifferent',
      what: `What was restored is not what the backup holds: ${countOf(wrong.length, 'table')}.`,
      remedy: 'Nothing was dropped. Look at the tables named above before anybody uses them.',
    }
  );
}

/** The names of what stops a restore before anything is begun. */
const BEFOREHAND: Readonly<Record<string, ExitCode>> = {
  InvalidInput: EXIT.usage,
  InvalidConfiguration: EXIT.usage,
  NotFound: EXIT.notFound,
  BackupNotChosen: EXIT.notFound,
  PreflightRefused: EXIT.unsafe,
  AnotherRestore: EXIT.unsafe,
  RefusedForSafety: EXIT.unsafe,
};

export const exitCodeFor = (error: string, otherwise: ExitCode): ExitCode =>
  Object.hasOwn(BEFOREHAND, error) ? (BEFOREHAND[error] ?? otherwise) : otherwise;

function failureError(
  report: RestoreReport,
  view: ExecutionView,
  execution: string,
): Pick<Answer, 'exitCode' | 'error'> {
  const known = view.status === 'failed' ? executionFailure(view, execution) : undefined;
  const error = failureOf(report) ?? known?.error;
  return {
    exitCode: exitCodeFor(error?.name ?? '', known?.exitCode ?? EXIT.failed),
    ...(error !== undefined && { error }),
  };
}
