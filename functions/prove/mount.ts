/** Mounts the databases of a backup and compares the parts that the engine sees with those that the manifest names. */
import { mountDatabase, type Prover, ProverRefusal } from '../../clients/prover.ts';
import { quoteString } from '../../core/identifiers.ts';
import type { LedgerTable } from '../../core/ledger.ts';
import type { ProofFinding, ProvenTable } from '../../core/proof.ts';
import type { MountedPart } from '../../core/proof-items.ts';
import type { Survey, SurveyedTable } from '../../core/proof-survey.ts';
import type { ProofSource } from './source.ts';

export interface Mounted {
  readonly tables: readonly ProvenTable[];
  readonly parts: readonly MountedPart[];
  readonly findings: readonly ProofFinding[];
  /** Whether the engine shows a table: what it does not show is read by its checksums alone. */
  readonly isMounted: (database: string, table: string) => boolean;
}

interface PartRow {
  readonly database: string;
  readonly table: string;
  readonly partition: string;
  readonly name: string;
  readonly bytes: number;
}

interface TableRow {
  readonly database: string;
  readonly table: string;
  readonly parts: number;
  readonly rows: number;
  readonly bytes: number;
  readonly fingerprint: string;
}

/**
 * A part that the engine cannot load is simply not in `system.parts`, and CHECK TABLE then passes what is left: so every part
 * of the manifest has to be there by name.
 */
export async function mountBackup(
  prover: Prover,
  source: ProofSource,
  databases: readonly string[],
  scope: readonly LedgerTable[],
  survey: Survey,
): Promise<Mounted> {
  const findings = await mountDatabases(prover, source, databases);
  const named = databases.map((name) => quoteString(name)).join(', ') || "''";
  const shown = await prover.ask<{ database: string; name: string }>(
    `SELECT database, name FROM system.tables WHERE database IN (${named})`,
  );
  const parts = await prover.ask<PartRow>(
    `SELECT database, table, partition_id AS partition, name, toUInt64(bytes_on_disk) AS bytes FROM system.parts
     WHERE database IN (${named}) AND active SETTINGS output_format_json_quote_64bit_integers = 0`,
  );
  const counted = await prover.ask<TableRow>(
    `SELECT p.database AS database, p.table AS table, count() AS parts, sum(p.rows) AS rows,
            sum(p.bytes_on_disk) AS bytes,
            lower(hex(cityHash64(arraySort(groupArray((p.partition_id, p.rows, p.hash_of_all_files)))))) AS fingerprint
     FROM system.parts AS p WHERE p.database IN (${named}) AND p.active GROUP BY p.database, p.table
     SETTINGS output_format_json_quote_64bit_integers = 0`,
  );
  const mounted = new Set(shown.map(({ database, name }) => key(database, name)));
  const byTable = Map.groupBy(parts, ({ database, table }) => key(database, table));
  const counts = new Map(counted.map((row) => [key(row.database, row.table), row]));
  const tables: ProvenTable[] = [];
  for (const table of scope) {
    const surveyed = survey.table(table.database, table.name);
    const isShown = mounted.has(key(table.database, table.name));
    if (isShown)
      findings.push(...missingParts(table, surveyed, byTable.get(key(table.database, table.name)) ?? []));
    // The engine does not see files below `shards/…` (ClickHouse#89493): such a backup is read by its checksums.
    else if (isMountable(table.engine) && !survey.onCluster)
      findings.push({
        table: `${table.database}.${table.name}`,
        part: null,
        file: null,
        what: `The engine does not show the table ${table.database}.${table.name} (${table.engine}): its definition cannot be read.`,
      });
    tables.push(
      provenTable(
        table,
        surveyed,
        isShown ? counts.get(key(table.database, table.name)) : undefined,
        isShown,
      ),
    );
  }
  return { tables, parts, findings, isMounted: (database, table) => mounted.has(key(database, table)) };
}

const key = (database: string, table: string): string => JSON.stringify([database, table]);

/** Mounts databases; one that the engine cannot mount is a finding, whatever the reason. */
export async function mountDatabases(
  prover: Prover,
  source: ProofSource,
  databases: readonly string[],
): Promise<ProofFinding[]> {
  const findings: ProofFinding[] = [];
  for (const database of databases) {
    try {
      await mountDatabase(prover, database, source.location);
    } catch (error) {
      if (!(error instanceof ProverRefusal)) throw error;
      findings.push({
        table: null,
        part: null,
        file: null,
        what: `The engine cannot mount the database ${database}: ${error.message} (${error.error}).`,
      });
    }
  }
  return findings;
}

/** The engine mounts tables of the MergeTree family; Replicated and Shared ones as their plain kind. */
const isMountable = (engine: string): boolean => /MergeTree$/.test(engine);

function missingParts(
  { database, name }: LedgerTable,
  surveyed: SurveyedTable | undefined,
  seen: readonly PartRow[],
): ProofFinding[] {
  const loaded = new Set(seen.map((part) => part.name));
  return [...(surveyed?.parts.keys() ?? [])]
    .filter((part) => !loaded.has(part))
    .map((part) => ({
      table: `${database}.${name}`,
      part,
      file: null,
      what: `The engine cannot load the part ${part} of ${database}.${name}: one of its small files is damaged or missing.`,
    }));
}

function provenTable(
  { database, name, engine, coverage }: LedgerTable,
  surveyed: SurveyedTable | undefined,
  counted: TableRow | undefined,
  isShown: boolean,
): ProvenTable {
  const same = { database, name, engine, coverage };
  if (isShown)
    return {
      ...same,
      reading: 'checked',
      rows: counted?.rows ?? 0,
      parts: counted?.parts ?? 0,
      bytes: counted?.bytes ?? 0,
      fingerprint: counted?.fingerprint ?? '0',
    };
  if (surveyed === undefined)
    return { ...same, reading: 'definition', rows: null, parts: 0, bytes: 0, fingerprint: '0' };
  return {
    ...same,
    reading: 'hashed',
    rows: null,
    parts: surveyed.parts.size,
    bytes: surveyed.bytes,
    fingerprint: surveyed.fingerprint.toString(16),
  };
}
