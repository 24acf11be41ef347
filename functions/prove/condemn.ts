/** Marks a backup whose proof failed, and whatever stands on it, as failed: none of them counts as good any more. */
import type { Bucket } from '../../clients/bucket.ts';
import { readEvidence, readLedger, record } from '../../clients/ledger.ts';
import type { Failure } from '../../core/failure.ts';

export async function condemn(
  bucket: Bucket,
  target: string,
  backup: string,
  execution: string,
  failure: Failure,
): Promise<void> {
  const same = { by: execution, step: 'prove', final: true } as const;
  await record(bucket, target, backup, 'failed', { ...same, ...failure });
  const { entries } = await readLedger(bucket, target);
  for (const { id, kind, states } of entries) {
    if (kind !== 'incremental' || states.removed !== undefined || states.failed !== undefined) continue;
    const started = await readEvidence(bucket, target, id, 'started');
    if (started?.base !== backup) continue;
    await record(bucket, target, id, 'failed', {
      ...same,
      class: 'new attempt',
      error: 'BaseRefuted',
      what: `The incremental ${id} stands on ${backup}, whose proof failed.`,
      remedy: 'Do not restore from it. The next backup is a full one.',
    });
  }
}
