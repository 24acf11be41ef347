/** Which of what stands on the server a restore has made, and may therefore be dropped when it did not come to a good end. */
import type { Dropped, PlannedTable, RestorePlan, StandingTable } from './restore.ts';
import { hasData, type RestoredTable } from './restore-comparison.ts';

export interface Standing {
  readonly databases: readonly string[];
  readonly tables: readonly StandingTable[];
}

export interface CleanUpFacts {
  readonly before: Standing;
  readonly now: Standing;
  /** What was dropped and made before the statement. */
  readonly room: { readonly dropped: readonly Dropped[]; readonly created: readonly string[] };
  /** Whether ClickHouse has begun with the statement. `unknown`: it was sent, and no server knows of it. */
  readonly begun: 'no' | 'unknown' | 'yes';
  /** In the order of the plan's tables. */
  readonly held: readonly RestoredTable[];
}

/** What is not taken away, because others may have a part in it. */
export type Remnant =
  /** Stood there empty, or without the partitions, and holds rows now. */
  | { readonly kind: 'filled'; readonly table: PlannedTable; readonly rows: number | null }
  /** Stood there with rows, and holds another number of them now. */
  | {
      readonly kind: 'appended';
      readonly table: PlannedTable;
      readonly before: number | null;
      readonly rows: number | null;
    }
  /** Did not stand there, and is not known to be this restore's alone. */
  | { readonly kind: 'new'; readonly table: PlannedTable; readonly rows: number | null }
  /** Did not stand there, and has tables that the backup does not know. */
  | { readonly kind: 'database'; readonly database: string }
  /** Was dropped to be replaced, and nothing stands in its place. */
  | { readonly kind: 'replaced'; readonly database: string; readonly table: string | null };

export interface CleanUp {
  readonly dropTables: readonly StandingTable[];
  readonly dropDatabases: readonly string[];
  /** Were empty before, and hold exactly what the backup holds. */
  readonly truncate: readonly PlannedTable[];
  readonly leave: readonly Remnant[];
}

/**
 * A table is this restore's when none of its name stood there, or only one that was dropped to make room, and when it is empty or
 * holds what the backup holds: an application that finds its tables again writes into them at once. A database is its own when it
 * was not there, or was dropped; it goes when nothing else stands in it.
 */
export function planCleanUp(plan: RestorePlan, facts: CleanUpFacts): CleanUp {
  const { now, begun } = facts;
  const isNew = newness(facts);
  const byName = new Map(
    plan.tables.map((table, index) => [keyOf(table.to.database, table.to.table), { table, index }]),
  );
  const planned = ({ database, table }: StandingTable) => byName.get(keyOf(database, table));
  const isMine = (table: StandingTable): boolean => {
    if (begun !== 'yes' || !isNew(table)) return false;
    if (isInner(table.table)) return true;
    const known = planned(table);
    return known !== undefined && isOurs(plan, known.table, facts.held[known.index]);
  };
  const mine = now.tables.filter(isMine);
  const others = now.tables.filter((table) => !mine.includes(table));
  const made = madeDatabases(plan, facts);
  // The scratch database of a drill is nobody else's, whatever has come into it.
  const isEmpty = (name: string): boolean => plan.drill || !others.some(({ database }) => database === name);
  const dropDatabases = made.filter(isEmpty);
  const filled = filledTables(plan, facts);
  const strangers = others.flatMap((table): Remnant[] => {
    const known = planned(table);
    if (begun === 'no' || known === undefined || !isNew(table)) return [];
    return [{ kind: 'new', table: known.table, rows: facts.held[known.index]?.rows ?? null }];
  });
  return {
    // Those of a database that goes as a whole need no drop of their own; inner tables go with their views.
    dropTables: mine.filter(({ database, table }) => !dropDatabases.includes(database) && !isInner(table)),
    dropDatabases,
    truncate: filled.truncate,
    leave: [
      ...filled.leave,
      ...strangers,
      ...made.filter((name) => !isEmpty(name)).map((database): Remnant => ({ kind: 'database', database })),
      ...replaced(facts, dropDatabases, mine),
    ],
  };
}

/**
 * By name, for what stands there is never made anew, and replicas can know a table by different UUIDs; by UUID only where a table of
 * the name was dropped. Tables of Ordinary databases have no UUID.
 */
function newness({ before, room }: CleanUpFacts): (table: StandingTable) => boolean {
  const names = new Set(before.tables.map(({ database, table }) => keyOf(database, table)));
  const ids = new Set(before.tables.map(({ uuid }) => uuid).filter((uuid) => uuid !== NO_UUID));
  const wasDropped = (name: string, table: string): boolean =>
    room.dropped.some((dropped) => dropped.database === name && (dropped.table ?? table) === table);
  return ({ database, table, uuid }) =>
    !ids.has(uuid) && (!names.has(keyOf(database, table)) || wasDropped(database, table));
}

const NO_UUID = '00000000-0000-0000-0000-000000000000';

function madeDatabases({ databases }: RestorePlan, { before, now, room, begun }: CleanUpFacts): string[] {
  const wasThere = new Set(before.databases);
  for (const { database, table } of room.dropped) if (table === null) wasThere.delete(database);
  return databases
    .map(({ to }) => to)
    .filter((name) => now.databases.includes(name) && !wasThere.has(name))
    .filter((name) => begun === 'yes' || room.created.includes(name));
}

/** Under a new name nobody else writes; and where nobody has counted the backup, nobody can tell. */
function isOurs(
  { mode, structureOnly }: RestorePlan,
  table: PlannedTable,
  held: RestoredTable | undefined,
): boolean {
  if (mode === 'new' || !hasData(table) || held === undefined || held.rows === null || held.rows === 0)
    return true;
  if (structureOnly) return false;
  if (table.rows === null || table.partitions.length > 0) return true;
  return held.rows === table.rows || isExactly(table, held);
}

const isExactly = ({ fingerprint, partitions }: PlannedTable, held: RestoredTable): boolean =>
  fingerprint !== null &&
  partitions.length === 0 &&
  (fingerprint === held.fingerprint || fingerprint === held.restoredFingerprint);

/** Tables that stood there before. RESTORE fills a table at once or not at all. */
function filledTables(
  plan: RestorePlan,
  { before, held, begun }: CleanUpFacts,
): Pick<CleanUp, 'truncate' | 'leave'> {
  const truncate: PlannedTable[] = [];
  const leave: Remnant[] = [];
  if (begun === 'no' || plan.structureOnly || plan.mode === 'new' || plan.mode === 'replace')
    return { truncate, leave };
  for (const [index, table] of plan.tables.entries()) {
    const { database, table: name } = table.to;
    const stood = before.tables.find((there) => there.database === database && there.table === name);
    const rows = held[index]?.rows ?? null;
    const isThere = held[index]?.exists === true;
    if (stood === undefined || !isThere || table.coverage !== 'data' || stood.engine.endsWith('View'))
      continue;
    const found = held[index];
    if (plan.mode === 'append') {
      if (rows !== stood.rows) leave.push({ kind: 'appended', table, before: stood.rows, rows });
    } else if (rows === 0 || found === undefined) continue;
    else if (begun === 'yes' && stood.rows === 0 && isExactly(table, found)) truncate.push(table);
    else leave.push({ kind: 'filled', table, rows });
  }
  return { truncate, leave };
}

/** What was there by consent to lose it, and is not there again. */
function replaced(
  { now, room }: CleanUpFacts,
  dropDatabases: readonly string[],
  mine: readonly StandingTable[],
): Remnant[] {
  const stays = (database: string, table: string | null): boolean =>
    now.databases.includes(database) &&
    !dropDatabases.includes(database) &&
    (table === null ||
      now.tables.some(
        (there) => there.database === database && there.table === table && !mine.includes(there),
      ));
  return room.dropped
    .filter(({ database, table }) => !stays(database, table))
    .map(({ database, table }) => ({ kind: 'replaced', database, table }));
}

const isInner = (table: string): boolean => /^\.inner(?:_id)?\./.test(table);

const keyOf = (database: string, table: string): string => JSON.stringify([database, table]);
