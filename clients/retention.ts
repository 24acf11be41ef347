/** Gathers from the bucket what the retention rules are asked about. */

import type { Target } from '../core/config.ts';
import type { LedgerEntry } from '../core/ledger.ts';
import { planRetention, type RetentionBackup, type RetentionPlan } from '../core/retention.ts';
import type { Bucket } from './bucket.ts';
import { mapConcurrently } from './concurrently.ts';
import { readEvidence, readLedger } from './ledger.ts';
import { readPins } from './pins.ts';

/** Evidence is read a few objects at a time: a year of hourly incrementals is 8,760 of them. */
const AT_ONCE = 32;

/**
 * The plan for a target as things stand. Whatever cannot be read ends it with an error: nothing is decided over half a
 * ledger.
 */
export async function planTarget(
  bucket: Bucket,
  target: string,
  settings: Target,
  now: number,
): Promise<{ plan: RetentionPlan; entries: readonly LedgerEntry[] }> {
  const { entries } = await readLedger(bucket, target);
  const backups = await mapConcurrently(entries, AT_ONCE, (entry) => toBackup(bucket, target, entry));
  const marked = entries.filter(
    ({ states }) => states.expiring !== undefined && states.removed === undefined,
  );
  const marks = await mapConcurrently(marked, AT_ONCE, async ({ id }) => {
    const mark = await readEvidence(bucket, target, id, 'expiring');
    return mark === undefined ? [] : [[id, { removeAfter: Date.parse(mark.removeAfter) }] as const];
  });
  const plan = planRetention({
    backups,
    rules: settings.retention,
    pins: await readPins(bucket, target),
    now,
    timeZone: settings.schedule.timeZone,
    complete: true,
    expiring: new Map(marks.flat()),
    runningHours: settings.maxHours + 1,
  });
  return { plan, entries };
}

async function toBackup(bucket: Bucket, target: string, entry: LedgerEntry): Promise<RetentionBackup> {
  const removing = entry.states.removing !== undefined;
  // What is removed stands on nothing, and its page in the ledger stays for ever.
  if (entry.kind === 'full' || entry.states.removed !== undefined) return { entry, base: null, removing };
  const started = await readEvidence(bucket, target, entry.id, 'started');
  return { entry, base: started?.base ?? null, removing };
}
