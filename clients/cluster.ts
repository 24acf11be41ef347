/** What the server knows of its cluster. */
import { SafehouseError } from '../core/errors.ts';
import { type ClusterReplica, writtenShards } from '../core/shards.ts';
import { ask, type ClickHouse } from './clickhouse.ts';

/**
 * The shards that a backup ON CLUSTER must have files of. Undefined when the server does not say: its user may not read
 * `system.clusters`, or the name is a macro, which that table does not know.
 */
export async function readWrittenShards(
  clickhouse: ClickHouse,
  cluster: string,
): Promise<number[] | undefined> {
  try {
    const replicas = await ask<ClusterReplica>(clickhouse, {
      query:
        'SELECT shard_num AS shard, replica_num AS replica, host_name AS host, port FROM system.clusters WHERE cluster = {cluster:String}',
      parameters: { cluster },
    });
    return replicas.length === 0 ? undefined : writtenShards(replicas);
  } catch (error) {
    if (error instanceof SafehouseError && error.failure.error === 'ACCESS_DENIED') return undefined;
    throw error;
  }
}
