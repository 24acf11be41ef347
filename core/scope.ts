/** What of a server belongs to a target's backup, and how the `BACKUP` statement names it. */
import { SYSTEM_DATABASES, type TableName, type Target } from './config.ts';
import { coverageOf } from './coverage.ts';
import type { LedgerTable } from './ledger.ts';

export interface ServerTable {
  readonly database: string;
  readonly name: string;
  readonly engine: string;
}

export interface Scope {
  readonly databases: readonly string[];
  readonly tables: readonly LedgerTable[];
  /** Databases that the target names and the server does not have. */
  readonly missing: readonly string[];
  /** Tables that the target names and the server does not have. */
  readonly missingTables: readonly TableName[];
}

type Selection = Pick<Target, 'databases' | 'tables' | 'except' | 'engines'>;

/** A materialized view without `TO` keeps its data in a table with such a name; BACKUP saves it inside the view's entry. */
const INNER_TABLE = /^\.inner(?:_id)?\./;

/** Applies the target's choice to what the server has. */
export function selectScope(
  selection: Selection,
  serverDatabases: readonly string[],
  serverTables: readonly ServerTable[],
): Scope {
  const wanted = wantedDatabases(selection, serverDatabases);
  const databases = wanted.filter((name) => serverDatabases.includes(name));
  const tables = serverTables
    .filter(({ database, name }) => databases.includes(database) && !INNER_TABLE.test(name))
    .filter((table) => selection.tables === undefined || has(selection.tables, table))
    .filter((table) => selection.except === undefined || !has(selection.except, table))
    .filter(({ engine }) => selection.engines?.some((pattern) => like(pattern).test(engine)) ?? true)
    .map((table) => ({ ...table, coverage: coverageOf(table.engine) }));
  return {
    databases,
    tables,
    missing: wanted.filter((name) => !serverDatabases.includes(name)),
    missingTables: missingTables(selection, databases, serverTables),
  };
}

function wantedDatabases({ databases, tables }: Selection, server: readonly string[]): string[] {
  if (databases !== 'all') return [...new Set(databases)];
  const named = tables?.map(({ database }) => database);
  return [...new Set(named ?? server)].filter(
    (name) => !(SYSTEM_DATABASES as readonly string[]).includes(name),
  );
}

function missingTables(
  { tables = [] }: Selection,
  databases: readonly string[],
  server: readonly ServerTable[],
): TableName[] {
  const known = new Set(server.map(({ database, name }) => JSON.stringify([database, name])));
  return tables.filter(
    ({ database, table }) => databases.includes(database) && !known.has(JSON.stringify([database, table])),
  );
}

const has = (names: readonly TableName[], { database, name }: ServerTable): boolean =>
  names.some((entry) => entry.database === database && entry.table === name);

/** ClickHouse's LIKE: `%` any text, `_` any character, a backslash before either takes it as it is. */
export function like(pattern: string): RegExp {
  const [first = '', ...rest] = partsOf(pattern);
  const last = rest.pop();
  if (last === undefined) return new RegExp(`^${first}$`, 'u');
  // Between two `%` the first place that fits serves as well as a later one. A look-ahead keeps to it: with `[^]*` for each `%` a name
  // that fits nowhere would be tried in every combination of places, and twenty of `%_` take minutes.
  const between = rest.filter(Boolean).map((part, n) => `(?=(?<part${n}>[^]*?${part}))\\k<part${n}>`);
  return new RegExp(`^${first}${between.join('')}[^]*${last}$`, 'u');
}

/** What stands before, between and after the `%` of a pattern, as regular expressions. */
function partsOf(pattern: string): string[] {
  const parts = [''];
  for (const [token] of pattern.matchAll(/\\[%_\\]|[\s\S]/gu)) {
    const literal = /^\\./.test(token) ? token.slice(1) : token;
    if (token === '%') parts.push('');
    else parts.push(`${parts.pop()}${token === '_' ? '[^]' : escapeRegExp(literal)}`);
  }
  return parts;
}

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

export type Element =
  | { readonly kind: 'database'; readonly database: string; readonly except: readonly string[] }
  | { readonly kind: 'table'; readonly database: string; readonly table: string };

/**
 * The elements of the statement. A choice by table or engine is made once, when the backup begins, and then named table by
 * table; otherwise whole databases are named, which takes tables that are created meanwhile along. ClickHouse takes
 * `EXCEPT` in the last element only (in any other it reads what follows as the name of a table), so where several databases
 * have exceptions, their tables are named too.
 */
export function backupElements(selection: Selection, scope: Pick<Scope, 'databases' | 'tables'>): Element[] {
  if (selection.tables !== undefined || selection.engines !== undefined)
    return scope.tables.map(tableElement);
  const exceptions = new Set(selection.except?.map(({ database }) => database));
  const several = scope.databases.filter((database) => exceptions.has(database)).length > 1;
  return scope.databases.flatMap((database): Element[] =>
    several && exceptions.has(database)
      ? scope.tables.filter((table) => table.database === database).map(tableElement)
      : [{ kind: 'database', database, except: exceptedTables(selection, database) }],
  );
}

const tableElement = ({ database, name }: LedgerTable): Element => ({ kind: 'table', database, table: name });

const exceptedTables = ({ except = [] }: Selection, inDatabase: string): string[] =>
  except.filter(({ database }) => database === inDatabase).map(({ table }) => table);

/** The elements that restore a backup: what was excepted is not in it, and need not be excepted again. */
export const restoreElements = (
  selection: Selection,
  scope: Pick<Scope, 'databases' | 'tables'>,
): Element[] =>
  backupElements(selection, scope).map((element) =>
    element.kind === 'database' ? { ...element, except: [] } : element,
  );
