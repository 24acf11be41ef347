/** A backup as the prover reads it: in the bucket, or, for its self-test, in a directory. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bucket, getStream, headObject } from '../../clients/bucket.ts';
import { fileLocation, s3Location } from '../../clients/prover.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { backupPrefix, MANIFEST } from '../../core/keys.ts';
import { type BucketAddress, objectUrl } from '../../core/location.ts';

export interface ProofSource {
  /** As the engine takes it: `S3('…')` or `File('…')`. */
  readonly location: string;
  manifestBytes(): Promise<number>;
  manifest(): AsyncIterable<Uint8Array>;
  /** An object by its key relative to the backup. @throws {SafehouseError} NotFound */
  read(key: string): AsyncIterable<Uint8Array>;
}

/** An object that the manifest names and that is not there: a finding, not a failure of the prover. */
const missing = (key: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.notFound, {
    what: `${key} is not there.`,
    remedy: 'The backup is damaged; do not restore from it.',
  });

export function bucketSource(
  bucket: Bucket,
  address: BucketAddress,
  target: string,
  id: string,
): ProofSource {
  const prefix = backupPrefix(target, id);
  const read = async function* (key: string): AsyncGenerator<Uint8Array> {
    const found = await getStream(bucket, `${prefix}${key}`);
    if (found === undefined) throw missing(key);
    yield* found.stream;
  };
  return {
    location: s3Location(objectUrl(address, prefix.slice(0, -1))),
    manifestBytes: async () => {
      const head = await headObject(bucket, `${prefix}${MANIFEST}`);
      if (head === undefined)
        throw new SafehouseError(ERROR_NAMES.verification, {
          what: `The backup ${id} has no ${MANIFEST} any more.`,
          remedy: 'Somebody deletes there, or retention has removed it. It cannot be restored.',
          error: 'BACKUP_NOT_FOUND',
        });
      return head.size;
    },
    manifest: () => read(MANIFEST),
    read,
  };
}

export function directorySource(directory: string): ProofSource {
  const read = async function* (key: string): AsyncGenerator<Uint8Array> {
    try {
      yield* createReadStream(join(directory, key)) as AsyncIterable<Uint8Array>;
    } catch (cause) {
      if ((cause as { code?: string }).code === 'ENOENT') throw missing(key);
      throw cause;
    }
  };
  return {
    location: fileLocation(directory),
    manifestBytes: async () => (await stat(join(directory, MANIFEST))).size,
    manifest: () => read(MANIFEST),
    read,
  };
}
