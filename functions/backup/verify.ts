/** Compares what ClickHouse says it wrote with what is in the bucket, and only then calls the backup good. */
import { backupStreams } from '../../clients/backup-streams.ts';
import { requireEvidence } from '../../clients/ledger.ts';
import { recordVerified } from '../../clients/verified.ts';
import { backupPrefix } from '../../core/keys.ts';
import { METRICS } from '../../core/metrics.ts';
import { verifyBackup } from '../../core/verification.ts';
import { preparedRunSchema, type VerifiedBackup } from '../../core/workflow.ts';
import { bucket, bucketAddress, target as readTarget } from '../environment.ts';
import { measure } from '../measure.ts';
import { logger, step } from '../step.ts';
import { refuseFailedBase, refuseGivenUp } from './given-up.ts';

export const handler = step('verify', preparedRunSchema, async (run, { signal }): Promise<VerifiedBackup> => {
  const { id, base } = run.prepared.backup;
  const { target } = run;
  const began = Date.now();
  await refuseGivenUp(bucket(), target, id);
  if (base !== null) await refuseFailedBase(bucket(), target, id, base);
  const started = await requireEvidence(bucket(), target, id, 'started');
  const streams = (of: string) => backupStreams(bucket(), backupPrefix(target, of), signal);
  const verification = await verifyBackup({
    ...streams(id),
    id,
    scope: started.tables,
    shards: started.shards,
    expectedBase: base !== null,
    ...(base !== null && { base: streams(base) }),
  });
  const { databases, tables } = started;
  const evidence = await recordVerified(
    bucket(),
    {
      by: run.execution,
      address: bucketAddress(),
      target,
      settings: await readTarget(target),
      backup: { id, base, databases, tables },
      verification,
      began,
    },
    'ClickHouse reported success, so this is a fault of the storage, of a second writer, or of somebody who deletes there. Do not use this backup.',
  );
  measure(target, [
    [METRICS.backupsVerified, 'Count', 1],
    [METRICS.backupBytes, 'Bytes', evidence.bytes],
    [METRICS.backupObjects, 'Count', evidence.objects],
    [METRICS.backupSeconds, 'Seconds', (Date.now() - Date.parse(started.at)) / 1000],
  ]);
  logger.info('verified', {
    id,
    objects: evidence.objects,
    bytes: evidence.bytes,
    seconds: evidence.seconds,
  });
  return { id, objects: evidence.objects, bytes: evidence.bytes, files: evidence.files };
});
