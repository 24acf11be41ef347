/** How many scheduled times in a row made no backup, because one that began before was still being written. */
import { type Bucket, listObjects } from '../../clients/bucket.ts';
import { compactTime, KINDS, type Kind } from '../../core/backup-id.ts';
import { claimsPrefix, isSkippedKey } from '../../core/keys.ts';
import type { LedgerEntry } from '../../core/ledger.ts';

/**
 * Three times of a monthly schedule. It bounds the listing of a target none of whose backups has begun for so long; for any
 * other, the listing begins where the newest backup began.
 */
const LOOK_BACK_MILLISECONDS = 100 * 24 * 3_600_000;

/**
 * Counts the skipped times of both schedules since a backup last began. A start by hand has no scheduled time: it is not
 * counted, and the backup that it begins ends the row like any other. The incrementals that give way to one full backup count
 * as one: where they are hourly, a full that takes four hours is no news every week.
 *
 * @param entries all of the target
 */
export async function countSkipped(
  bucket: Bucket,
  target: string,
  entries: readonly LedgerEntry[],
  now: number,
): Promise<number> {
  const newest = newestBegun(entries);
  const since = Math.max(now - LOOK_BACK_MILLISECONDS, newest?.at ?? 0);
  // From the second after it: an incremental that was due with a full and gave way to it is not missed.
  const after = compactTime(since + 1000);
  const skipped = { full: 0, incremental: 0 };
  for (const kind of KINDS) {
    const prefix = claimsPrefix(target, kind);
    for await (const { key } of listObjects(bucket, prefix, undefined, `${prefix}${after}`))
      if (isSkippedKey(key)) skipped[kind] += 1;
  }
  return skipped.full + (newest?.kind === 'full' ? Math.min(1, skipped.incremental) : skipped.incremental);
}

interface Begun {
  readonly at: number;
  readonly kind: Kind;
}

/** By the earlier of two clocks, so that one that is ahead hides no skipped time. What failed before it began is in nobody's way. */
function newestBegun(entries: readonly LedgerEntry[]): Begun | undefined {
  let newest: Begun | undefined;
  for (const { kind, startedAt, states } of entries) {
    if (states.started === undefined) continue;
    const at = Math.min(startedAt, states.started);
    if (newest === undefined || at > newest.at) newest = { at, kind };
  }
  return newest;
}
