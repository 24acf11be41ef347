/** Removing everything under the prefix of one backup. The only code of Safehouse that deletes what ClickHouse wrote. */
import {
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ObjectIdentifier,
} from '@aws-sdk/client-s3';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Bucket } from './bucket.ts';
import { storageError } from './storage-errors.ts';

/** S3 takes so many keys in one call. */
const KEYS_A_CALL = 1000;
/** Calls under way at once: 3,500 deletes a second are allowed for a prefix, and a call of 1,000 takes about a second. */
const CALLS_AT_ONCE = 4;
/** Errors of single keys that pass by themselves. */
const PASSING = new Set(['InternalError', 'SlowDown', 'ServiceUnavailable', 'RequestTimeout']);
const MOST_ROUNDS = 5;

export interface RemovalLimits {
  /** Milliseconds since 1970, after which no further call is begun. */
  readonly end: number;
  readonly signal: AbortSignal;
}

export interface RemovedObjects {
  readonly objects: number;
  readonly bytes: number;
  /** Whether a listing afterwards found nothing at all. */
  readonly empty: boolean;
}

interface Doomed extends ObjectIdentifier {
  readonly Key: string;
  readonly size: number;
}

/**
 * Deletes all objects under a prefix, the manifest first, so that a half-removed backup is never taken for a good one. A
 * 200 of DeleteObjects says little: it names the keys that were not deleted, so it is read, and the prefix is listed again
 * until nothing is left.
 *
 * @param first the object, relative to the prefix, that goes before all others
 * @throws {SafehouseError} Refused with the first key and S3's reason, when keys cannot be deleted
 */
export async function removeObjects(
  bucket: Bucket,
  prefix: string,
  first: string,
  limits: RemovalLimits,
): Promise<RemovedObjects> {
  if (!/^backups\/[^/]+\/[^/]+\/$/.test(prefix))
    throw new SafehouseError(ERROR_NAMES.unsafe, {
      what: `"${prefix}" is not the prefix of one backup.`,
      remedy: 'Nothing was removed. This is a defect of Safehouse.',
    });
  const pages = await versionPages(bucket);
  let [objects, bytes] = [0, 0];
  const drop = async (doomed: readonly Doomed[]): Promise<void> => {
    const gone = await deleteKeys(bucket, doomed);
    objects += gone.length;
    for (const { size } of gone) bytes += size;
  };
  await dropFirst(pages, `${prefix}${first}`, drop);
  for (let round = 1; ; round += 1) {
    const found = await dropPages(pages(prefix), drop, limits);
    if (found === 'out of time') return { objects, bytes, empty: false };
    if (found === 0) return { objects, bytes, empty: true };
    if (round === MOST_ROUNDS) throw stillThere(prefix);
  }
}

type Drop = (page: readonly Doomed[]) => Promise<void>;

/** Drops one key, and comes back only when it is gone: until then nothing else may go. */
async function dropFirst(pages: Pages, key: string, drop: Drop): Promise<void> {
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    let found = 0;
    for await (const page of pages(key)) {
      const own = page.filter(({ Key }) => Key === key);
      found += own.length;
      await drop(own);
    }
    if (found === 0) return;
  }
  throw stillThere(key);
}

const stillThere = (place: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.unavailable, {
    what: `After ${MOST_ROUNDS} rounds of deleting there is still something at ${place}.`,
    remedy: 'Somebody writes there, or S3 does not delete what it says it deletes. The next run goes on.',
  });

/**
 * Drops page after page, several at a time.
 *
 * @returns how many objects the pages named
 */
async function dropPages(
  pages: AsyncGenerator<Doomed[]>,
  drop: Drop,
  { end, signal }: RemovalLimits,
): Promise<number | 'out of time'> {
  let found = 0;
  let isOutOfTime = false;
  const running = new Set<Promise<void>>();
  // A call that fails while the next page is being listed must not go unheard: nobody waits for it at that moment.
  const failures: unknown[] = [];
  for await (const page of pages) {
    isOutOfTime = Date.now() >= end || signal.aborted;
    if (isOutOfTime || failures.length > 0) break;
    found += page.length;
    const call: Promise<void> = drop(page)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => running.delete(call));
    running.add(call);
    if (running.size >= CALLS_AT_ONCE) await Promise.race(running);
  }
  await Promise.all(running);
  if (failures.length > 0) throw failures[0];
  return isOutOfTime ? 'out of time' : found;
}

type Pages = (prefix: string) => AsyncGenerator<Doomed[]>;

/**
 * How to list what has to go. In a versioned bucket a plain delete only hides an object, which is still paid for: there,
 * every version and every delete marker is listed and deleted by its id.
 */
async function versionPages({ name, client }: Bucket): Promise<Pages> {
  const { Status } = await client
    .send(new GetBucketVersioningCommand({ Bucket: name }))
    .catch((cause: unknown) => {
      throw storageError(cause, `ask whether ${name} keeps versions`);
    });
  const list = Status === undefined ? currentPages : allVersionPages;
  return (prefix) => list({ name, client }, prefix);
}

async function* currentPages({ name, client }: Bucket, prefix: string): AsyncGenerator<Doomed[]> {
  let token: string | undefined;
  do {
    const page = await client
      .send(
        new ListObjectsV2Command({
          Bucket: name,
          Prefix: prefix,
          MaxKeys: KEYS_A_CALL,
          ContinuationToken: token,
        }),
      )
      .catch((cause: unknown) => {
        throw storageError(cause, `list ${prefix} in ${name}`);
      });
    const doomed = (page.Contents ?? []).map(({ Key, Size }) => doom(name, Key, Size));
    if (doomed.length > 0) yield doomed;
    token = page.NextContinuationToken;
    if (page.IsTruncated === true && token === undefined) throw brokenOff(name, prefix);
  } while (token !== undefined);
}

async function* allVersionPages({ name, client }: Bucket, prefix: string): AsyncGenerator<Doomed[]> {
  let marker: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (;;) {
    const page = await client
      .send(new ListObjectVersionsCommand({ Bucket: name, Prefix: prefix, MaxKeys: KEYS_A_CALL, ...marker }))
      .catch((cause: unknown) => {
        throw storageError(cause, `list the versions under ${prefix} in ${name}`);
      });
    const doomed = [
      ...(page.Versions ?? []).map(({ Key, VersionId, Size }) => doom(name, Key, Size, VersionId)),
      ...(page.DeleteMarkers ?? []).map(({ Key, VersionId }) => doom(name, Key, 0, VersionId)),
    ];
    if (doomed.length > 0) yield doomed;
    if (page.IsTruncated !== true) return;
    if (page.NextKeyMarker === undefined) throw brokenOff(name, prefix);
    marker = {
      ...(page.NextKeyMarker !== undefined && { KeyMarker: page.NextKeyMarker }),
      ...(page.NextVersionIdMarker !== undefined && { VersionIdMarker: page.NextVersionIdMarker }),
    };
  }
}

function doom(bucket: string, key: string | undefined, size = 0, version?: string): Doomed {
  if (key === undefined)
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `S3 listed an object in ${bucket} without its key.`,
      remedy: 'The removal goes on with the next run. Look at what answers as S3 there.',
    });
  return { Key: key, size, ...(version !== undefined && { VersionId: version }) };
}

const brokenOff = (bucket: string, prefix: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.incomplete, {
    what: `S3 said that the listing of ${prefix} in ${bucket} goes on, but not where.`,
    remedy: 'The removal goes on with the next run. Look at what answers as S3 there.',
  });

/** Deletes at most a thousand keys and gives those that are gone. */
async function deleteKeys({ name, client }: Bucket, doomed: readonly Doomed[]): Promise<Doomed[]> {
  if (doomed.length === 0) return [];
  const answer = await client
    .send(
      new DeleteObjectsCommand({
        Bucket: name,
        Delete: { Quiet: true, Objects: doomed.map(({ Key, VersionId }) => ({ Key, VersionId })) },
      }),
    )
    .catch((cause: unknown) => {
      throw storageError(cause, `delete ${doomed.length} objects from ${doomed[0]?.Key} on in ${name}`);
    });
  const errors = answer.Errors ?? [];
  const lasting = errors.find(({ Code }) => !PASSING.has(Code ?? ''));
  if (lasting !== undefined)
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `S3 did not delete ${errors.length} of ${doomed.length} objects; the first: ${lasting.Key} (${lasting.Code}: ${lasting.Message}).`,
      remedy:
        lasting.Code === 'AccessDenied'
          ? 'Either Object Lock protects it until its date, or the remover role has lost s3:DeleteObject and s3:DeleteObjectVersion under backups/.'
          : 'Look the code up; the next run tries again.',
      error: lasting.Code ?? 'DeleteFailed',
    });
  const failed = new Set(errors.map(({ Key, VersionId }) => `${Key} ${VersionId ?? ''}`));
  return doomed.filter(({ Key, VersionId }) => !failed.has(`${Key} ${VersionId ?? ''}`));
}
