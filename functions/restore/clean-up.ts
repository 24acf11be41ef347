/**
 * Takes away what a restore that did not come to a good end had made: a second one would otherwise find tables half full. What
 * stood there before is never dropped.
 */
import { exists, getJson, putOnce } from '../../clients/bucket.ts';
import { ask, type ClickHouse, openClickHouse } from '../../clients/clickhouse.ts';
import { readStandingTables } from '../../clients/restore-destination.ts';
import { readRestoredTables } from '../../clients/restored-tables.ts';
import type { Target } from '../../core/config.ts';
import { restoreKey } from '../../core/keys.ts';
import {
  type Before,
  beforeSchema,
  type Cleaned,
  cleanedSchema,
  type Dropped,
  type RestorePlan,
} from '../../core/restore.ts';
import { type FilledTable, planCleanUp } from '../../core/restore-clean-up.ts';
import { type CleanedUp, restoreRunSchema } from '../../core/restore-workflow.ts';
import { bucket, target as readTarget } from '../environment.ts';
import { logger, step } from '../step.ts';
import { dropDatabase, dropTable, truncateStatement, truncateTable } from './drop.ts';
import { requirePlan, restorer } from './pages.ts';

export const handler = step('clean-up', restoreRunSchema, async (run): Promise<CleanedUp> => {
  const plan = await requirePlan(run);
  const key = restoreKey(run.to, run.restore, 'cleaned');
  const standing = await getJson(bucket(), key, cleanedSchema);
  const cleaned = standing ?? (await cleanUp(plan));
  await putOnce(bucket(), key, cleaned);
  return { dropped: cleaned.dropped.length, left: cleaned.left.length };
});

async function cleanUp(plan: RestorePlan): Promise<Cleaned> {
  const nothing: Cleaned = { version: 1, at: new Date().toISOString(), dropped: [], left: [] };
  const before = await getJson(bucket(), restoreKey(plan.to, plan.restore, 'before'), beforeSchema);
  // What was restored whole is a person's to judge, whether it differs or what followed failed. A drill is judged already.
  const isWhole = await exists(bucket(), restoreKey(plan.to, plan.restore, 'restored'));
  if (before === undefined || (isWhole && !plan.drill)) return nothing;
  const wasBegun =
    (await exists(bucket(), restoreKey(plan.to, plan.restore, 'submitted'))) ||
    (await exists(bucket(), restoreKey(plan.to, plan.restore, 'room')));
  if (!wasBegun) return nothing;
  const settings = restorer(await readTarget(plan.to));
  const clickhouse = await openClickHouse(settings, { requestMilliseconds: DROP_MILLISECONDS });
  try {
    return { ...nothing, ...(await takeAway(clickhouse, settings, plan, before)) };
  } finally {
    await clickhouse.client.close();
  }
}

/** DROP … SYNC of a large table waits until its files are gone. */
const DROP_MILLISECONDS = 240_000;

async function takeAway(
  clickhouse: ClickHouse,
  settings: Target,
  plan: RestorePlan,
  before: Before,
): Promise<Pick<Cleaned, 'dropped' | 'left'>> {
  const databases = await ask<{ name: string }>(clickhouse, { query: 'SELECT name FROM system.databases' });
  const now = {
    databases: databases.map(({ name }) => name),
    tables: await readStandingTables(clickhouse, settings, plan),
  };
  const filled = await readFilled(clickhouse, plan, before);
  const { dropTables, dropDatabases, truncate, leave } = planCleanUp(plan, before, now, filled);
  const dropped: Dropped[] = [];
  for (const { database, table } of dropTables) {
    await dropTable(clickhouse, settings, database, table);
    dropped.push({ kind: 'table', database, table });
  }
  for (const database of dropDatabases) {
    await dropDatabase(clickhouse, settings, database);
    dropped.push({ kind: 'database', database, table: null });
  }
  for (const { to } of truncate) {
    await truncateTable(clickhouse, settings, to.database, to.table);
    dropped.push({ kind: 'table', ...to });
  }
  logger.warn('cleaned up', { restore: plan.restore, dropped, left: leave.length });
  return {
    dropped,
    left: leave.map(({ table: { to }, rows }) => ({
      what: `${to.database}.${to.table} was empty before and has ${rows ?? 'uncounted'} rows now; they are not exactly those of the backup, so others may have written some of them`,
      statement: truncateStatement(settings, to.database, to.table),
    })),
  };
}

/**
 * Tables that stood there, empty, before. RESTORE fills a table at once or not at all, so one that holds exactly the parts of the
 * backup was filled by it.
 */
async function readFilled(clickhouse: ClickHouse, plan: RestorePlan, before: Before): Promise<FilledTable[]> {
  if (plan.mode === 'append' || plan.mode === 'new' || plan.mode === 'replace') return [];
  const stood = plan.tables.filter(
    ({ coverage, to }) =>
      coverage === 'data' &&
      before.tables.some(
        ({ database, table, engine }) =>
          database === to.database && table === to.table && !engine.endsWith('View'),
      ),
  );
  const found = await readRestoredTables(clickhouse, { ...plan, tables: stood });
  return stood.flatMap((table, index): FilledTable[] => {
    const { exists: isThere, rows, fingerprint } = found[index] ?? { exists: false };
    if (!isThere || rows === 0 || rows === undefined) return [];
    const isOurs =
      table.fingerprint !== null && table.fingerprint === fingerprint && table.partitions.length === 0;
    return [{ table, rows, isOurs }];
  });
}
