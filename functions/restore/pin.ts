/** Keeps retention away from the backup and its base, and other restores away from the databases that this one fills. */
import { putOnce } from '../../clients/bucket.ts';
import { readLedger } from '../../clients/ledger.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { pinKey } from '../../core/keys.ts';
import { stateOf } from '../../core/ledger.ts';
import type { RestorePlan } from '../../core/restore.ts';
import { restoreRunSchema } from '../../core/restore-workflow.ts';
import { bucket, target as readTarget } from '../environment.ts';
import { logger, step } from '../step.ts';
import { takeHold } from './holds.ts';
import { requireOpen, requirePlan } from './pages.ts';

/** For comparing, checking and cleaning up after the longest restore. */
const SPARE_HOURS = 6;

export const handler = step('pin', restoreRunSchema, async (run): Promise<{ pinned: number }> => {
  const plan = await requirePlan(run);
  await requireOpen(run);
  if (plan.dryRun) return { pinned: 0 };
  const { restore: limits } = await readTarget(plan.to);
  const lapsesAt = new Date(Date.now() + (limits.maxHours + SPARE_HOURS) * 3_600_000).toISOString();
  const ids = plan.base === null ? [plan.backup] : [plan.backup, plan.base];
  for (const id of ids)
    await putOnce(bucket(), pinKey(plan.target, id, plan.restore), {
      version: 1,
      holder: plan.restore,
      reason: `restore to ${plan.to}`,
      lapsesAt,
    });
  // Only now: a removal that began before the pin was there is seen here, one that begins later sees the pin.
  await requirePresent(plan, ids);
  const { to, restore, execution } = plan;
  for (const database of plan.databases)
    await takeHold(bucket(), { to, restore, execution, lapsesAt, database: database.to });
  logger.info('pinned', { restore, ids, lapsesAt });
  return { pinned: ids.length };
});

async function requirePresent({ target }: RestorePlan, ids: readonly string[]): Promise<void> {
  const { entries } = await readLedger(bucket(), target);
  for (const id of ids) {
    const states = entries.find((entry) => entry.id === id)?.states ?? {};
    if (states.removing === undefined && states.removed === undefined) continue;
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `The backup ${id} is ${stateOf(states)}: retention was there first.`,
      remedy: 'Choose another one: safehouse list shows those that are left.',
      error: 'BackupNotChosen',
    });
  }
}
