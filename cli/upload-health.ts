/** What is billed and shows in no listing of objects: multipart uploads that nobody will complete. */
import type { Bucket } from '../clients/bucket.ts';
import { surveyUploads } from '../clients/uploads.ts';
import { ageText } from '../core/alert.ts';
import { SafehouseError } from '../core/errors.ts';
import type { LedgerEntry } from '../core/ledger.ts';
import type { UnfinishedUploads } from '../core/uploads.ts';
import { bytesText, countOf, isoTime, timeText } from './amounts.ts';
import { doubtful, faint, type Line, paragraph } from './screen.ts';

/** Or why nobody knows. */
export type UploadHealth = UnfinishedUploads | { readonly unknown: string };

/** Whoever may not list them sees everything else all the same: no backup depends on them. */
export async function examineUploads(
  bucket: Bucket,
  target: string,
  entries: readonly LedgerEntry[],
): Promise<UploadHealth | null> {
  try {
    return await surveyUploads(bucket, target, entries);
  } catch (error) {
    if (!(error instanceof SafehouseError)) throw error;
    return { unknown: error.failure.what };
  }
}

export function uploadLines(
  target: string,
  uploads: UploadHealth | null,
  now: number,
  width: number,
): Line[] {
  if (uploads === null) return [];
  if ('unknown' in uploads)
    return paragraph(
      faint('Uploads: '),
      `${target}: unfinished ones were not counted: ${uploads.unknown}`,
      width,
    );
  const { count, oldest, bytes, isWhole, abortedAt } = uploads;
  const size = `${isWhole ? '' : 'at least '}${bytesText(bytes)}`;
  const end =
    abortedAt === null
      ? 'No rule of the bucket is known that removes them, and they are billed until one does.'
      : `A rule of the bucket removes ${count === 1 ? 'it' : 'the oldest'} from ${timeText(abortedAt)} on.`;
  return paragraph(
    abortedAt === null ? doubtful('Uploads: ') : faint('Uploads: '),
    `${target}: ${countOf(count, 'unfinished upload')} of ${size}, ${count === 1 ? 'begun' : 'the oldest begun'} ${ageText(now - oldest)} ago. ${end}`,
    width,
  );
}

export function uploadDocument(uploads: UploadHealth): Record<string, unknown> {
  if ('unknown' in uploads) return uploads;
  const { count, oldest, bytes, isWhole, abortedAt } = uploads;
  return {
    count,
    bytes,
    isWhole,
    oldest: isoTime(oldest),
    removedFrom: abortedAt === null ? null : isoTime(abortedAt),
  };
}
