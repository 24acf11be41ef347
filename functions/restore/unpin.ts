/** Gives back what a restore held: its pins, and the databases. */
import { deleteObject, putOnce } from '../../clients/bucket.ts';
import { pinKey, restoreKey } from '../../core/keys.ts';
import type { RestoreOutcome, RestorePlan } from '../../core/restore.ts';
import { bucket } from '../environment.ts';
import { releaseHold } from './holds.ts';

/** Last of all: from then on nothing of the restore is open. */
export async function unpin(plan: RestorePlan, outcome: RestoreOutcome): Promise<void> {
  const { target, to, restore, backup, base, databases, dryRun } = plan;
  if (!dryRun) {
    for (const id of base === null ? [backup] : [backup, base])
      await deleteObject(bucket(), pinKey(target, id, restore));
    for (const database of databases) await releaseHold(bucket(), { to, restore, database: database.to });
  }
  await putOnce(bucket(), restoreKey(to, restore, 'ended'), {
    version: 1,
    at: new Date().toISOString(),
    outcome,
  });
}
