/** Writes the report of a restore that failed or was cancelled, gives back what it held, and tells a person. */
import { publishAlert } from '../../clients/alerts.ts';
import { getJson } from '../../clients/bucket.ts';
import { composeAlert } from '../../core/alert.ts';
import { failureOf } from '../../core/caught.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { ERROR_NAMES, failureText, SafehouseError } from '../../core/errors.ts';
import type { Failure } from '../../core/failure.ts';
import { restoreKey } from '../../core/keys.ts';
import {
  type RestoreOutcome,
  type RestorePlan,
  type RestoreReport,
  restorePlanSchema,
} from '../../core/restore.ts';
import { describeRemains } from '../../core/restore-alert.ts';
import { type RestoreFailureInput, restoreFailureInputSchema } from '../../core/restore-workflow.ts';
import type { RecordedFailure } from '../../core/workflow.ts';
import { bucket, requireEnvironment } from '../environment.ts';
import { findLastGood } from '../last-good.ts';
import { measureAlertSent } from '../measure.ts';
import { logger, step } from '../step.ts';
import { writeReport } from './report.ts';
import { unpin } from './unpin.ts';

type FailedRun = RestoreFailureInput['run'];

export const handler = step(
  'record-failure',
  restoreFailureInputSchema,
  async ({ execution, run }): Promise<RecordedFailure> => {
    const plan = await findPlan(execution, run);
    const outcome = outcomeOf(run);
    const failure = failureIn(run);
    logger.error('failed', { restore: run.restore, outcome, ...failure });
    const report = plan === undefined ? undefined : await close(plan, execution, outcome, failure, run);
    if (isNews(run, failure, plan)) await tell(run, execution, failure, report);
    measureAlertSent();
    return {
      outcome: 'give up',
      attempt: 1,
      error: failure.error,
      cause: failureText(explained(failure, report)),
    };
  },
);

/**
 * Whoever stops a restore, tries one dry, or is refused one before it began, has the answer on the screen. A drill has nobody, and
 * of an ending that failed nobody else knows.
 */
const isNews = (
  { cancelled, error: thrown, cleanUpError }: FailedRun,
  { error }: Failure,
  plan: RestorePlan | undefined,
): boolean =>
  plan?.drill === true ||
  cleanUpError !== undefined ||
  (cancelled === true && thrown !== undefined) ||
  (cancelled !== true &&
    plan?.dryRun !== true &&
    error !== 'PreflightRefused' &&
    error !== 'BackupNotChosen');

/** Before `plan` has made it, the state is the input, which may be anything, and name another restore that is under way. */
async function findPlan(
  execution: string,
  { execution: own, to, restore }: FailedRun,
): Promise<RestorePlan | undefined> {
  if (own !== execution || to === undefined || restore === undefined) return undefined;
  return getJson(bucket(), restoreKey(to, restore, 'plan'), restorePlanSchema).catch((error: unknown) => {
    // A failure is told although its papers cannot be read; one that merely comes too early is tried again.
    if (error instanceof SafehouseError && error.name === ERROR_NAMES.unavailable) throw error;
    logger.error('plan not read', { because: error instanceof Error ? error.message : String(error) });
    return undefined;
  });
}

function outcomeOf({ cancelled, compared }: FailedRun): RestoreOutcome {
  if (cancelled === true) return 'cancelled';
  return compared?.done === true && compared.outcome === 'different' ? 'different' : 'failed';
}

function failureIn({ cancelled, cleanUpError, error, poll, compared, restore }: FailedRun): Failure {
  if (cleanUpError !== undefined) {
    const failure = failureOf(cleanUpError);
    const first = error === undefined ? poll?.failure?.what : failureOf(error).what;
    return {
      ...failure,
      what: `${first === undefined ? '' : `${first} Then `}cleaning up failed: ${failure.what}`,
    };
  }
  if (error !== undefined) return failureOf(error);
  if (poll?.failure) return poll.failure;
  if (cancelled === true)
    return {
      class: 'fix and stop',
      error: 'RestoreCancelled',
      what: `The restore ${restore} was cancelled.`,
      remedy: 'It may be started again.',
    };
  return {
    class: 'fix and stop',
    error: 'RestoreDiffers',
    what: `What ${restore} restored is not what the backup holds: ${compared?.differences ?? 'some'} tables differ.`,
    remedy:
      'The report of the restore names them (`safehouse show`). Nothing was dropped. Do not use it before it is known why.',
  };
}

async function close(
  plan: RestorePlan,
  execution: string,
  outcome: RestoreOutcome,
  failure: Failure,
  { cleanUpError }: FailedRun,
): Promise<RestoreReport> {
  const report = await writeReport(plan, execution, outcome, failure);
  // What could not be cleaned up stays open: the sweep takes it up, and the databases stay held.
  if (cleanUpError === undefined) await unpin(plan, outcome);
  return report;
}

function explained(failure: Failure, report: RestoreReport | undefined): Failure {
  return report === undefined ? failure : { ...failure, what: `${failure.what} ${describeRemains(report)}` };
}

async function tell(
  { target, to }: FailedRun,
  execution: string,
  failure: Failure,
  report: RestoreReport | undefined,
): Promise<void> {
  const name = typeof target === 'string' ? target : '(no target)';
  const alert = composeAlert({
    target: name,
    subject: report?.drill === true ? `The drill of ${report.backup}` : `The restore to ${to ?? name}`,
    step: 'restore',
    failure: explained(failure, report),
    attempts: 1,
    backup: report?.backup ?? null,
    lastGood: await findLastGood(bucket(), name),
    now: Date.now(),
    execution,
  });
  await publishAlert(requireEnvironment(ENVIRONMENT.topic), alert).catch((error: unknown) => {
    if (error instanceof SafehouseError) logger.error('not told', { because: error.failure.what });
    throw error;
  });
}
