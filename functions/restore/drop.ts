import { type ClickHouse, tell } from '../../clients/clickhouse.ts';
import type { Target } from '../../core/config.ts';
import { quoteIdentifier } from '../../core/identifiers.ts';

/** A profile may forbid to drop what is large: 50 GB is ClickHouse's own default. */
const ANY_SIZE = { max_table_size_to_drop: 0, max_partition_size_to_drop: 0 } as const;

const onCluster = ({ cluster }: Target): string =>
  cluster === undefined ? '' : ` ON CLUSTER ${quoteIdentifier(cluster)}`;

/** SYNC, because what is merely marked as dropped keeps its place in Keeper and on the disk for eight minutes. */
export const dropDatabase = (clickhouse: ClickHouse, settings: Target, database: string): Promise<void> =>
  tell(clickhouse, {
    query: `DROP DATABASE IF EXISTS ${quoteIdentifier(database)}${onCluster(settings)} SYNC`,
    settings: ANY_SIZE,
  });

export const dropTable = (
  clickhouse: ClickHouse,
  settings: Target,
  database: string,
  table: string,
): Promise<void> =>
  tell(clickhouse, {
    query: `DROP TABLE IF EXISTS ${quoteIdentifier(database)}.${quoteIdentifier(table)}${onCluster(settings)} SYNC`,
    settings: ANY_SIZE,
  });

export const truncateStatement = (settings: Target, database: string, table: string): string =>
  `TRUNCATE TABLE ${quoteIdentifier(database)}.${quoteIdentifier(table)}${onCluster(settings)}`;

export const truncateTable = (
  clickhouse: ClickHouse,
  settings: Target,
  database: string,
  table: string,
): Promise<void> =>
  tell(clickhouse, { query: `${truncateStatement(settings, database, table)} SYNC`, settings: ANY_SIZE });
