/** A backup in a bucket, as verification reads it. */
import type { BackupStreams } from '../core/backup-streams.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { MANIFEST } from '../core/keys.ts';
import { type Bucket, getStream, headObject, listObjects } from './bucket.ts';

/** @param prefix with its slash at the end; empty for the root of the bucket */
export function backupStreams(bucket: Bucket, prefix: string, signal?: AbortSignal): BackupStreams {
  return {
    manifest: () => readObject(bucket, `${prefix}${MANIFEST}`),
    listing: async function* () {
      for await (const { key, size } of listObjects(bucket, prefix, signal))
        yield { key: key.slice(prefix.length), size };
    },
  };
}

/**
 * The tag under which S3 has the manifest that was read.
 *
 * @param bytes as many as were read
 * @throws {SafehouseError} IncompleteReading, when another one is there meanwhile
 */
export async function manifestTag(bucket: Bucket, prefix: string, bytes: number): Promise<string> {
  const key = `${prefix}${MANIFEST}`;
  const head = await headObject(bucket, key);
  if (head !== undefined && head.size === bytes) return head.etag;
  throw new SafehouseError(ERROR_NAMES.incomplete, {
    what: `${key} had ${bytes} bytes when it was read, and a moment later ${head === undefined ? 'it was gone' : `it had ${head.size}`}.`,
    remedy: 'Somebody writes or removes objects of backups. Find out who.',
  });
}

async function* readObject(bucket: Bucket, key: string): AsyncGenerator<Uint8Array> {
  const found = await getStream(bucket, key);
  if (found === undefined)
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `${key} was listed a moment ago and is gone.`,
      remedy: 'Somebody removes objects of backups. Find out who.',
    });
  yield* found.stream;
}
