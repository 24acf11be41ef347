import { ask, type ClickHouse } from '../../clients/clickhouse.ts';
import { everyReplica } from '../../clients/observation.ts';
import type { Target } from '../../core/config.ts';

/** How long ClickHouse itself worked on it; null when no server remembers. */
export async function readRestoreSeconds(
  clickhouse: ClickHouse,
  settings: Target,
  restore: string,
): Promise<number | null> {
  const [row] = await ask<{ seconds: number }>(clickhouse, {
    query: `SELECT dateDiff('millisecond', start_time, end_time) / 1000 AS seconds
            FROM ${everyReplica(settings, 'system.backups')} WHERE id = {restore:String} AND status = 'RESTORED' LIMIT 1`,
    parameters: { restore },
  });
  return row === undefined ? null : Number(row.seconds);
}
