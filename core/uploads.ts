/** Multipart uploads that nobody completes. S3 bills their parts and shows them in no listing of objects. */
import { backupIdOfKey } from './keys.ts';
import type { LedgerEntry } from './ledger.ts';

export interface Upload {
  readonly key: string;
  readonly uploadId: string;
  /** By S3's clock, in milliseconds since 1970. */
  readonly initiated: number;
}

/**
 * The uploads that nobody will complete, oldest first: those of backups that have come to an end, and those that belong to no
 * backup. As long as a backup has not ended, ClickHouse may still be at work on its own.
 *
 * @param entries all of the target
 */
export function unfinishedUploads(uploads: readonly Upload[], entries: readonly LedgerEntry[]): Upload[] {
  const open = new Set(entries.filter(isOpen).map(({ id }) => id));
  return uploads
    .filter(({ key }) => !open.has(backupIdOfKey(key) ?? ''))
    .toSorted((one, other) => one.initiated - other.initiated);
}

const isOpen = ({ states: { verified, failed, removing, removed } }: LedgerEntry): boolean =>
  [verified, failed, removing, removed].every((at) => at === undefined);

/** What is known of the parts of one upload. */
export interface UploadParts {
  readonly bytes: number;
  /** False when there are more parts than were looked at. */
  readonly isWhole: boolean;
  /** When a rule of the bucket aborts it, in milliseconds since 1970; null when S3 names no such rule. */
  readonly abortedAt: number | null;
}

export interface UnfinishedUploads {
  readonly count: number;
  /** When the oldest was begun, in milliseconds since 1970. */
  readonly oldest: number;
  /** Of their parts: at least so many, unless `isWhole`. */
  readonly bytes: number;
  readonly isWhole: boolean;
  /** When a rule of the bucket aborts the oldest, in milliseconds since 1970; null when S3 names no such rule. */
  readonly abortedAt: number | null;
}

/**
 * @param unfinished oldest first
 * @param measured what is known of the first of them; undefined for one that was completed or aborted meanwhile
 * @returns null when there are none
 */
export function surveyOf(
  unfinished: readonly Upload[],
  measured: readonly (UploadParts | undefined)[],
): UnfinishedUploads | null {
  const standing = unfinished.filter((_, index) => index >= measured.length || measured[index] !== undefined);
  const known = measured.filter((parts) => parts !== undefined);
  const [oldest] = standing;
  if (oldest === undefined) return null;
  return {
    count: standing.length,
    oldest: oldest.initiated,
    bytes: known.reduce((sum, { bytes }) => sum + bytes, 0),
    isWhole: known.length === standing.length && known.every(({ isWhole }) => isWhole),
    abortedAt: known[0]?.abortedAt ?? null,
  };
}
