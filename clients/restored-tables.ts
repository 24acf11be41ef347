/** What stands in the tables that were restored. */
import type { Target } from '../core/config.ts';
import { isTrouble } from '../core/engine-trouble.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { quoteIdentifier } from '../core/identifiers.ts';
import type { CheckedTable, PlannedTable, RestorePlan, RestoreReport } from '../core/restore.ts';
import { type RestoredPart, type RestoredTable, unmergedParts } from '../core/restore-comparison.ts';
import { ask, type ClickHouse } from './clickhouse.ts';
import { mapConcurrently } from './concurrently.ts';
import { everyReplica } from './observation.ts';

/** Counts under way at once: each is answered from what the server keeps in memory. */
const AT_ONCE = 8;

/** The same expression as a proof's, so that equal parts have equal fingerprints. */
const FINGERPRINT =
  'lower(hex(cityHash64(arraySort(groupArray((p.partition_id, p.rows, p.hash_of_all_files))))))';

const ABSENT: RestoredTable = {
  exists: false,
  rows: null,
  parts: null,
  bytes: null,
  fingerprint: null,
  restoredFingerprint: null,
};

interface PartsRow {
  readonly database: string;
  readonly table: string;
  readonly parts: number;
  readonly bytes: number;
  readonly fingerprint: string;
}

/** In the order of the plan's tables. */
export async function readRestoredTables(
  clickhouse: ClickHouse,
  { databases, tables, structureOnly }: RestorePlan,
): Promise<RestoredTable[]> {
  const parameters = { databases: databases.map(({ to }) => to) };
  const existing = await ask<{ database: string; name: string }>(clickhouse, {
    query: 'SELECT database, name FROM system.tables WHERE database IN ({databases:Array(String)})',
    parameters,
  });
  const shown = new Set(existing.map(({ database, name }) => keyOf(database, name)));
  const parts = await ask<PartsRow>(clickhouse, {
    query: `SELECT p.database AS database, p.table AS table, count() AS parts, sum(p.bytes_on_disk) AS bytes, ${FINGERPRINT} AS fingerprint
            FROM system.parts AS p WHERE p.database IN ({databases:Array(String)}) AND p.active GROUP BY p.database, p.table`,
    parameters,
  });
  const byTable = new Map(parts.map((row) => [keyOf(row.database, row.table), row]));
  return mapConcurrently(tables, AT_ONCE, async (table): Promise<RestoredTable> => {
    const key = keyOf(table.to.database, table.to.table);
    if (!shown.has(key)) return ABSENT;
    const row = byTable.get(key);
    const found = {
      exists: true,
      parts: row?.parts ?? null,
      bytes: row?.bytes ?? null,
      fingerprint: row?.fingerprint ?? null,
    };
    if (structureOnly || table.coverage !== 'data')
      return { ...found, rows: null, restoredFingerprint: null };
    const rows = await countRows(clickhouse, table);
    const isAsProven = table.fingerprint === null || table.fingerprint === found.fingerprint;
    const restoredFingerprint = isAsProven ? null : await fingerprintBeforeMerges(clickhouse, table);
    return { ...found, rows, restoredFingerprint };
  });
}

const keyOf = (database: string, table: string): string => JSON.stringify([database, table]);

const nameOf = ({ database, table }: PlannedTable['to']): string =>
  `${quoteIdentifier(database)}.${quoteIdentifier(table)}`;

/** Of partitions, where only those were restored. */
async function countRows(clickhouse: ClickHouse, { to, partitions }: PlannedTable): Promise<number | null> {
  const only = partitions.length > 0 ? ' WHERE _partition_id IN ({partitions:Array(String)})' : '';
  const [row] = await ask<{ rows: number }>(clickhouse, {
    query: `SELECT count() AS rows FROM ${nameOf(to)}${only}`,
    parameters: { partitions },
  });
  return row === undefined ? null : Number(row.rows);
}

async function fingerprintBeforeMerges(clickhouse: ClickHouse, { to }: PlannedTable): Promise<string | null> {
  const parts = await ask<RestoredPart>(clickhouse, {
    query: `SELECT name, partition_id AS partition, min_block_number AS minBlock, max_block_number AS maxBlock, level, active = 1 AS active
            FROM system.parts WHERE database = {database:String} AND table = {table:String}`,
    parameters: { ...to },
  });
  const names = unmergedParts(parts.map((part) => ({ ...part, active: Boolean(part.active) })));
  if (names === undefined || names.length === 0) return null;
  const [row] = await ask<{ fingerprint: string }>(clickhouse, {
    query: `SELECT ${FINGERPRINT} AS fingerprint FROM system.parts AS p
            WHERE p.database = {database:String} AND p.table = {table:String} AND p.name IN ({names:Array(String)})`,
    parameters: { ...to, names },
  });
  return row?.fingerprint ?? null;
}

/** Engines whose bytes CHECK TABLE reads. */
export const isCheckable = ({ engine, coverage }: PlannedTable): boolean =>
  coverage === 'data' && (engine.endsWith('MergeTree') || engine.endsWith('Log'));

/** Whoever asks has as long. ClickHouse ends it by itself: what is only no longer waited for would go on beside its repetition. */
export const LONGEST_CHECK_SECONDS = 830;

/** What ClickHouse says when files are not what their checksums say, where it does not put that into a row. */
const DAMAGE =
  /^(?:CHECKSUM_DOESNT_MATCH|CORRUPTED_DATA|ATTEMPT_TO_READ_AFTER_EOF|CANNOT_READ_ALL_DATA|UNEXPECTED_END_OF_FILE|CANNOT_DECOMPRESS|UNKNOWN_CODEC|TOO_LARGE_SIZE_COMPRESSED|INCORRECT_DATA|(?:NO|BAD_SIZE_OF|UNEXPECTED)_FILE_IN_DATA_PART|SIZES_OF_(?:COLUMNS|MARKS)_\w+)$/;

/**
 * Reads a table to its last byte.
 *
 * @throws {SafehouseError} Refused, TemporarilyUnavailable, when it could not be read: that is no damage
 */
export async function checkTable(clickhouse: ClickHouse, { to }: PlannedTable): Promise<CheckedTable> {
  try {
    const rows = await ask<{ part_path: string; is_passed: number; message: string }>(clickhouse, {
      query: `CHECK TABLE ${nameOf(to)} SETTINGS check_query_single_value_result = 0, max_execution_time = ${LONGEST_CHECK_SECONDS}`,
    });
    const failed = rows.filter(({ is_passed }) => is_passed !== 1);
    const trouble = failed.find(({ message }) => isTrouble({ error: '', text: message }));
    if (trouble !== undefined) throw unreadable(to, trouble.message.slice(0, 300));
    return {
      ...to,
      passed: failed.length === 0,
      what:
        failed.length === 0
          ? `${rows.length} parts were read to the last byte`
          : `${failed[0]?.part_path}: ${failed[0]?.message.slice(0, 300)}${failed.length > 1 ? `; and ${failed.length - 1} more` : ''}`,
    };
  } catch (error) {
    if (!(error instanceof SafehouseError)) throw error;
    if (error.failure.error === 'TIMEOUT_EXCEEDED') throw tooLarge(to);
    if (!DAMAGE.test(error.failure.error)) throw error;
    return { ...to, passed: false, what: error.failure.what };
  }
}

const unreadable = ({ database, table }: PlannedTable['to'], message: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.unavailable, {
    what: `${database}.${table} could not be read to its last byte: ${message}`,
    remedy: "It is tried again; if that fails too, look at the server's memory, disks and network.",
  });

const tooLarge = (to: PlannedTable['to']): SafehouseError =>
  new SafehouseError(ERROR_NAMES.refused, {
    what: `${to.database}.${to.table} could not be read to its last byte within ${Math.floor(LONGEST_CHECK_SECONDS / 60)} minutes.`,
    remedy: `What was restored is in place. Read it by hand (CHECK TABLE ${nameOf(to)}), and restore without \`check\`.`,
    error: 'TIMEOUT_EXCEEDED',
  });

interface ReplicaRow {
  readonly table: string;
  readonly total: number;
  readonly active: number;
  readonly queued: number;
  readonly readonly: number;
  readonly lowest: number | null;
  readonly highest: number | null;
}

/** Whether every replica of the replicated tables is there and has the same rows; shards have other rows and another path. */
export async function readReplication(
  clickhouse: ClickHouse,
  settings: Target,
  { databases }: RestorePlan,
): Promise<RestoreReport['replicas']> {
  const rows = await ask<ReplicaRow>(clickhouse, {
    query: `
      SELECT concat(r.database, '.', r.table) AS table, max(r.total_replicas) AS total, min(r.active_replicas) AS active,
             max(r.queue_size) AS queued, max(r.is_readonly) AS readonly, min(t.total_rows) AS lowest, max(t.total_rows) AS highest
      FROM (SELECT concat(hostName(), ':', toString(tcpPort())) AS server, * FROM ${everyReplica(settings, 'system.replicas')}) AS r
      LEFT JOIN (SELECT concat(hostName(), ':', toString(tcpPort())) AS server, database, name, total_rows FROM ${everyReplica(settings, 'system.tables')}
                 WHERE database IN ({databases:Array(String)})) AS t
        ON t.server = r.server AND t.database = r.database AND t.name = r.table
      WHERE r.database IN ({databases:Array(String)}) GROUP BY r.database, r.table, r.zookeeper_path ORDER BY table, r.zookeeper_path`,
    parameters: { databases: databases.map(({ to }) => to) },
  });
  return rows.map(({ table, total, active, queued, readonly: isReadonly, lowest, highest }) => {
    const wrong = [
      ...(active < total ? [`${active} of ${total} replicas are active`] : []),
      ...(isReadonly > 0 ? ['a replica is read-only'] : []),
      ...(lowest !== highest ? [`its replicas hold from ${lowest} to ${highest} rows`] : []),
      ...(queued > 0 ? [`${queued} entries wait in a queue`] : []),
    ];
    return {
      table,
      healthy: wrong.length === 0,
      what:
        wrong.length === 0
          ? `${total} of ${total} replicas are active, with the same rows`
          : wrong.join('; '),
    };
  });
}
