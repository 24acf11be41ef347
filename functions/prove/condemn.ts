/** Marks a backup whose proof failed, and whatever stands on it, as failed: none of them counts as good any more. */
import type { Bucket } from '../../clients/bucket.ts';
import { mapConcurrently } from '../../clients/concurrently.ts';
import { readEvidence, readLedger, record } from '../../clients/ledger.ts';
import type { Failure } from '../../core/failure.ts';

/** A year of hourly incrementals is 8,760 of them. */
const AT_ONCE = 32;

/** @param backup the damaged one; when the damage lies in its base, the base */
export async function condemn(
  bucket: Bucket,
  target: string,
  backup: string,
  execution: string,
  failure: Failure,
): Promise<void> {
  // Whether another attempt follows is not known here: who started the proof decides it.
  const same = { by: execution, step: 'prove', final: true } as const;
  const { entries } = await readLedger(bucket, target);
  const standing = entries.filter(
    ({ id, kind, states }) =>
      kind === 'incremental' &&
      id !== backup &&
      states.started !== undefined &&
      states.failed === undefined &&
      states.removed === undefined,
  );
  await mapConcurrently(standing, AT_ONCE, async ({ id }) => {
    const started = await readEvidence(bucket, target, id, 'started');
    if (started?.base !== backup) return;
    await record(bucket, target, id, 'failed', {
      ...same,
      class: 'new attempt',
      error: 'BaseRefuted',
      what: `The incremental ${id} stands on ${backup}, whose proof failed.`,
      remedy: 'Do not restore from it. The next backup is a full one.',
    });
  });
  // Last: whoever is interrupted before leaves a backup that the next proof refutes again, and never a good one on a failed base.
  await record(bucket, target, backup, 'failed', { ...same, ...failure });
}
