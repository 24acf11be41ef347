/** One look at `system.backups`: the row, and who answered. */

import type { Target } from '../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { quoteString } from '../core/identifiers.ts';
import type { BackupRow, Observation } from '../core/poll.ts';
import { ask, type ClickHouse } from './clickhouse.ts';

export interface BackupAnswer extends Observation {
  readonly row: (BackupRow & { readonly startTime: string; readonly endTime: string }) | null;
}

interface AnswerRow {
  readonly server: string;
  readonly uptime: number;
  readonly status: string;
  readonly error: string;
  readonly files: number;
  readonly bytes: number;
  readonly alive: number;
  readonly startTime: string;
  readonly endTime: string;
}

/** A system table of the server, or of every replica where a cluster is named. */
export const everyReplica = ({ cluster }: Pick<Target, 'cluster'>, table: string): string =>
  cluster === undefined ? table : `clusterAllReplicas(${quoteString(cluster)}, ${table})`;

/**
 * One statement, so that one server answers all of it: the row is null when that server does not know the backup. `error` is
 * cut before its stack trace, which can be many kilobytes.
 */
export async function observeBackup(
  clickhouse: ClickHouse,
  target: Target,
  id: string,
): Promise<BackupAnswer> {
  const rows = await ask<AnswerRow>(clickhouse, {
    query: `
      SELECT toString(serverUUID()) AS server, uptime() AS uptime, b.status AS status, b.error AS error,
             b.files AS files, b.bytes AS bytes, b.alive AS alive, b.start AS startTime, b.end AS endTime
      FROM (SELECT 1 AS one) AS answer
      LEFT JOIN (
        SELECT 1 AS one, toString(status) AS status, substring(splitByString(', Stack trace', error)[1], 1, 4000) AS error,
               greatest(num_files, files_read) AS files, greatest(total_size, bytes_read) AS bytes,
               query_id IN (SELECT query_id FROM ${everyReplica(target, 'system.processes')}) AS alive,
               toString(start_time, 'UTC') AS start, toString(end_time, 'UTC') AS end
        FROM ${everyReplica(target, 'system.backups')} WHERE id = {id:String}
      ) AS b USING one`,
    parameters: { id },
    // A user's profile may turn it on, and then what is missing would be null instead of empty.
    settings: { join_use_nulls: 0 },
  });
  const [row] = rows;
  if (row === undefined)
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `${clickhouse.url} answered without a row when it was asked for the backup ${id}.`,
      remedy: 'Look at what stands between Safehouse and ClickHouse.',
    });
  const { server, uptime, alive, ...rest } = row;
  return {
    server,
    uptime,
    everywhere: target.cluster !== undefined,
    row: row.status === '' ? null : { ...rest, alive: alive === 1 },
  };
}
