/** Claims the scheduled time, so that it runs exactly once however often the start is repeated. */
import { type Bucket, exists, getJson, putOnce } from '../../clients/bucket.ts';
import { readEvidence } from '../../clients/ledger.ts';
import { explainIssues } from '../../core/config-problems.ts';
import { ERROR_NAMES } from '../../core/errors.ts';
import { PROOF_REFUTED } from '../../core/failure.ts';
import { claimKey, skippedKey, slotOf } from '../../core/keys.ts';
import { type BackupRun, backupInputSchema, beginInputSchema, claimSchema } from '../../core/workflow.ts';
import { bucket, target as readTarget } from '../environment.ts';
import { logger, step } from '../step.ts';
import { claimGone, lastAttempt } from './attempts.ts';

export const handler = step('begin', beginInputSchema, async ({ execution, input }): Promise<BackupRun> => {
  const asked = explainIssues(backupInputSchema, input, 'The input of the execution', ERROR_NAMES.input);
  const settings = await readTarget(asked.target);
  const scheduledTime =
    asked.scheduledTime === undefined
      ? null
      : new Date(asked.scheduledTime).toISOString().replace('.000Z', 'Z');
  const slot = slotOf(asked.kind, scheduledTime, execution);
  const run: BackupRun = {
    execution,
    target: asked.target,
    kind: asked.kind,
    scheduledTime,
    slot,
    attempt: 1,
    outcome: 'go',
    reason: null,
    hasBefore: settings.before !== undefined,
  };
  const holder =
    scheduledTime === null ? execution : await claimSlot(bucket(), asked.target, slot, execution);
  if (holder === execution && (await lastAttempt(bucket(), asked.target, slot)) === undefined) return run;
  return joinSlot(bucket(), run, holder, settings.attempts);
});

/** Takes the scheduled time, or says which execution has it. */
async function claimSlot(s3: Bucket, target: string, slot: string, execution: string): Promise<string> {
  const claim = { version: 1, execution, at: new Date().toISOString() };
  if (await putOnce(s3, claimKey(target, slot), claim)) return execution;
  const standing = await getJson(s3, claimKey(target, slot), claimSchema);
  if (standing === undefined) throw claimGone(claimKey(target, slot));
  return standing.execution;
}

/**
 * What a repeat does. When the slot has come to its end there is nothing left. Otherwise it goes along with the attempt that
 * stands: if the first execution lives, both see the same backup finish; if it died, this one brings the slot to its end.
 */
async function joinSlot(s3: Bucket, run: BackupRun, holder: string, attempts: number): Promise<BackupRun> {
  const over = (reason: string): BackupRun => ({ ...run, outcome: 'already ran', reason });
  if (await exists(s3, skippedKey(run.target, run.slot))) return over('This scheduled time was skipped.');
  const last = await lastAttempt(s3, run.target, run.slot);
  if (last === undefined) return run;
  const { id } = last.claim;
  const failed = await readEvidence(s3, run.target, id, 'failed');
  if (failed === undefined && (await readEvidence(s3, run.target, id, 'verified')) !== undefined)
    return over(`This scheduled time made ${id}.`);
  // A proof does not know whether another attempt follows.
  const mayFollow = failed?.error === PROOF_REFUTED && last.attempt < attempts;
  if (failed?.final === true && !mayFollow)
    return over(`This scheduled time failed with ${id}, and that was told.`);
  logger.info('joined', { id, holder });
  return { ...run, attempt: failed === undefined ? last.attempt : last.attempt + 1 };
}
