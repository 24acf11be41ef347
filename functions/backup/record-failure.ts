/** Writes a failure into the ledger, decides whether another attempt follows, and tells a person when none does. */
import { randomInt } from 'node:crypto';
import { publishAlert } from '../../clients/alerts.ts';
import { readEvidence, record } from '../../clients/ledger.ts';
import { composeAlert } from '../../core/alert.ts';
import { type Kind, makeBackupId } from '../../core/backup-id.ts';
import { failureOf } from '../../core/caught.ts';
import type { Target } from '../../core/config.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { ERROR_NAMES, failureText, SafehouseError } from '../../core/errors.ts';
import { ABANDONED, type Failure, PROOF_REFUTED } from '../../core/failure.ts';
import { METRICS } from '../../core/metrics.ts';
import { type FailureInput, failureInputSchema, type RecordedFailure } from '../../core/workflow.ts';
import { bucket, target as readTarget, requireEnvironment } from '../environment.ts';
import { findLastGood } from '../last-good.ts';
import { measure, measureAlertSent } from '../measure.ts';
import { logger, step } from '../step.ts';
import { claimAttempt } from './attempts.ts';

type FailedRun = FailureInput['run'];

export const handler = step(
  'record-failure',
  failureInputSchema,
  async ({ execution, run: given }): Promise<RecordedFailure> => {
    const run = given.execution === execution ? given : onlyInput(given);
    const failure = failureIn(run);
    const stepName = failedStep(run);
    logger.error('failed', { failedStep: stepName, ...failure });
    // Whoever typed a target that does not exist reads the answer in the execution: there is no ledger to write to.
    const settings = await readSettings(run.target);
    const attempt = run.attempt ?? 1;
    const final = settings === undefined || isFinal(failure, attempt, settings);
    const page = await writePage(run, execution, failure, stepName, final);
    // Damage is told also when the next attempt may go well: something damages objects.
    if (page.final ? !page.isTold : isRefuted(failure))
      await tell(run, execution, failure, stepName, attempt, page);
    if (!page.final)
      return { outcome: 'new attempt', attempt: attempt + 1, error: failure.error, cause: failure.what };
    measureAlertSent();
    return { outcome: 'give up', attempt, error: failure.error, cause: failureText(failure) };
  },
);

/**
 * Before `begin` made a state of it, and when somebody starts an execution with the state of another one, a run is what was
 * typed: no backup that it names is this execution's to fail.
 */
const onlyInput = ({ target, kind, scheduledTime, error }: FailedRun): FailedRun => ({
  target,
  kind,
  scheduledTime,
  error,
});

function failureIn({ poll, error }: FailedRun): Failure {
  if (error !== undefined) return failureOf(error);
  if (poll?.failure !== undefined && poll.failure !== null) return poll.failure;
  return {
    class: 'fix and stop',
    error: 'Unexpected',
    what: 'The workflow came to its failure step without saying why.',
    remedy: 'Look at the history of the execution.',
  };
}

/** The plan of a proof, its items and its judgement. */
const PROVE = 'prove';

/** Step Functions does not say which state failed, but each leaves its result behind when it succeeds. */
function failedStep(run: FailedRun): string {
  const { slot, hasBefore, before, prepared, poll, verified } = run;
  if (slot === undefined) return 'begin';
  if (prepared === undefined)
    return hasBefore === true && before?.outcome !== 'ready' ? 'check-before' : 'prepare';
  if (poll === undefined) return 'submit';
  if (poll.outcome !== 'finished') return 'poll';
  return verified === undefined ? 'verify' : stepAfterVerify(run);
}

function stepAfterVerify({ proof, judged }: FailedRun): string {
  if (proof === undefined || (proof.outcome === 'go' && judged === undefined)) return PROVE;
  return 'start retention';
}

async function readSettings(name: unknown): Promise<Target | undefined> {
  if (typeof name !== 'string') return undefined;
  try {
    return await readTarget(name);
  } catch (error) {
    if (error instanceof SafehouseError && error.failure.class === 'fix and stop') return undefined;
    throw error;
  }
}

const isRefuted = ({ error }: Failure): boolean => error === PROOF_REFUTED;

const isFinal = (failure: Failure, attempt: number, { attempts }: Target): boolean =>
  failure.class === 'fix and stop' || attempt >= attempts;

/** What the ledger says after a failure was brought to it. */
interface Page {
  /** The backup of this attempt; null when there is none. */
  readonly id: string | null;
  /** The backup was verified, and stays good whatever failed afterwards or elsewhere. */
  readonly isGood: boolean;
  readonly final: boolean;
  /** Another execution of the same slot has told the failure already. */
  readonly isTold: boolean;
}

/** A ledger that refuses to be written is no reason to keep silent; one that is merely busy is tried again. */
async function writePage(
  run: FailedRun,
  execution: string,
  failure: Failure,
  stepName: string,
  final: boolean,
): Promise<Page> {
  try {
    return await recordInLedger(run, execution, failure, stepName, final);
  } catch (error) {
    if (!(error instanceof SafehouseError) || error.name === ERROR_NAMES.unavailable) throw error;
    logger.error('not recorded', { because: error.failure.what });
    return { id: run.prepared?.backup?.id ?? null, isGood: false, final, isTold: false };
  }
}

/** A failure before there was a backup gets an id all the same: whatever was due and did not come about is in the list. */
async function recordInLedger(
  run: FailedRun,
  execution: string,
  failure: Failure,
  stepName: string,
  final: boolean,
): Promise<Page> {
  const { target, slot } = run;
  if (typeof target !== 'string' || slot === undefined)
    return { id: null, isGood: false, final, isTold: false };
  const id = run.prepared?.backup?.id ?? (await claimId(target, slot, run, execution));
  // Another execution may have verified it while this one failed, and a proof may have refuted it since.
  if (run.verified !== undefined || (await readEvidence(bucket(), target, id, 'verified')) !== undefined) {
    const isGood = (await readEvidence(bucket(), target, id, 'failed')) === undefined;
    // The judgement has written the page; whether another attempt follows is decided here.
    return { id, isGood, final: final || !isRefuted(failure), isTold: false };
  }
  const { evidence, written } = await record(bucket(), target, id, 'failed', {
    by: execution,
    step: stepName,
    ...failure,
    final,
  });
  // Retention closes what was abandoned and tells nobody.
  const isTold = !written && evidence.by !== execution && evidence.error !== ABANDONED;
  return { id, isGood: false, final: evidence.final, isTold };
}

async function claimId(target: string, slot: string, run: FailedRun, execution: string): Promise<string> {
  const now = Date.now();
  const kind: Kind = run.kind ?? 'full';
  const claim = await claimAttempt(bucket(), target, slot, run.attempt ?? 1, {
    version: 1,
    id: makeBackupId(now, kind, randomInt(36 ** 3, 36 ** 4).toString(36)),
    kind,
    base: null,
    reason: 'failed before it was begun',
    execution,
    at: new Date(now).toISOString(),
  });
  return claim.id;
}

async function tell(
  run: FailedRun,
  execution: string,
  failure: Failure,
  stepName: string,
  attempts: number,
  { id, isGood }: Page,
): Promise<void> {
  const target = typeof run.target === 'string' ? run.target : '(no target)';
  const alert = composeAlert({
    target,
    subject: subjectOf(run, stepName, id, isGood),
    step: stepName,
    failure,
    attempts,
    backup: id,
    lastGood: await findLastGood(bucket(), target),
    now: Date.now(),
    execution,
  });
  await publishAlert(requireEnvironment(ENVIRONMENT.topic), alert);
  if (!isGood) measure(target, [[METRICS.backupsFailed, 'Count', 1]]);
}

function subjectOf(
  { kind, scheduledTime }: FailedRun,
  stepName: string,
  id: string | null,
  isGood: boolean,
): string {
  if (stepName === PROVE && id !== null) return `The proof of ${id}`;
  if (isGood) return `What followed ${id}, which is verified and good,`;
  const when = typeof scheduledTime === 'string' ? `scheduled for ${scheduledTime}` : 'started by hand';
  return `The ${kind ?? 'full'} backup ${when}`;
}
