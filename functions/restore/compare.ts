/** Holds what was restored against what the backup was proven to hold; called again until every table is read. */
import { getJson, putOnce } from '../../clients/bucket.ts';
import { type ClickHouse, openClickHouse } from '../../clients/clickhouse.ts';
import { mapConcurrently } from '../../clients/concurrently.ts';
import {
  checkTable,
  isCheckable,
  LONGEST_CHECK_SECONDS,
  readReplication,
  readRestoredTables,
} from '../../clients/restored-tables.ts';
import type { Target } from '../../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { restoreCheckKey, restoreKey } from '../../core/keys.ts';
import {
  BAD_COMPARISONS,
  type CheckedTable,
  checkedTableSchema,
  comparisonSchema,
  type RestoreComparison,
  type RestorePlan,
} from '../../core/restore.ts';
import { compareTable } from '../../core/restore-comparison.ts';
import { type Compared, compareInputSchema } from '../../core/restore-workflow.ts';
import { bucket, target as readTarget } from '../environment.ts';
import { logger, step } from '../step.ts';
import { askAssertions } from './assertions.ts';
import { requirePlan, restorer } from './pages.ts';
import { readRestoreSeconds } from './seconds.ts';

/** Pages read at once: there may be thousands. */
const AT_ONCE = 32;
/** Further tables are left to the next call, before this one has used up its time. */
const LONGEST_MILLISECONDS = 45_000;
/** With the time before it less than the 15 minutes of a function, and more than ClickHouse takes to give up by itself. */
const LONGEST_CHECK_MILLISECONDS = (LONGEST_CHECK_SECONDS + 10) * 1000;

export const handler = step('compare', compareInputSchema, async (run): Promise<Compared> => {
  const plan = await requirePlan(run);
  const settings = restorer(await readTarget(plan.to));
  const clickhouse = await openClickHouse(settings, { requestMilliseconds: LONGEST_CHECK_MILLISECONDS });
  try {
    const checks = await readChecks(clickhouse, plan);
    const checked = checks.size;
    if (checks.size < checkable(plan).length)
      return { outcome: 'equal', done: false, checked, differences: 0 };
    const comparison = await compareOnce(clickhouse, settings, plan, checks);
    if (plan.drill) requireSomething(plan, comparison);
    const differences = differencesIn(comparison);
    logger.info('compared', { restore: plan.restore, tables: comparison.tables.length, differences });
    return { outcome: differences === 0 ? 'equal' : 'different', done: true, checked, differences };
  } finally {
    await clickhouse.client.close();
  }
});

const checkable = ({ check, structureOnly, tables }: RestorePlan): number[] =>
  check && !structureOnly ? tables.flatMap((table, index) => (isCheckable(table) ? [index] : [])) : [];

/** What CHECK TABLE has said so far; what a call before this one has read is not read again. Each call reads one table at least. */
async function readChecks(
  clickhouse: ClickHouse,
  plan: RestorePlan,
): Promise<ReadonlyMap<number, CheckedTable>> {
  const indexes = checkable(plan);
  const keyOf = (index: number): string => restoreCheckKey(plan.to, plan.restore, index);
  const standing = await mapConcurrently(indexes, AT_ONCE, (index) =>
    getJson(bucket(), keyOf(index), checkedTableSchema),
  );
  const checks = new Map<number, CheckedTable>();
  for (const [at, index] of indexes.entries()) {
    const checked = standing[at];
    if (checked !== undefined) checks.set(index, checked);
  }
  const began = Date.now();
  for (const index of indexes.filter((each) => !checks.has(each))) {
    if (Date.now() - began > LONGEST_MILLISECONDS) break;
    const checked = await checkTable(clickhouse, plan.tables[index] ?? raise(index));
    await putOnce(bucket(), keyOf(index), checked);
    checks.set(index, checked);
  }
  return checks;
}

async function compareOnce(
  clickhouse: ClickHouse,
  settings: Target,
  plan: RestorePlan,
  checks: ReadonlyMap<number, CheckedTable>,
): Promise<RestoreComparison> {
  const key = restoreKey(plan.to, plan.restore, 'compared');
  const standing = await getJson(bucket(), key, comparisonSchema);
  if (standing !== undefined) return standing;
  const found = await readRestoredTables(clickhouse, plan);
  const options = { structureOnly: plan.structureOnly, append: plan.mode === 'append' };
  const comparison: RestoreComparison = {
    version: 1,
    at: new Date().toISOString(),
    tables: plan.tables.map((table, index) =>
      compareTable(table, found[index] ?? raise(index), options, checks.get(index)),
    ),
    replicas: await readReplication(clickhouse, settings, plan),
    assertions: await askAssertions(settings, await readTarget(plan.target), plan),
    restoreSeconds: await readRestoreSeconds(clickhouse, settings, plan.restore),
  };
  await putOnce(bucket(), key, comparison);
  return comparison;
}

function raise(index: number): never {
  throw new Error(`the table ${index} of the plan was not looked at`);
}

/**
 * A replica that lags catches up by itself, and an assertion over the age of the data cannot hold for an old backup: both are in
 * the report, and neither is a difference.
 */
const differencesIn = ({ tables }: RestoreComparison): number =>
  tables.filter(({ comparison }) => BAD_COMPARISONS.includes(comparison)).length;

/** A drill that has held no rows against the backup's, and read none, proves nothing and must not look as if it had. */
function requireSomething({ restore, backup }: RestorePlan, { tables }: RestoreComparison): void {
  const isJudged = tables.some(
    ({ comparison, checked }) => checked || (comparison !== 'definition' && comparison !== 'not counted'),
  );
  if (isJudged) return;
  throw new SafehouseError(ERROR_NAMES.refused, {
    what: `The drill ${restore} has compared nothing: ${backup} has no table whose rows were counted when it was proven, and none that CHECK TABLE reads.`,
    remedy: `Prove it first (safehouse prove ${backup}), and look at what the target backs up (safehouse show ${backup}).`,
    error: 'NothingCompared',
  });
}
