/** Compares what ClickHouse says it wrote with what is in the bucket, and only then calls the backup good. */
import { type Bucket, getStream, headObject, listObjects } from '../../clients/bucket.ts';
import { record, requireEvidence } from '../../clients/ledger.ts';
import type { BackupStreams } from '../../core/backup-streams.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { backupPrefix, MANIFEST } from '../../core/keys.ts';
import { METRICS } from '../../core/metrics.ts';
import { plainRestore } from '../../core/plain-restore.ts';
import { type Verification, verifyBackup } from '../../core/verification.ts';
import { preparedRunSchema, type VerifiedBackup } from '../../core/workflow.ts';
import { bucket, bucketAddress, target as readTarget } from '../environment.ts';
import { measure } from '../measure.ts';
import { logger, step } from '../step.ts';
import { refuseGivenUp } from './given-up.ts';

export const handler = step('verify', preparedRunSchema, async (run, { signal }): Promise<VerifiedBackup> => {
  const { id, base } = run.prepared.backup;
  const began = Date.now();
  await refuseGivenUp(bucket(), run.target, id);
  const started = await requireEvidence(bucket(), run.target, id, 'started');
  const verification = await verifyBackup({
    ...streams(bucket(), run.target, id, signal),
    id,
    scope: started.tables,
    expectedBase: base !== null,
    ...(base !== null && { base: streams(bucket(), run.target, base, signal) }),
  });
  if (verification.verdict === 'incomplete' || verification.manifest === null)
    throw incomplete(id, verification);
  const etag = await manifestTag(bucket(), run.target, id, verification.manifest.bytes);
  const seconds = (Date.now() - began) / 1000;
  const { evidence } = await record(bucket(), run.target, id, 'verified', {
    by: run.execution,
    files: verification.files,
    objects: verification.objects,
    bytes: verification.bytes,
    logicalBytes: verification.logicalBytes,
    manifest: { ...verification.manifest, etag },
    tables: [...verification.tables],
    restore: plainRestore(bucketAddress(), run.target, await readTarget(run.target), {
      id,
      base: verification.usesBase ? base : null,
      databases: started.databases,
      tables: started.tables,
    }),
    seconds,
  });
  measure(run.target, [
    [METRICS.backupsVerified, 'Count', 1],
    [METRICS.backupBytes, 'Bytes', evidence.bytes],
    [METRICS.backupObjects, 'Count', evidence.objects],
    [METRICS.backupSeconds, 'Seconds', (Date.now() - Date.parse(started.at)) / 1000],
  ]);
  logger.info('verified', { id, objects: evidence.objects, bytes: evidence.bytes, seconds });
  return { id, objects: evidence.objects, bytes: evidence.bytes, files: evidence.files };
});

function streams(s3: Bucket, target: string, id: string, signal: AbortSignal): BackupStreams {
  const prefix = backupPrefix(target, id);
  return {
    manifest: () => readObject(s3, `${prefix}${MANIFEST}`),
    listing: async function* () {
      for await (const { key, size } of listObjects(s3, prefix, signal))
        yield { key: key.slice(prefix.length), size };
    },
  };
}

/** The tag under which S3 has the manifest that was read. */
async function manifestTag(s3: Bucket, target: string, id: string, bytes: number): Promise<string> {
  const key = `${backupPrefix(target, id)}${MANIFEST}`;
  const head = await headObject(s3, key);
  if (head !== undefined && head.size === bytes) return head.etag;
  throw new SafehouseError(ERROR_NAMES.incomplete, {
    what: `${key} had ${bytes} bytes when it was read, and a moment later ${head === undefined ? 'it was gone' : `it had ${head.size}`}.`,
    remedy: 'Somebody writes or removes objects of backups. Find out who.',
  });
}

async function* readObject(s3: Bucket, key: string): AsyncGenerator<Uint8Array> {
  const found = await getStream(s3, key);
  if (found === undefined)
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `${key} was listed a moment ago and is gone.`,
      remedy: 'Somebody removes objects of backups. Find out who.',
    });
  yield* found.stream;
}

function incomplete(id: string, { findings, counts }: Verification): SafehouseError {
  const named = findings.slice(0, 3).map(({ sentence }) => sentence);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const more = total > named.length ? ` And ${total - named.length} more.` : '';
  return new SafehouseError(ERROR_NAMES.verification, {
    what: `The backup ${id} is not what its manifest says: ${named.join(' ')}${more}`,
    remedy:
      'ClickHouse reported success, so this is a fault of the storage, of a second writer, or of somebody who deletes there. Do not use this backup.',
  });
}
