/**
 * Takes away what a restore that did not come to a good end had made: a second one would otherwise find tables half full. What
 * stood there before is never dropped.
 */
import { exists, getJson, putOnce } from '../../clients/bucket.ts';
import { ask, type ClickHouse, openClickHouse } from '../../clients/clickhouse.ts';
import { everyReplica } from '../../clients/observation.ts';
import { readDatabases, readStandingTables } from '../../clients/restore-destination.ts';
import { readRestoredTables } from '../../clients/restored-tables.ts';
import type { Target } from '../../core/config.ts';
import { restoreKey } from '../../core/keys.ts';
import {
  beforeSchema,
  type Cleaned,
  cleanedSchema,
  type Dropped,
  type RestorePlan,
  roomSchema,
  submittedSchema,
} from '../../core/restore.ts';
import { type CleanUpFacts, planCleanUp } from '../../core/restore-clean-up.ts';
import { replacedBy } from '../../core/restore-room.ts';
import { type CleanedUp, restoreRunSchema } from '../../core/restore-workflow.ts';
import { bucket, target as readTarget } from '../environment.ts';
import { logger, step } from '../step.ts';
import { DROP_MILLISECONDS, dropDatabase, dropTable, truncateTable } from './drop.ts';
import { requirePlan, restorer } from './pages.ts';
import { describeRemnant } from './remnants.ts';

export const handler = step('clean-up', restoreRunSchema, async (run): Promise<CleanedUp> => {
  const plan = await requirePlan(run);
  const key = restoreKey(run.to, run.restore, 'cleaned');
  const standing = await getJson(bucket(), key, cleanedSchema);
  const cleaned = standing ?? (await cleanUp(plan));
  await putOnce(bucket(), key, cleaned);
  return { dropped: cleaned.dropped.length, left: cleaned.left.length };
});

type BeforeCleanUp = Pick<CleanUpFacts, 'before' | 'room' | 'begun'>;

async function cleanUp(plan: RestorePlan): Promise<Cleaned> {
  const nothing: Cleaned = { version: 1, at: new Date().toISOString(), dropped: [], left: [] };
  const at = (object: 'before' | 'restored' | 'submitted' | 'room') =>
    restoreKey(plan.to, plan.restore, object);
  const before = await getJson(bucket(), at('before'), beforeSchema);
  // What was restored whole is a person's to judge, whether it differs or what followed failed. A drill is judged already.
  const isWhole = await exists(bucket(), at('restored'));
  if (before === undefined || (isWhole && !plan.drill)) return nothing;
  const mark = await getJson(bucket(), at('submitted'), submittedSchema);
  const submitted = mark?.never === true ? undefined : mark;
  const room = await getJson(bucket(), at('room'), roomSchema);
  // A replacement that broke off between two drops has left no page of it.
  const mayHaveDropped =
    plan.mode === 'replace' && !before.findings.some(({ weight }) => weight === 'blocks');
  if (submitted === undefined && room === undefined && !mayHaveDropped) return nothing;
  const settings = restorer(await readTarget(plan.to));
  const clickhouse = await openClickHouse(settings, { requestMilliseconds: DROP_MILLISECONDS });
  try {
    const facts: BeforeCleanUp = {
      before,
      room: room ?? { dropped: replacedBy(plan, before), created: [] },
      begun: submitted === undefined ? 'no' : await hasBegun(clickhouse, settings, plan, submitted.at),
    };
    return { ...nothing, ...(await takeAway(clickhouse, settings, plan, facts)) };
  } finally {
    await clickhouse.client.close();
  }
}

/**
 * A step that died between its mark and the statement has sent nothing. A server that was restarted since has forgotten what it
 * knew, and then the statement counts as begun, as it nearly always has.
 */
async function hasBegun(
  clickhouse: ClickHouse,
  settings: Target,
  { restore }: RestorePlan,
  submittedAt: string,
): Promise<'unknown' | 'yes'> {
  const [known] = await ask<{ rows: number }>(clickhouse, {
    query: `SELECT count() AS rows FROM ${everyReplica(settings, 'system.backups')} WHERE id = {restore:String}`,
    parameters: { restore },
  });
  if (Number(known?.rows ?? 0) > 0) return 'yes';
  const [server] = await ask<{ uptime: number }>(clickhouse, {
    query: `SELECT min(uptime()) AS uptime FROM ${everyReplica(settings, 'system.one')}`,
  });
  const sinceSubmit = (Date.now() - Date.parse(submittedAt)) / 1000;
  // Uptime counts whole seconds, and the two clocks are not the same.
  return Number(server?.uptime ?? 0) > sinceSubmit + 5 ? 'unknown' : 'yes';
}

async function takeAway(
  clickhouse: ClickHouse,
  settings: Target,
  plan: RestorePlan,
  facts: BeforeCleanUp,
): Promise<Pick<Cleaned, 'dropped' | 'left'>> {
  const now = {
    databases: await readDatabases(clickhouse, settings),
    tables: await readStandingTables(clickhouse, settings, plan),
  };
  // Also where only definitions were to be restored: rows in such a table are somebody's.
  const held = await readRestoredTables(clickhouse, { ...plan, structureOnly: false });
  const { dropTables, dropDatabases, truncate, leave } = planCleanUp(plan, { ...facts, now, held });
  const dropped: Dropped[] = [];
  for (const table of dropTables) {
    await dropTable(clickhouse, settings, table);
    dropped.push({ kind: 'table', database: table.database, table: table.table });
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
  return { dropped, left: leave.map((remnant) => describeRemnant(remnant, plan, settings)) };
}
