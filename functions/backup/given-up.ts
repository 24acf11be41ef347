/** Attempts that came to their end in another execution. */
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
