import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Bucket } from '../../clients/bucket.ts';
import { requireEvidence } from '../../clients/ledger.ts';
import { ledgerKey } from '../../core/keys.ts';

/** Sets the mark of a backup back, as if it had been made long ago: nobody waits for days here. */
export async function endGrace(bucket: Bucket, target: string, id: string): Promise<void> {
  const mark = await requireEvidence(bucket, target, id, 'expiring');
  await bucket.client.send(
    new PutObjectCommand({
      Bucket: bucket.name,
      Key: ledgerKey(target, id, 'expiring'),
      Body: JSON.stringify({ ...mark, removeAfter: '2026-01-01T00:00:00.000Z' }),
    }),
  );
}
