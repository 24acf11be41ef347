/** What the target's server says of itself. */

import { isAtLeast, OLDEST_VERSION } from '../core/clickhouse-version.ts';
import type { Target } from '../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { type Scope, type ServerTable, selectScope } from '../core/scope.ts';
import { ask, type ClickHouse } from './clickhouse.ts';

export interface Server {
  readonly version: string;
  readonly server: string;
  readonly host: string;
}

/** @throws {SafehouseError} Refused, when the server is too old */
export async function readServer(clickhouse: ClickHouse): Promise<Server> {
  const [row] = await ask<Server>(clickhouse, {
    query: 'SELECT version() AS version, toString(serverUUID()) AS server, hostName() AS host',
  });
  if (row === undefined)
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `${clickhouse.url} answered without a row when it was asked for its version.`,
      remedy: 'Look at what stands between Safehouse and ClickHouse.',
    });
  if (!isAtLeast(row.version, OLDEST_VERSION))
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `${clickhouse.url} is ClickHouse ${row.version}.`,
      remedy: `Safehouse needs ${OLDEST_VERSION} or newer: older ones lack settings that keep a backup from hanging.`,
      error: 'UnsupportedVersion',
    });
  return row;
}

/**
 * What of the server the backup holds.
 *
 * @throws {SafehouseError} Refused, when a database or table that the target names is missing, or when nothing is in scope
 */
export async function readScope(clickhouse: ClickHouse, target: Target): Promise<Scope> {
  const databases = await ask<{ name: string }>(clickhouse, {
    query:
      "SELECT name FROM system.databases WHERE engine IN ('Atomic', 'Ordinary', 'Replicated', 'Shared', 'Memory')",
  });
  const tables = await ask<ServerTable>(clickhouse, {
    query: 'SELECT database, name, engine FROM system.tables WHERE NOT is_temporary ORDER BY database, name',
  });
  const scope = selectScope(
    target,
    databases.map(({ name }) => name),
    tables,
  );
  if (scope.missing.length > 0)
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `${clickhouse.url} does not have the ${scope.missing.length === 1 ? 'database' : 'databases'} ${scope.missing.map((name) => JSON.stringify(name)).join(', ')}, or ${target.user} may not see it.`,
      remedy: 'Correct `databases` of the target, or grant it: `safehouse grants` prints the SQL.',
      error: 'UNKNOWN_DATABASE',
    });
  if (scope.missingTables.length > 0)
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `${clickhouse.url} does not have ${namedTables(scope.missingTables)}, or ${target.user} may not see ${scope.missingTables.length === 1 ? 'it' : 'them'}.`,
      remedy: 'Correct `tables` of the target, or grant it: `safehouse grants` prints the SQL.',
      error: 'UNKNOWN_TABLE',
    });
  const narrowed = target.tables !== undefined || target.engines !== undefined;
  if (scope.databases.length === 0 || (narrowed && scope.tables.length === 0))
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `Nothing on ${clickhouse.url} is in the target's scope.`,
      remedy:
        'Correct `databases`, `tables`, `except` or `engines` of the target; an empty backup is never made.',
      error: 'NothingInScope',
    });
  return scope;
}

const MOST_NAMED = 10;

function namedTables(tables: Scope['missingTables']): string {
  const names = tables
    .slice(0, MOST_NAMED)
    .map(({ database, table }) => `${JSON.stringify(database)}.${JSON.stringify(table)}`);
  const more = tables.length > names.length ? ` and ${tables.length - names.length} more` : '';
  return `the ${tables.length === 1 ? 'table' : 'tables'} ${names.join(', ')}${more}`;
}
