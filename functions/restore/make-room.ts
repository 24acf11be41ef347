/** Drops what is replaced, once, and makes the databases that the statement itself does not make. */
import { exists, getJson, putOnce } from '../../clients/bucket.ts';
import { type ClickHouse, openClickHouse, tell } from '../../clients/clickhouse.ts';
import type { Target } from '../../core/config.ts';
import { quoteIdentifier } from '../../core/identifiers.ts';
import { restoreKey } from '../../core/keys.ts';
import { type Before, type Dropped, type RestorePlan, roomSchema } from '../../core/restore.ts';
import { restoreRunSchema } from '../../core/restore-workflow.ts';
import { bucket, target as readTarget } from '../environment.ts';
import { logger, step } from '../step.ts';
import { DROP_MILLISECONDS, dropDatabase, dropTable } from './drop.ts';
import { requireBefore, requireOpen, requirePlan, restorer } from './pages.ts';

export interface Room {
  readonly dropped: number;
  readonly created: number;
}

export const handler = step('make-room', restoreRunSchema, async (run): Promise<Room> => {
  const plan = await requirePlan(run);
  const key = restoreKey(run.to, run.restore, 'room');
  const standing = await getJson(bucket(), key, roomSchema);
  await requireOpen(run);
  if (standing !== undefined) return { dropped: standing.dropped.length, created: standing.created.length };
  // Whatever was restored since must not be dropped by a step that is repeated late.
  if (await exists(bucket(), restoreKey(run.to, run.restore, 'submitted'))) return { dropped: 0, created: 0 };
  const settings = restorer(await readTarget(plan.to));
  const clickhouse = await openClickHouse(settings, { requestMilliseconds: DROP_MILLISECONDS });
  try {
    const dropped =
      plan.mode === 'replace' ? await dropReplaced(clickhouse, settings, plan, await requireBefore(run)) : [];
    const created = await createDatabases(clickhouse, settings, plan);
    await putOnce(bucket(), key, { version: 1, at: new Date().toISOString(), dropped, created });
    return { dropped: dropped.length, created: created.length };
  } finally {
    await clickhouse.client.close();
  }
});

/** Only what the preflight has shown, and `confirm` has named. */
async function dropReplaced(
  clickhouse: ClickHouse,
  settings: Target,
  { databases, tables }: RestorePlan,
  before: Before,
): Promise<Dropped[]> {
  const dropped: Dropped[] = [];
  for (const { to: database, whole } of databases.filter(({ to }) => before.databases.includes(to))) {
    if (whole) {
      await dropDatabase(clickhouse, settings, database);
      dropped.push({ kind: 'database', database, table: null });
      continue;
    }
    for (const { to } of tables.filter((table) => table.to.database === database)) {
      const isThere = before.tables.some((there) => there.database === database && there.table === to.table);
      if (!isThere) continue;
      await dropTable(clickhouse, settings, database, to.table);
      dropped.push({ kind: 'table', database, table: to.table });
    }
  }
  logger.warn('dropped to be replaced', { dropped });
  return dropped;
}

/** RESTORE TABLE makes no database; under a new name there is none yet. */
async function createDatabases(
  clickhouse: ClickHouse,
  { cluster }: Target,
  { mode, databases }: RestorePlan,
): Promise<string[]> {
  const names = mode === 'new' ? databases.filter(({ whole }) => !whole).map(({ to }) => to) : [];
  const onCluster = cluster === undefined ? '' : ` ON CLUSTER ${quoteIdentifier(cluster)}`;
  for (const name of names)
    await tell(clickhouse, { query: `CREATE DATABASE IF NOT EXISTS ${quoteIdentifier(name)}${onCluster}` });
  return names;
}
