/** Mounts the databases of a backup and compares the parts that the engine sees with those that the manifest names. */
import { mountDatabase, type Prover, ProverRefusal } from '../../clients/prover.ts';
import { quoteIdentifier, quoteString } from '../../core/identifiers.ts';
import type { LedgerTable } from '../../core/ledger.ts';
import type { ManifestHeader } from '../../core/manifest.ts';
import type { ProvenTable } from '../../core/proof.ts';
import type { MountedPart } from '../../core/proof-items.ts';
import type { Survey, SurveyedTable } from '../../core/proof-survey.ts';
import type { NamedPart } from './contents.ts';
import type { Found } from './findings.ts';
import type { ProofSource } from './source.ts';
import { isTroubled, troubled } from './trouble.ts';
import { explainUnloaded, readErrors } from './unloaded-parts.ts';

export interface Mounted extends Found {
  readonly tables: readonly ProvenTable[];
  readonly parts: readonly MountedPart[];
}

export interface MountRequest {
  readonly source: ProofSource;
  readonly base: ProofSource | undefined;
  readonly header: ManifestHeader;
  readonly databases: readonly string[];
}

/**
 * Mounts databases.
 *
 * @returns those that could not be mounted, and why: a definition is damaged, which comparing it will show, or this engine does
 *   not understand it
 * @throws {SafehouseError} TemporarilyUnavailable, when the engine could not read
 */
export async function mountDatabases(
  engine: Prover,
  { source, header, databases }: Omit<MountRequest, 'base'>,
): Promise<ReadonlyMap<string, string>> {
  await makeNamedCollection(engine, header, source);
  const refused = new Map<string, string>();
  for (const database of databases) {
    try {
      await mountDatabase(engine, database, source.location);
    } catch (error) {
      if (!(error instanceof ProverRefusal)) throw error;
      if (isTroubled(error)) throw troubled(error.message);
      refused.set(
        database,
        `the engine ${engine.version} cannot mount the database ${database}: ${error.message.slice(0, 300)} (${error.error})`,
      );
    }
  }
  return refused;
}

const NAMED_COLLECTION = /^\s*S3\(\s*([A-Za-z_]\w*|`(?:[^`\\]|\\.)*`)\s*,/i;

/** A server that writes with a named collection names the base by it, and the engine looks for one of that name. */
async function makeNamedCollection(
  engine: Prover,
  { baseBackup }: ManifestHeader,
  { bucketUrl }: ProofSource,
): Promise<void> {
  const [, name] = NAMED_COLLECTION.exec(baseBackup ?? '') ?? [];
  if (name === undefined || bucketUrl === null) return;
  await engine.ask(`CREATE NAMED COLLECTION IF NOT EXISTS ${name} AS url = ${quoteString(bucketUrl)}`);
}

/**
 * Mounts a backup and counts what is in it. A part that the engine cannot load is simply not in `system.parts`, and CHECK TABLE
 * then passes what is left: so every part of the manifest has to be there by name.
 */
export async function mountBackup(
  engine: Prover,
  request: MountRequest,
  scope: readonly LedgerTable[],
  survey: Survey,
): Promise<Mounted> {
  // The engine does not see files below `shards/…` (ClickHouse#89493): such a backup is read by its checksums.
  const databases = survey.onCluster ? [] : request.databases;
  const before = await readErrors(engine);
  const refused = await mountDatabases(engine, { ...request, databases });
  const unjudged = [...refused.values()];
  const { shown, parts, counts } = await look(engine, databases);
  const loaded = Map.groupBy(parts, ({ database, table }) => key(database, table));
  const tables: ProvenTable[] = [];
  const unloaded: NamedPart[] = [];
  for (const table of scope) {
    const { database, name } = table;
    const surveyed = survey.table(database, name);
    const isShown = shown.has(key(database, name));
    if (isShown) unloaded.push(...unloadedOf(table, surveyed, loaded.get(key(database, name)) ?? []));
    else if (isMountable(table.engine) && !survey.onCluster && !refused.has(database))
      unjudged.push(
        `the engine ${engine.version} does not show the table ${database}.${name} (${table.engine})`,
      );
    tables.push(isShown ? checkedTable(table, counts.get(key(database, name))) : readTable(table, surveyed));
  }
  return {
    tables: await countExactly(engine, tables, parts),
    parts: parts.map((part) => ({
      ...part,
      files: survey.table(part.database, part.table)?.parts.get(part.name) ?? 0,
    })),
    findings: await explainUnloaded({ ...request, unloaded, before, after: await readErrors(engine) }),
    unjudged,
  };
}

interface PartRow {
  readonly database: string;
  readonly table: string;
  readonly name: string;
  readonly bytes: number;
  readonly deleted: number;
}

interface TableRow {
  readonly database: string;
  readonly table: string;
  readonly parts: number;
  readonly rows: number;
  readonly bytes: number;
  readonly fingerprint: string;
}

/** What the engine shows of mounted databases. */
async function look(
  engine: Prover,
  databases: readonly string[],
): Promise<{ shown: Set<string>; parts: PartRow[]; counts: Map<string, TableRow> }> {
  const named = ['', ...databases].map((name) => quoteString(name)).join(', ');
  const numbers = 'SETTINGS output_format_json_quote_64bit_integers = 0';
  const shown = await engine.ask<{ database: string; name: string }>(
    `SELECT database, name FROM system.tables WHERE database IN (${named})`,
  );
  const parts = await engine.ask<PartRow>(
    `SELECT database, table, name, bytes_on_disk AS bytes, has_lightweight_delete AS deleted
     FROM system.parts WHERE database IN (${named}) AND active ${numbers}`,
  );
  const counted = await engine.ask<TableRow>(
    `SELECT p.database AS database, p.table AS table, count() AS parts, sum(p.rows) AS rows,
            sum(p.bytes_on_disk) AS bytes,
            lower(hex(cityHash64(arraySort(groupArray((p.partition_id, p.rows, p.hash_of_all_files)))))) AS fingerprint
     FROM system.parts AS p WHERE p.database IN (${named}) AND p.active GROUP BY p.database, p.table ${numbers}`,
  );
  return {
    shown: new Set(shown.map(({ database, name }) => key(database, name))),
    parts,
    counts: new Map(counted.map((row) => [key(row.database, row.table), row])),
  };
}

const key = (database: string, table: string): string => JSON.stringify([database, table]);

/** The engine mounts tables of the MergeTree family; Replicated and Shared ones as their plain kind. */
const isMountable = (engine: string): boolean => engine.endsWith('MergeTree');

function unloadedOf(
  { database, name }: LedgerTable,
  surveyed: SurveyedTable | undefined,
  seen: readonly PartRow[],
): NamedPart[] {
  const loaded = new Set(seen.map((part) => part.name));
  return [...(surveyed?.parts.keys() ?? [])]
    .filter((part) => !loaded.has(part))
    .map((part) => ({ database, table: name, part }));
}

const checkedTable = (
  { database, name, engine, coverage }: LedgerTable,
  counted: TableRow | undefined,
): ProvenTable => ({
  database,
  name,
  engine,
  coverage,
  reading: 'checked',
  rows: counted?.rows ?? 0,
  parts: counted?.parts ?? 0,
  bytes: counted?.bytes ?? 0,
  fingerprint: counted?.fingerprint ?? '0',
});

/** A table that the engine does not mount, as the manifest describes it. */
function readTable(
  { database, name, engine, coverage }: LedgerTable,
  surveyed: SurveyedTable | undefined,
): ProvenTable {
  const same = { database, name, engine, coverage };
  if (surveyed === undefined) {
    // An empty table has no files; a view may have none because it writes into another table.
    const rows = coverage === 'data' && engine !== 'MaterializedView' ? 0 : null;
    return { ...same, reading: 'definition', rows, parts: 0, bytes: 0, fingerprint: '0' };
  }
  const { parts, bytes } = surveyed;
  const fingerprint = surveyed.fingerprint.toString(16);
  return { ...same, reading: 'hashed', rows: null, parts: parts.size, bytes, fingerprint };
}

/** A lightweight DELETE leaves its rows in the parts and only marks them: there the engine has to count. */
async function countExactly(
  engine: Prover,
  tables: readonly ProvenTable[],
  parts: readonly PartRow[],
): Promise<ProvenTable[]> {
  const marked = new Set(
    parts.filter(({ deleted }) => deleted === 1).map(({ database, table }) => key(database, table)),
  );
  const counted: ProvenTable[] = [];
  for (const table of tables)
    counted.push(
      marked.has(key(table.database, table.name))
        ? { ...table, rows: await countRows(engine, table) }
        : table,
    );
  return counted;
}

async function countRows(engine: Prover, { database, name }: ProvenTable): Promise<number | null> {
  try {
    const [row] = await engine.ask<{ rows: number }>(
      `SELECT count() AS rows FROM ${quoteIdentifier(database)}.${quoteIdentifier(name)}
       SETTINGS output_format_json_quote_64bit_integers = 0`,
    );
    return row?.rows ?? null;
  } catch (error) {
    if (!(error instanceof ProverRefusal)) throw error;
    if (isTroubled(error)) throw troubled(error.message);
    // The marks are damaged, as reading the part will show.
    return null;
  }
}
