/** Decides about every backup of a target, marks what is no longer wanted, and says what may go now. */
import { deleteObject } from '../../clients/bucket.ts';
import { record } from '../../clients/ledger.ts';
import { planTarget } from '../../clients/retention.ts';
import { explainIssues } from '../../core/config-problems.ts';
import { ERROR_NAMES } from '../../core/errors.ts';
import { ABANDONED } from '../../core/failure.ts';
import { ledgerKey } from '../../core/keys.ts';
import type { LedgerEntry } from '../../core/ledger.ts';
import type { Decision } from '../../core/retention.ts';
import { planInputSchema, type Removal, retentionInputSchema } from '../../core/workflow.ts';
import { bucket, target as readTarget } from '../environment.ts';
import { logger, step } from '../step.ts';

export const handler = step('plan', planInputSchema, async ({ execution, input }): Promise<Removal> => {
  const { target } = explainIssues(
    retentionInputSchema,
    input,
    'The input of the execution',
    ERROR_NAMES.input,
  );
  const settings = await readTarget(target);
  const { plan, entries } = await planTarget(bucket(), target, settings, Date.now());
  for (const decision of plan.decisions) await mark(target, execution, decision);
  await closeAbandoned(target, execution, plan.abandoned, entries);
  const remove = removalOrder(plan.decisions, entries);
  logger.info('planned', { held: plan.held, ...count(plan.decisions) });
  return {
    execution,
    target,
    remove,
    marked: plan.decisions.filter(({ action }) => action === 'expire').length,
    kept: plan.decisions.filter(({ action }) => action === 'keep' || action === 'restore').length,
    removed: [],
    done: remove.length === 0,
  };
});

async function mark(target: string, execution: string, decision: Decision): Promise<void> {
  const { id, action, reasons, removeAfter } = decision;
  if (action === 'expire' && removeAfter !== undefined)
    await record(bucket(), target, id, 'expiring', {
      by: execution,
      reason: reasons.join('; '),
      removeAfter: new Date(removeAfter).toISOString(),
    });
  if (action === 'restore') await deleteObject(bucket(), ledgerKey(target, id, 'expiring'));
}

/** A backup that began and never ended is said to have failed, so that it is seen and not only silently swept away. */
async function closeAbandoned(
  target: string,
  execution: string,
  abandoned: readonly string[],
  entries: readonly LedgerEntry[],
): Promise<void> {
  const ids = new Set(abandoned);
  for (const { id, states } of entries)
    if (ids.has(id) && states.failed === undefined)
      await record(bucket(), target, id, 'failed', {
        by: execution,
        step: 'plan',
        class: 'new attempt',
        error: ABANDONED,
        what: `The backup ${id} was begun and never came to an end: its execution died or was stopped.`,
        remedy:
          'Nothing, if somebody stopped it. Its leftovers are removed after the grace period, unless somebody keeps them.',
        final: true,
      });
}

/** Execution state holds 256 KiB; the rest goes with the next run. */
const MOST_IN_ONE_RUN = 500;

/** Incrementals before the full ones, so that a chain never stands without its base. */
function removalOrder(decisions: readonly Decision[], entries: readonly LedgerEntry[]): Removal['remove'] {
  const kinds = new Map(entries.map(({ id, kind }) => [id, kind]));
  return decisions
    .filter(({ action }) => action === 'remove')
    .sort((a, b) => Number(kinds.get(a.id) === 'full') - Number(kinds.get(b.id) === 'full'))
    .slice(0, MOST_IN_ONE_RUN)
    .map(({ id, reasons }) => ({ id, reason: reasons.join('; ').slice(0, 200) }));
}

function count(decisions: readonly Decision[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { action } of decisions) counts[action] = (counts[action] ?? 0) + 1;
  return counts;
}
