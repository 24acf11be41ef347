/** What came to a bad end meanwhile: the attempt itself, in another execution, or the base that it stands on. */
import type { Bucket } from '../../clients/bucket.ts';
import { readEvidence } from '../../clients/ledger.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';

/**
 * Two executions can follow one attempt. When one of them has given it up, a further attempt may be under way, and what the
 * first still makes counts for nothing: it is neither submitted nor called good.
 *
 * @throws {SafehouseError} Refused, with the failure that stands in the ledger
 */
export async function refuseGivenUp(bucket: Bucket, target: string, id: string): Promise<void> {
  const failed = await readEvidence(bucket, target, id, 'failed');
  if (failed === undefined) return;
  throw new SafehouseError(ERROR_NAMES.refused, {
    what: `The backup ${id} was given up by ${failed.by}. ${failed.what}`,
    remedy: failed.remedy,
    error: failed.error,
    class: failed.class,
  });
}

/**
 * A proof may refute the base while the incremental is being written, and what it then finds standing on it has perhaps not
 * opened its page yet: nothing on a failed base is ever good.
 *
 * @throws {SafehouseError} VerificationFailed, after which another attempt makes a full one
 */
export async function refuseFailedBase(
  bucket: Bucket,
  target: string,
  id: string,
  base: string,
): Promise<void> {
  const failed = await readEvidence(bucket, target, base, 'failed');
  if (failed === undefined) return;
  throw new SafehouseError(ERROR_NAMES.verification, {
    what: `The incremental ${id} stands on ${base}, which has failed meanwhile. ${failed.what}`,
    remedy: 'Do not restore from it. The next backup is a full one.',
    error: 'BaseRefuted',
  });
}
