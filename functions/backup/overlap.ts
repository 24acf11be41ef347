/** Whether a backup of the target is still being written. */
import { ask, type ClickHouse } from '../../clients/clickhouse.ts';
import { everyReplica } from '../../clients/observation.ts';
import type { Target } from '../../core/config.ts';
import type { LedgerEntry } from '../../core/ledger.ts';

/**
 * The backup that is in the way, or undefined. The ledger says which ones have begun and not ended; whether one of them is
 * alive, only the server knows.
 */
export async function findRunning(
  clickhouse: ClickHouse,
  target: Target,
  entries: readonly LedgerEntry[],
): Promise<string | undefined> {
  const open = entries.filter(({ states }) => states.verified === undefined && states.failed === undefined);
  const ids = open.filter(({ states }) => states.removed === undefined).map(({ id }) => id);
  if (ids.length === 0) return undefined;
  const [running] = await ask<{ id: string }>(clickhouse, {
    query: `SELECT id FROM ${everyReplica(target, 'system.backups')} WHERE status = 'CREATING_BACKUP' AND id IN ({ids:Array(String)}) LIMIT 1`,
    parameters: { ids },
  });
  return running?.id;
}
