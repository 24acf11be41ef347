/** Which backup a restore takes, and what of it. */
import { SYSTEM_DATABASES, type TableName } from './config.ts';
import { nearestText } from './config-problems.ts';
import { ERROR_NAMES, SafehouseError } from './errors.ts';
import { isGood, type LedgerEntry, type LedgerTable, stateOf } from './ledger.ts';
import type { RestoreRequest } from './restore-input.ts';

const isProven = ({ states }: LedgerEntry): boolean => states.proven !== undefined;

/**
 * @param entries of one target, oldest first
 * @throws {SafehouseError} NotFound, when there is none, or when only one that nobody has proven fits and was not named
 */
export function chooseBackup(
  entries: readonly LedgerEntry[],
  { target, backup, at }: Pick<RestoreRequest, 'target' | 'backup' | 'at'>,
): LedgerEntry {
  const good = entries.filter(({ states }) => isGood(states));
  if (at !== undefined) return chooseByTime(good, target, Date.parse(at), at);
  if (backup === 'latest-proven') return good.findLast(isProven) ?? noneProven(target, good);
  if (backup === 'latest')
    return good.at(-1) ?? refuse(`The target ${target} has no good backup.`, 'Look at `safehouse list`.');
  return chooseById(entries, target, backup);
}

function chooseByTime(good: readonly LedgerEntry[], target: string, time: number, at: string): LedgerEntry {
  const chosen = good.findLast(({ startedAt }) => startedAt <= time);
  if (chosen === undefined)
    refuse(
      `The target ${target} has no good backup that began at ${at} or before.`,
      good[0] === undefined
        ? 'It has no good backup at all: look at `safehouse list`.'
        : `The oldest is ${good[0].id}.`,
    );
  if (isProven(chosen)) return chosen;
  const earlier = good.findLast((entry) => entry.startedAt <= time && isProven(entry));
  return refuse(
    `The newest good backup not after ${at} is ${chosen.id}, which nobody has proven.`,
    `Name it as \`backup\` to restore it all the same, or prove it first: safehouse prove ${chosen.id}.${earlier === undefined ? '' : ` The newest proven one before it is ${earlier.id}.`}`,
  );
}

function chooseById(entries: readonly LedgerEntry[], target: string, id: string): LedgerEntry {
  const chosen = entries.find((entry) => entry.id === id);
  if (chosen === undefined)
    refuse(
      `The target ${target} has no backup ${JSON.stringify(id)}${nearestText(
        id,
        entries.map((entry) => entry.id),
      )}.`,
      'Give an id from `safehouse list`, or `latest-proven`, or `latest`.',
    );
  const { states } = chosen;
  if (states.removing !== undefined || states.removed !== undefined)
    refuse(
      `The backup ${id} was removed by retention: it is ${stateOf(states)}.`,
      'Choose another one from `safehouse list`.',
    );
  if (states.failed !== undefined)
    refuse(
      `The backup ${id} does not count as good: it is failed.`,
      `safehouse show ${id} says why. Choose another one from \`safehouse list\`; if there is none, it also prints the plain RESTORE statement of this one: what that brings back is not known to be right.`,
    );
  if (states.verified === undefined)
    refuse(
      `The backup ${id} is ${stateOf(states)} and was never verified: it is not known to be whole.`,
      'Choose another one from `safehouse list`.',
    );
  return chosen;
}

function noneProven(target: string, good: readonly LedgerEntry[]): never {
  const newest = good.at(-1);
  if (newest === undefined) refuse(`The target ${target} has no good backup.`, 'Look at `safehouse list`.');
  return refuse(
    `None of the ${good.length} good backups of ${target} is proven.`,
    `Prove one (safehouse prove ${newest.id}), or restore it unproven by naming it: \`backup\`: "${newest.id}".`,
  );
}

function refuse(what: string, remedy: string): never {
  throw new SafehouseError(ERROR_NAMES.notFound, { what, remedy, error: 'BackupNotChosen' });
}

export interface ChosenTable extends LedgerTable {
  /** Ids; empty for the whole table. */
  readonly partitions: readonly string[];
}

export interface Chosen {
  /** In the backup's order. */
  readonly databases: readonly string[];
  readonly tables: readonly ChosenTable[];
  /** Tables were named, and not databases. */
  readonly byTable: boolean;
}

interface Content {
  readonly databases: readonly string[];
  readonly tables: readonly LedgerTable[];
}

/**
 * What of a backup is asked for.
 *
 * @throws {SafehouseError} InvalidInput, naming everything that is not in the backup
 */
export function chooseContent(request: RestoreRequest, { databases, tables: all }: Content): Chosen {
  const isOwn = (name: string): boolean => !(SYSTEM_DATABASES as readonly string[]).includes(name);
  const own = databases.filter(isOwn);
  const tables = all.filter(({ database }) => isOwn(database));
  const named = [...(request.tables ?? []), ...(request.partitions ?? []).map(({ table }) => table)];
  const excepted = request.except ?? [];
  const missing = [
    ...[...(request.databases ?? []), ...Object.keys(request.as ?? {})]
      .filter((name) => !own.includes(name))
      .map((name) => `the database ${JSON.stringify(name)}${nearestText(name, own)}`),
    ...[...named, ...excepted]
      .filter((name) => find(tables, name) === undefined)
      .map((name) => missingTable(name, tables)),
  ];
  if (missing.length > 0)
    throw new SafehouseError(ERROR_NAMES.input, {
      what: `The backup does not hold ${missing.slice(0, MOST_NAMED).join(', ')}.`,
      remedy: `It holds the databases ${own.join(', ') || 'none'}; \`safehouse show\` lists its tables.`,
    });
  if (named.length > 0) {
    const chosen = distinct(named).flatMap((name) => find(tables, name) ?? []);
    return {
      byTable: true,
      databases: own.filter((name) => chosen.some(({ database }) => database === name)),
      tables: chosen.map((table) => ({ ...table, partitions: partitionsOf(request, table) })),
    };
  }
  const chosen =
    request.databases === undefined ? own : own.filter((name) => request.databases?.includes(name));
  return {
    byTable: false,
    databases: chosen,
    tables: tables
      .filter(({ database }) => chosen.includes(database))
      .map((table) => ({ ...table, partitions: [] })),
  };
}

const MOST_NAMED = 10;

const find = (tables: readonly LedgerTable[], { database, table }: TableName): LedgerTable | undefined =>
  tables.find((entry) => entry.database === database && entry.name === table);

const missingTable = ({ database, table }: TableName, tables: readonly LedgerTable[]): string =>
  `the table ${JSON.stringify(`${database}.${table}`)}${nearestText(
    `${database}.${table}`,
    tables.map((entry) => `${entry.database}.${entry.name}`),
  )}`;

const distinct = (names: readonly TableName[]): TableName[] => [
  ...new Map(names.map((name) => [JSON.stringify([name.database, name.table]), name])).values(),
];

/** A table that is named without partitions too is meant whole. */
function partitionsOf({ tables = [], partitions = [] }: RestoreRequest, table: LedgerTable): string[] {
  const isThis = ({ database, table: name }: TableName): boolean =>
    database === table.database && name === table.name;
  if (tables.some(isThis)) return [];
  return [...new Set(partitions.filter((entry) => isThis(entry.table)).flatMap(({ ids }) => ids))];
}
