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
  /** The address of the bucket, to which a named collection leads; null for a directory. */
  readonly bucketUrl: string | null;
  /** The end of its path, by which it is recognised in the manifest of a backup that stands on it. */
  readonly path: string;
  /** @throws {SafehouseError} NotFound */
  manifestBytes(): Promise<number>;
  manifest(): AsyncIterable<Uint8Array>;
  /** An object by its key relative to the backup. @throws {SafehouseError} NotFound */
  read(key: string): AsyncIterable<Uint8Array>;
}

/** An object that is expected and that is not there: a finding, not a failure of the prover. */
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
    bucketUrl: objectUrl(address, ''),
    path: prefix.slice(0, -1),
    manifestBytes: async () => {
      const head = await headObject(bucket, `${prefix}${MANIFEST}`);
      if (head === undefined) throw missing(MANIFEST);
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
    bucketUrl: null,
    path: directory,
    manifestBytes: async () => (await stat(join(directory, MANIFEST))).size,
    manifest: () => read(MANIFEST),
    read,
  };
}
