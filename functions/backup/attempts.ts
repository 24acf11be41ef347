/** The attempts at one slot, as the bucket knows them. */
import { type Bucket, getJson, putOnce } from '../../clients/bucket.ts';
import { readEvidence } from '../../clients/ledger.ts';
import { type AttemptSettings, settingsAfter } from '../../core/attempt-settings.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { attemptKey } from '../../core/keys.ts';
import { type AttemptClaim, attemptClaimSchema } from '../../core/workflow.ts';

export const readAttempt = (
  bucket: Bucket,
  target: string,
  slot: string,
  attempt: number,
): Promise<AttemptClaim | undefined> =>
  getJson(bucket, attemptKey(target, slot, attempt), attemptClaimSchema);

/** Claims an attempt, or gives the claim that stands: the first decides. */
export async function claimAttempt(
  bucket: Bucket,
  target: string,
  slot: string,
  attempt: number,
  claim: AttemptClaim,
): Promise<AttemptClaim> {
  if (await putOnce(bucket, attemptKey(target, slot, attempt), claim)) return claim;
  const standing = await readAttempt(bucket, target, slot, attempt);
  if (standing === undefined) throw claimGone(attemptKey(target, slot, attempt));
  return standing;
}

/** What the end of the attempt before it makes of the settings of an attempt. */
export async function settingsOfAttempt(
  bucket: Bucket,
  target: string,
  slot: string,
  attempt: number,
): Promise<AttemptSettings | undefined> {
  const before = attempt === 1 ? undefined : await readAttempt(bucket, target, slot, attempt - 1);
  if (before === undefined) return undefined;
  const failed = await readEvidence(bucket, target, before.id, 'failed');
  return settingsAfter(failed?.error, before.settings);
}

/** Whoever removes claims makes two executions believe that each is the only one. */
export const claimGone = (key: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.incomplete, {
    what: `${key} was there a moment ago and is gone.`,
    remedy: 'Somebody removes claims. Find out who; nothing was concluded from it.',
  });

/** The newest attempt at a slot, with its number; undefined when there was none. */
export async function lastAttempt(
  bucket: Bucket,
  target: string,
  slot: string,
): Promise<{ attempt: number; claim: AttemptClaim } | undefined> {
  let last: { attempt: number; claim: AttemptClaim } | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const claim = await readAttempt(bucket, target, slot, attempt);
    if (claim === undefined) return last;
    last = { attempt, claim };
  }
}
