/** The bucket, as Safehouse uses it: few verbs, each with its own word for every way that it can end. */

import { setTimeout as wait } from 'node:timers/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type * as z from 'zod';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { storageError } from './storage-errors.ts';

export interface BucketObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  readonly etag: string;
  /** Milliseconds since 1970, by S3's clock. */
  readonly lastModified: number;
}

export interface Bucket {
  readonly name: string;
  readonly client: S3Client;
}

/**
 * @param endpoint another S3 than AWS's, as in `AWS_ENDPOINT_URL_S3`, which the SDK reads by itself; such a server is
 *   spoken to with the bucket in the path, because `bucket.127.0.0.1` is no host
 */
export function openBucket(name: string, endpoint = process.env['AWS_ENDPOINT_URL_S3']): Bucket {
  return {
    name,
    client: new S3Client({ retryMode: 'adaptive', maxAttempts: 5, forcePathStyle: endpoint !== undefined }),
  };
}

/**
 * Every object under a prefix, in S3's order. Breaks off with an error, never with a shorter list.
 *
 * @param startAfter only keys that come after this one: what lies before it is not even listed
 */
export async function* listObjects(
  { name, client }: Bucket,
  prefix: string,
  signal?: AbortSignal,
  startAfter?: string,
): AsyncGenerator<BucketObject> {
  let token: string | undefined;
  do {
    const page = await client
      .send(
        new ListObjectsV2Command({
          Bucket: name,
          Prefix: prefix,
          StartAfter: startAfter,
          ContinuationToken: token,
        }),
        { ...(signal && { abortSignal: signal }) },
      )
      .catch((cause: unknown) => {
        throw storageError(cause, `list ${prefix} in ${name}`);
      });
    for (const { Key, Size, ETag, LastModified } of page.Contents ?? []) {
      if (Key === undefined || Size === undefined || LastModified === undefined)
        throw new SafehouseError(ERROR_NAMES.incomplete, {
          what: `S3 listed an object under ${prefix} in ${name} without its key, size or time.`,
          remedy: 'Nothing was concluded from it. Look at what answers as S3 there.',
        });
      yield { key: Key, size: Size, etag: ETag ?? '', lastModified: LastModified.getTime() };
    }
    token = page.NextContinuationToken;
    if (page.IsTruncated === true && token === undefined)
      throw new SafehouseError(ERROR_NAMES.incomplete, {
        what: `S3 said that the listing of ${prefix} in ${name} goes on, but not where.`,
        remedy: 'Nothing was concluded from it. Look at what answers as S3 there.',
      });
  } while (token !== undefined);
}

/** 409 means that another conditional write of the same key was under way: the next try learns who won. */
const CONFLICT_TRIES = 5;
const CONFLICT_WAIT_MILLISECONDS = 50;

/**
 * Writes an object unless it exists.
 *
 * @returns whether it is known that this call wrote it: when an answer was lost on the way, the SDK's own second try finds
 *   the object of the first, and the answer is false
 */
export async function putOnce({ name, client }: Bucket, key: string, content: unknown): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.send(
        new PutObjectCommand({
          Bucket: name,
          Key: key,
          Body: `${JSON.stringify(content, null, 2)}\n`,
          ContentType: 'application/json',
          IfNoneMatch: '*',
        }),
      );
      return true;
    } catch (cause) {
      const status = statusOf(cause);
      if (status === 412) return false;
      if (status !== 409 || attempt === CONFLICT_TRIES) throw storageError(cause, `write ${key} in ${name}`);
      await wait(attempt * CONFLICT_WAIT_MILLISECONDS);
    }
  }
}

/** An object's JSON, checked, or undefined when S3 says that there is no such object. */
export async function getJson<Schema extends z.ZodType>(
  { name, client }: Bucket,
  key: string,
  schema: Schema,
): Promise<z.output<Schema> | undefined> {
  let text: string;
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key: key }));
    text = (await Body?.transformToString()) ?? '';
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw storageError(cause, `read ${key} in ${name}`);
  }
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success)
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `${key} in ${name} is not what this release of Safehouse writes there: ${parsed.error.issues[0]?.path.join('.') || 'the whole'} ${parsed.error.issues[0]?.message}.`,
      remedy: 'It was written by a newer release, or by hand. Nothing was concluded from it.',
    });
  return parsed.data;
}

/** An object's bytes as they arrive, or undefined when S3 says that there is no such object. */
export async function getStream(
  { name, client }: Bucket,
  key: string,
): Promise<{ stream: AsyncIterable<Uint8Array>; size: number; etag: string } | undefined> {
  try {
    const { Body, ContentLength, ETag } = await client.send(new GetObjectCommand({ Bucket: name, Key: key }));
    if (Body === undefined) throw new Error('S3 answered without a body');
    const stream = readThrough(Body as AsyncIterable<Uint8Array>, `read ${key} in ${name} to its end`);
    return { stream, size: ContentLength ?? 0, etag: ETag ?? '' };
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw storageError(cause, `read ${key} in ${name}`);
  }
}

/** A connection that breaks in the middle of an object is as much S3's failure as one that breaks before. */
async function* readThrough(stream: AsyncIterable<Uint8Array>, doing: string): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (cause) {
    throw storageError(cause, doing);
  }
}

export async function headObject({ name, client }: Bucket, key: string): Promise<BucketObject | undefined> {
  try {
    const head = await client.send(new HeadObjectCommand({ Bucket: name, Key: key }));
    return {
      key,
      size: head.ContentLength ?? 0,
      etag: head.ETag ?? '',
      lastModified: head.LastModified?.getTime() ?? 0,
    };
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw storageError(cause, `look at ${key} in ${name}`);
  }
}

/** Whether a key exists, asked by a listing: for roles that may list but not read. */
export async function exists(bucket: Bucket, key: string): Promise<boolean> {
  for await (const object of listObjects(bucket, key)) return object.key === key;
  return false;
}

/** Removes one of Safehouse's own small objects: a pin, a mark. Backups are removed by retention alone. */
export async function deleteObject({ name, client }: Bucket, key: string): Promise<void> {
  await client.send(new DeleteObjectCommand({ Bucket: name, Key: key })).catch((cause: unknown) => {
    throw storageError(cause, `delete ${key} in ${name}`);
  });
}

const statusOf = (cause: unknown): number | undefined =>
  (cause as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

const isAbsent = (cause: unknown): boolean =>
  cause instanceof Error &&
  (cause.name === 'NoSuchKey' || (cause.name === 'NotFound' && statusOf(cause) === 404));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
