/** Looking at multipart uploads that were begun and not completed. */
import {
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
} from '@aws-sdk/client-s3';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { targetPrefix } from '../core/keys.ts';
import type { LedgerEntry } from '../core/ledger.ts';
import {
  surveyOf,
  type UnfinishedUploads,
  type Upload,
  type UploadParts,
  unfinishedUploads,
} from '../core/uploads.ts';
import type { Bucket } from './bucket.ts';
import { storageError } from './storage-errors.ts';

/**
 * Uploads whose parts are counted: a request for each, and each request costs as much as a listing. A killed ClickHouse leaves
 * one for each of its 16 threads.
 */
const MOST_MEASURED = 20;

/**
 * What nobody will complete of a target's uploads, or null when there is nothing.
 *
 * @param entries all of the target
 */
export async function surveyUploads(
  bucket: Bucket,
  target: string,
  entries: readonly LedgerEntry[],
): Promise<UnfinishedUploads | null> {
  const uploads: Upload[] = [];
  for await (const upload of listUploads(bucket, targetPrefix(target))) uploads.push(upload);
  const unfinished = unfinishedUploads(uploads, entries);
  const measured: (UploadParts | undefined)[] = [];
  for (const upload of unfinished.slice(0, MOST_MEASURED)) measured.push(await readParts(bucket, upload));
  return surveyOf(unfinished, measured);
}

/** Every upload in progress under a prefix. Breaks off with an error, never with a shorter list. */
export async function* listUploads({ name, client }: Bucket, prefix: string): AsyncGenerator<Upload> {
  let markers: Markers | undefined = {};
  do {
    const page: ListMultipartUploadsCommandOutput = await client
      .send(new ListMultipartUploadsCommand({ Bucket: name, Prefix: prefix, ...markers }))
      .catch((cause: unknown) => {
        throw storageError(cause, `list the uploads under ${prefix} in ${name}`);
      });
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Key === undefined || UploadId === undefined || Initiated === undefined)
        throw incomplete(`S3 listed an upload under ${prefix} in ${name} without its key, id or time.`);
      yield { key: Key, uploadId: UploadId, initiated: Initiated.getTime() };
    }
    markers = nextOf(page);
    if (page.IsTruncated === true && markers === undefined)
      throw incomplete(`S3 said that the uploads under ${prefix} in ${name} go on, but not where.`);
  } while (markers !== undefined);
}

interface Markers {
  readonly KeyMarker?: string;
  readonly UploadIdMarker?: string;
}

function nextOf({
  IsTruncated,
  NextKeyMarker: KeyMarker,
  NextUploadIdMarker: UploadIdMarker,
}: ListMultipartUploadsCommandOutput): Markers | undefined {
  if (IsTruncated !== true || KeyMarker === undefined) return undefined;
  return { KeyMarker, ...(UploadIdMarker !== undefined && { UploadIdMarker }) };
}

const incomplete = (what: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.incomplete, {
    what,
    remedy: 'Nothing was concluded from it. Look at what answers as S3 there.',
  });

/** The first thousand parts: 16 GB as ClickHouse uploads. Undefined when the upload was completed or aborted meanwhile. */
async function readParts(
  { name, client }: Bucket,
  { key, uploadId }: Upload,
): Promise<UploadParts | undefined> {
  try {
    const { Parts, IsTruncated, AbortDate } = await client.send(
      new ListPartsCommand({ Bucket: name, Key: key, UploadId: uploadId }),
    );
    return {
      bytes: (Parts ?? []).reduce((sum, { Size }) => sum + (Size ?? 0), 0),
      isWhole: IsTruncated !== true,
      abortedAt: AbortDate?.getTime() ?? null,
    };
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'NoSuchUpload') return undefined;
    throw storageError(cause, `list the parts of an upload to ${key} in ${name}`);
  }
}
