/** Drops what is replaced, once, and makes the databases that the statement itself does not make. */
import { exists, getJson, putOnce } from '../../clients/bucket.ts';
import { type ClickHouse, openClickHouse, tell } from '../../clients/clickhouse.ts';
import type { Target } from '../../core/config.ts';
import { quoteIdentifier } from '../../core/identifiers.ts';
import { restoreKey } from '../../core/keys.ts';
import { type Dropped, type RestorePlan, roomSchema } from '../../core/restore.ts';
import { type Replaced, replacedBy } from '../../core/restore-room.ts';
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
      plan.mode === 'replace'
        ? await dropReplaced(clickhouse, settings, replacedBy(plan, await requireBefore(run)))
        : [];
    const created = await createDatabases(clickhouse, settings, plan);
    await putOnce(bucket(), key, { version: 1, at: new Date().toISOString(), dropped, created });
    return { dropped: dropped.length, created: created.length };
  } finally {
    await clickhouse.client.close();
  }
});

async function dropReplaced(
  clickhouse: ClickHouse,
  settings: Target,
  replaced: readonly Replaced[],
): Promise<Dropped[]> {
  for (const { database, table, engine } of replaced)
    if (table === null || engine === null) await dropDatabase(clickhouse, settings, database);
    else await dropTable(clickhouse, settings, { database, table, engine });
  const dropped = replaced.map(({ kind, database, table }) => ({ kind, database, table }));
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
