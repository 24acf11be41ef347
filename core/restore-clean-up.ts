/** Which of what stands on the server a restore has made, and may therefore be dropped when it did not come to a good end. */
import type { PlannedTable, RestorePlan, StandingTable } from './restore.ts';

export interface Standing {
  readonly databases: readonly string[];
  readonly tables: readonly StandingTable[];
}

/** Tables that stood there before with rows in them, and what the rows were found to be. */
export interface FilledTable {
  readonly table: PlannedTable;
  readonly rows: number | null;
  /** Its parts are those of the backup, and nothing else: they came from this restore. */
  readonly isOurs: boolean;
}

export interface CleanUp {
  readonly dropTables: readonly StandingTable[];
  readonly dropDatabases: readonly string[];
  /** Were empty before, and hold what this restore brought. */
  readonly truncate: readonly PlannedTable[];
  /** Were empty before, and hold rows of which it is not known whose they are. */
  readonly leave: readonly FilledTable[];
}

/**
 * A table is this restore's when it was not there before and the backup has one of that name. A database is its own when it was
 * not there before; it goes once nothing else stands in it.
 *
 * @param replaced names of databases that were dropped to make room: what stands there now is new
 */
export function planCleanUp(
  plan: RestorePlan,
  before: Standing,
  now: Standing,
  filled: readonly FilledTable[],
): CleanUp {
  // By UUID, because `replace` has dropped tables of the same names. Ordinary databases have none.
  const stood = new Set(before.tables.map(identityOf));
  const planned = new Set(plan.tables.map(({ to }) => keyOf(to.database, to.table)));
  const isNew = (table: StandingTable): boolean => !stood.has(identityOf(table));
  const mine = now.tables.filter(
    (table) => isNew(table) && (planned.has(keyOf(table.database, table.table)) || isInner(table.table)),
  );
  const wasThere = new Set(plan.mode === 'replace' ? [] : before.databases);
  const made = plan.databases
    .map(({ to }) => to)
    .filter((name) => now.databases.includes(name) && !wasThere.has(name));
  const others = now.tables.filter((table) => !mine.includes(table));
  const empty = made.filter((name) => !others.some(({ database }) => database === name));
  return {
    // Those of a database that goes as a whole need no drop of their own; inner tables go with their views.
    dropTables: mine.filter(({ database, table }) => !empty.includes(database) && !isInner(table)),
    dropDatabases: empty,
    truncate: filled.filter(({ isOurs }) => isOurs).map(({ table }) => table),
    leave: filled.filter(({ isOurs, rows }) => !isOurs && rows !== 0),
  };
}

const isInner = (table: string): boolean => /^\.inner(?:_id)?\./.test(table);

const keyOf = (database: string, table: string): string => JSON.stringify([database, table]);

const NO_UUID = '00000000-0000-0000-0000-000000000000';

const identityOf = ({ database, table, uuid }: StandingTable): string =>
  uuid === NO_UUID ? keyOf(database, table) : uuid;
