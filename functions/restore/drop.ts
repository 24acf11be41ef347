import { type ClickHouse, tell } from '../../clients/clickhouse.ts';
import type { Target } from '../../core/config.ts';
import { quoteIdentifier, quoteString } from '../../core/identifiers.ts';

/** DROP … SYNC of a large table waits until its files are gone. */
export const DROP_MILLISECONDS = 240_000;

const AS_TOLD = {
  // A profile may forbid to drop what is large: 50 GB is ClickHouse's own default.
  max_table_size_to_drop: 0,
  max_partition_size_to_drop: 0,
  // A dictionary holds the table that it reads (HAVE_DEPENDENT_OBJECTS, measured on 26.7), and is either dropped too or finds the
  // table of that name again.
  check_table_dependencies: 0,
  check_referential_table_dependencies: 0,
} as const;

const onCluster = ({ cluster }: Target): string =>
  cluster === undefined ? '' : ` ON CLUSTER ${quoteIdentifier(cluster)}`;

const placeOf = (settings: Target, database: string, table: string): string =>
  `${quoteIdentifier(database)}.${quoteIdentifier(table)}${onCluster(settings)}`;

/** SYNC, because what is merely marked as dropped keeps its place in Keeper and on the disk for eight minutes. */
export const dropDatabaseStatement = (settings: Target, database: string): string =>
  `DROP DATABASE IF EXISTS ${quoteIdentifier(database)}${onCluster(settings)} SYNC`;

interface DroppedTable {
  readonly database: string;
  readonly table: string;
  readonly engine: string;
}

/** A dictionary is no table to DROP (CANNOT_DETACH_DICTIONARY_AS_TABLE); a view is. */
export const dropTableStatement = (settings: Target, { database, table, engine }: DroppedTable): string =>
  `DROP ${engine === 'Dictionary' ? 'DICTIONARY' : 'TABLE'} IF EXISTS ${placeOf(settings, database, table)} SYNC`;

export const truncateStatement = (settings: Target, database: string, table: string): string =>
  `TRUNCATE TABLE ${placeOf(settings, database, table)}`;

export const dropPartitionStatement = (
  settings: Target,
  database: string,
  table: string,
  id: string,
): string => `ALTER TABLE ${placeOf(settings, database, table)} DROP PARTITION ID ${quoteString(id)}`;

export const dropDatabase = (clickhouse: ClickHouse, settings: Target, database: string): Promise<void> =>
  tell(clickhouse, { query: dropDatabaseStatement(settings, database), settings: AS_TOLD });

export const dropTable = (clickhouse: ClickHouse, settings: Target, table: DroppedTable): Promise<void> =>
  tell(clickhouse, { query: dropTableStatement(settings, table), settings: AS_TOLD });

export const truncateTable = (
  clickhouse: ClickHouse,
  settings: Target,
  database: string,
  table: string,
): Promise<void> =>
  tell(clickhouse, { query: `${truncateStatement(settings, database, table)} SYNC`, settings: AS_TOLD });
