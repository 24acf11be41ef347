/** Copies an object inside S3: no byte of it passes through this machine. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  type StorageClass,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { type Bucket, headObject } from './bucket.ts';
import { mapConcurrently } from './concurrently.ts';
import { storageError } from './storage-errors.ts';

const GIBIBYTE = 1024 ** 3;

/** S3's own limits, in bytes. */
export interface CopyLimits {
  /** What is larger is copied in parts. */
  readonly whole: number;
  readonly part: number;
}

/** One CopyObject takes 5 GiB. */
const LIMITS: CopyLimits = { whole: 5 * GIBIBYTE, part: GIBIBYTE };

const PARTS_AT_ONCE = 4;
const MOST_PARTS = 10_000;

export interface ObjectCopy {
  readonly from: Bucket;
  readonly fromKey: string;
  readonly to: Bucket;
  readonly toKey: string;
  /** Bytes. */
  readonly size: number;
  /** The object must still be this one. */
  readonly etag?: string;
  readonly storageClass?: string | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Copies one object, as the owner of the bucket that it goes to. Tags stay behind: a rule of the old bucket that goes by them has
 * nothing to say in the new one, and reading them is a permission of its own.
 *
 * @throws {SafehouseError} IncompleteReading, when the object is gone or another one; and what S3 makes of it
 */
export async function copyObject(copy: ObjectCopy, limits: CopyLimits = LIMITS): Promise<void> {
  try {
    if (copy.size > limits.whole) await copyInParts(copy, limits.part);
    else await copyWhole(copy);
  } catch (cause) {
    throw copyError(cause, copy);
  }
}

async function copyWhole({
  from,
  fromKey,
  to,
  toKey,
  etag,
  storageClass,
  signal,
}: ObjectCopy): Promise<void> {
  await to.client.send(
    new CopyObjectCommand({
      Bucket: to.name,
      Key: toKey,
      CopySource: copySource(from, fromKey),
      TaggingDirective: 'REPLACE',
      ...(etag !== undefined && { CopySourceIfMatch: etag }),
      ...(storageClass !== undefined && { StorageClass: storageClass as StorageClass }),
    }),
    { ...(signal && { abortSignal: signal }) },
  );
}

async function copyInParts(copy: ObjectCopy, partBytes: number): Promise<void> {
  const { from, fromKey, to, toKey, size, storageClass, signal } = copy;
  // Without its tag, an object that is replaced meanwhile would be put together from two.
  const etag = copy.etag ?? (await headObject(from, fromKey))?.etag;
  if (etag === undefined) throw gone(copy);
  const place = { Bucket: to.name, Key: toKey };
  const { UploadId } = await to.client.send(
    new CreateMultipartUploadCommand({
      ...place,
      ...(storageClass !== undefined && { StorageClass: storageClass as StorageClass }),
    }),
  );
  try {
    const parts = await mapConcurrently(
      rangesOf(size, Math.max(partBytes, Math.ceil(size / MOST_PARTS))),
      PARTS_AT_ONCE,
      async (range, index) => {
        const { CopyPartResult } = await to.client.send(
          new UploadPartCopyCommand({
            ...place,
            UploadId,
            PartNumber: index + 1,
            CopySource: copySource(from, fromKey),
            CopySourceIfMatch: etag,
            CopySourceRange: range,
          }),
          { ...(signal && { abortSignal: signal }) },
        );
        return { PartNumber: index + 1, ETag: CopyPartResult?.ETag };
      },
    );
    await to.client.send(
      new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts: parts } }),
    );
  } catch (cause) {
    // What cannot be aborted now goes with the bucket's rule for unfinished uploads; the cause is what matters.
    await to.client.send(new AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => {});
    throw cause;
  }
}

/** `bytes=0-1073741823`, and so on to the last byte. */
const rangesOf = (size: number, partBytes: number): string[] =>
  Array.from({ length: Math.ceil(size / partBytes) }, (_, index) => {
    const first = index * partBytes;
    return `bytes=${first}-${Math.min(first + partBytes, size) - 1}`;
  });

/** Each name is encoded by itself: ClickHouse's own have `%` in them. */
const copySource = ({ name }: Bucket, key: string): string =>
  `${name}/${key.split('/').map(encodeURIComponent).join('/')}`;

function copyError(cause: unknown, copy: ObjectCopy): unknown {
  if (cause instanceof SafehouseError || copy.signal?.aborted === true) return cause;
  const { name, $metadata } = cause as { name?: string; $metadata?: { httpStatusCode?: number } };
  const what = `s3://${copy.from.name}/${copy.fromKey}`;
  if (name === 'NoSuchKey' || $metadata?.httpStatusCode === 412) return gone(copy);
  if (name === 'InvalidObjectState' || name === 'ObjectNotInActiveTierError')
    return new SafehouseError(ERROR_NAMES.refused, {
      what: `${what} lies in a storage class that cannot be read at once.`,
      remedy:
        'Have S3 restore the objects of this backup from Glacier (S3 Batch Operations, or `aws s3api restore-object`), and try again when that is done.',
      error: 'InvalidObjectState',
    });
  if ($metadata?.httpStatusCode === 403)
    return new SafehouseError(ERROR_NAMES.refused, {
      what: `Was not allowed to copy ${what} to s3://${copy.to.name}/${copy.toKey}.`,
      remedy:
        'Your own credentials copy: they need s3:GetObject there and s3:PutObject here, and kms:Decrypt and kms:GenerateDataKey where the buckets have keys of their own (docs/migration.md).',
      error: 'AccessDenied',
    });
  return storageError(cause, `copy ${what} to s3://${copy.to.name}/${copy.toKey}`);
}

const gone = ({ from, fromKey }: ObjectCopy): SafehouseError =>
  new SafehouseError(ERROR_NAMES.incomplete, {
    what: `s3://${from.name}/${fromKey} was there when the backup was looked at, and is gone or another one now.`,
    remedy: 'Somebody writes or removes there. Stop that, and adopt again: it goes on where it was.',
  });
