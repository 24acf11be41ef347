/** From what is asked for and what the bucket knows to the plan of a restore: where each table goes, and the statement's parts. */
import { parseBackupId } from './backup-id.ts';
import { ERROR_NAMES, SafehouseError } from './errors.ts';
import type { Proven, Started, Verified, Written } from './ledger.ts';
import type { Definition, PlannedTable, RestorePlan } from './restore.ts';
import type { Chosen, ChosenTable } from './restore-choice.ts';
import { restoreTime } from './restore-id.ts';
import type { RestoreMode, RestoreRequest } from './restore-input.ts';

export interface RestoreEvidence {
  readonly started: Started;
  readonly written: Written | undefined;
  readonly verified: Verified;
  /** The newest proof that read the whole of it. */
  readonly proven: Proven | undefined;
}

export interface RestoreOrder {
  readonly request: RestoreRequest;
  readonly execution: string;
  readonly restore: string;
  readonly evidence: RestoreEvidence;
  readonly chosen: Chosen;
  /** By the table's place in `chosen.tables`. */
  readonly definitions: readonly (Definition | null)[];
  /** The databases that the backup has a definition of: one that was taken table by table has none. */
  readonly definedDatabases: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export const modeOf = ({ mode, tables, partitions }: RestoreRequest): RestoreMode =>
  mode ?? (tables === undefined && partitions === undefined ? 'new' : 'asIs');

/** @throws {SafehouseError} InvalidInput, when it cannot be one statement */
export function planRestore(order: RestoreOrder): RestorePlan {
  const { request, execution, restore, evidence, chosen, now } = order;
  const { started, verified, proven } = evidence;
  const mode = modeOf(request);
  const quiet = request.quiet ?? (mode === 'new' || request.drill);
  const names = databaseNames(order, mode);
  const isWhole = (database: string): boolean => order.definedDatabases.has(database);
  const taken = chosen.tables.map((table, index) => ({
    table,
    definition: order.definitions[index] ?? null,
  }));
  const leftOut = taken.flatMap(({ table, definition }) => {
    const isExcepted = request.except?.some(
      ({ database, table: name }) => database === table.database && name === table.name,
    );
    const why =
      isExcepted === true
        ? 'it was to be left out'
        : whyLeftOut(table, definition, { mode, quiet, whole: isWhole(table.database) });
    return why === undefined ? [] : [{ database: table.database, table: table.name, why }];
  });
  const isLeftOut = (table: ChosenTable): boolean =>
    leftOut.some((entry) => entry.database === table.database && entry.table === table.name);
  const kept = taken.filter(({ table }) => !isLeftOut(table));
  const tables = kept.map(({ table, definition }) => plannedTable(table, definition, names, evidence));
  const databases = chosen.databases.map((from) => ({
    from,
    to: names.get(from) ?? from,
    whole: !chosen.byTable && isWhole(from),
  }));
  return {
    version: 1,
    at: new Date(now).toISOString(),
    execution,
    restore,
    target: request.target,
    to: request.to ?? request.target,
    backup: started.id,
    kind: started.kind,
    base: started.base,
    proven: proven?.level === 'bytes',
    writtenBy: started.clickhouse.version,
    manifestEtag: verified.manifest.etag,
    mode,
    drill: request.drill,
    structureOnly: request.structureOnly,
    quiet,
    storagePolicy: request.storagePolicy ?? null,
    confirm: request.confirm,
    accept: request.accept,
    check: request.check || request.drill,
    dryRun: request.dryRun,
    databases,
    tables,
    leftOut,
    elements: elementsOf(databases, tables, leftOut),
    covers: coveredTime(evidence),
  };
}

/** What each database is called on the server. */
function databaseNames(
  { request, restore, chosen }: RestoreOrder,
  mode: RestoreMode,
): ReadonlyMap<string, string> {
  if (mode !== 'new') return new Map();
  const time = new Date(restoreTime(restore)).toISOString();
  const day = time.slice(0, 10).replaceAll('-', '');
  const second = time.slice(11, 19).replaceAll(':', '');
  return new Map(
    chosen.databases.map((from) => [
      from,
      request.drill
        ? `${DRILL_PREFIX}${restore.slice(-6)}_${from}`
        : (request.as?.[from] ?? `${from}_restored_${day}_${second}`),
    ]),
  );
}

/** What the scratch databases of drills are called. */
export const DRILL_PREFIX = 'safehouse_drill_';

function whyLeftOut(
  { engine, database, name }: ChosenTable,
  definition: Definition | null,
  { mode, quiet, whole }: { readonly mode: RestoreMode; readonly quiet: boolean; readonly whole: boolean },
): string | undefined {
  if (quiet && definition?.refreshable === true)
    return 'it would begin to refresh at once; without `quiet` it is restored';
  const refersToOthers = /View$/.test(engine) || engine === 'Dictionary';
  if (mode === 'new' && !whole && refersToOthers)
    return `the backup was taken table by table, and ${database}.${name} under a new name would go on using the live tables`;
  return undefined;
}

function plannedTable(
  { database, name, engine, coverage, partitions }: ChosenTable,
  definition: Definition | null,
  names: ReadonlyMap<string, string>,
  { proven, verified }: RestoreEvidence,
): PlannedTable {
  const isThis = (table: { readonly database: string; readonly name: string }): boolean =>
    table.database === database && table.name === name;
  const counted = proven?.tables.find(isThis);
  const listed = verified.tables.find(isThis);
  return {
    database,
    name,
    engine,
    coverage,
    to: { database: names.get(database) ?? database, table: name },
    rows: counted?.rows ?? null,
    parts: counted?.parts ?? null,
    bytes: counted?.bytes ?? listed?.bytes ?? 0,
    fingerprint: counted?.reading === 'checked' ? counted.fingerprint : null,
    partitions: [...partitions],
    definition,
  };
}

function elementsOf(
  databases: RestorePlan['databases'],
  tables: readonly PlannedTable[],
  leftOut: RestorePlan['leftOut'],
): RestorePlan['elements'] {
  const elements = databases.flatMap(({ from, to, whole }): RestorePlan['elements'] => {
    if (!whole)
      return tables
        .filter(({ database }) => database === from)
        .map(({ database, name, to: place, partitions }) => ({
          kind: 'table',
          database,
          table: name,
          ...(place.database !== database && { as: place }),
          ...(partitions.length > 0 && { partitions }),
        }));
    const except = leftOut.filter(({ database }) => database === from).map(({ table }) => table);
    return [
      {
        kind: 'database',
        database: from,
        ...(to !== from && { as: to }),
        ...(except.length > 0 && { except }),
      },
    ];
  });
  const excepting = elements.flatMap((element) =>
    element.kind === 'database' && (element.except?.length ?? 0) > 0 ? [element.database] : [],
  );
  if (excepting.length > 1)
    throw new SafehouseError(ERROR_NAMES.input, {
      what: `Tables would have to be left out of ${excepting.length} databases (${excepting.join(', ')}), and ClickHouse takes exceptions from one in a statement.`,
      remedy: `Restore these databases one after the other (\`databases\`), or leave less out. It would be: ${leftOut.map(({ database, table, why }) => `${database}.${table}: ${why}`).join('; ')}.`,
    });
  if (elements.length === 0)
    throw new SafehouseError(ERROR_NAMES.input, {
      what: 'Nothing is left to restore.',
      remedy: leftOut.map(({ database, table, why }) => `${database}.${table}: ${why}.`).join(' '),
    });
  return elements;
}

/** The rows that a backup shows were written before its end, and most of them before its beginning. */
function coveredTime({ started, written, verified }: RestoreEvidence): RestorePlan['covers'] {
  const iso = (text: string | null | undefined): string | undefined =>
    text === null || text === undefined || text === '' || text.startsWith('1970-01-01')
      ? undefined
      : new Date(`${text.replace(' ', 'T').replace(/Z?$/, 'Z')}`).toISOString();
  return {
    from:
      iso(written?.startTime) ??
      new Date(parseBackupId(started.id)?.startedAt ?? Date.parse(started.at)).toISOString(),
    // An adopted one was verified long after: nobody knows when it was written to its end.
    to: iso(written?.endTime) ?? written?.at ?? verified.at,
  };
}
