/** What stands on the server that is restored to. */
import type { Target } from '../core/config.ts';
import { SafehouseError } from '../core/errors.ts';
import { quoteIdentifier } from '../core/identifiers.ts';
import type { Destination, Disk, StandingPartition, StoragePolicy } from '../core/preflight.ts';
import type { RestorePlan, StandingTable } from '../core/restore.ts';
import { ask, askText, type ClickHouse } from './clickhouse.ts';
import { everyReplica } from './observation.ts';
import { readServer } from './server.ts';

/** @throws {SafehouseError} Refused, TemporarilyUnavailable: what cannot be read is never taken for nothing */
export async function readDestination(
  clickhouse: ClickHouse,
  settings: Target,
  plan: RestorePlan,
): Promise<Destination> {
  return {
    server: await readServer(clickhouse),
    databases: await readDatabases(clickhouse, settings),
    tables: await readStandingTables(clickhouse, settings, plan),
    partitions: await readPartitions(clickhouse, settings, plan),
    policies: await readPolicies(clickhouse),
    disks: await ask<Disk>(clickhouse, {
      query: 'SELECT name, free_space AS free, total_space AS total FROM system.disks',
    }),
    engines: (
      await ask<{ name: string }>(clickhouse, { query: 'SELECT name FROM system.table_engines' })
    ).map(({ name }) => name),
    replicas: await readReplicas(clickhouse, plan),
    missingGrants: await readMissingGrants(clickhouse, plan),
    restoring: await readRestoring(clickhouse, settings, plan),
  };
}

const destinations = ({ databases }: RestorePlan): string[] => databases.map(({ to }) => to);

/** All that any replica has. */
export async function readDatabases(clickhouse: ClickHouse, settings: Target): Promise<string[]> {
  const rows = await ask<{ name: string }>(clickhouse, {
    query: `SELECT DISTINCT name FROM ${everyReplica(settings, 'system.databases')}`,
  });
  return rows.map(({ name }) => name);
}

/** Tables of the databases that are restored into; of each the rows of its fullest replica. */
export async function readStandingTables(
  clickhouse: ClickHouse,
  settings: Target,
  plan: RestorePlan,
): Promise<StandingTable[]> {
  const rows = await ask<StandingTable>(clickhouse, {
    query: `SELECT database, name AS table, any(toString(uuid)) AS uuid, any(engine) AS engine, max(total_rows) AS rows
            FROM ${everyReplica(settings, 'system.tables')}
            WHERE database IN ({databases:Array(String)}) GROUP BY database, name ORDER BY database, name`,
    parameters: { databases: destinations(plan) },
  });
  return rows.map((row) => ({ ...row, rows: row.rows === null ? null : Number(row.rows) }));
}

/** The tables beside which a restore goes; none on another server. */
export async function readLiveTables(
  clickhouse: ClickHouse,
  { mode, target, to, databases }: RestorePlan,
): Promise<{ database: string; table: string }[]> {
  if (mode !== 'new' || target !== to) return [];
  return ask(clickhouse, {
    query: 'SELECT database, name AS table FROM system.tables WHERE database IN ({databases:Array(String)})',
    parameters: { databases: databases.map(({ from }) => from) },
  });
}

async function readPartitions(
  clickhouse: ClickHouse,
  settings: Target,
  plan: RestorePlan,
): Promise<StandingPartition[]> {
  if (plan.tables.every(({ partitions }) => partitions.length === 0)) return [];
  return ask<StandingPartition>(clickhouse, {
    query: `SELECT database, table, partition_id AS id, sum(rows) AS rows
            FROM ${everyReplica(settings, 'system.parts')}
            WHERE active AND database IN ({databases:Array(String)}) GROUP BY database, table, partition_id`,
    parameters: { databases: destinations(plan) },
  });
}

async function readPolicies(clickhouse: ClickHouse): Promise<StoragePolicy[]> {
  return ask<StoragePolicy>(clickhouse, {
    query: `SELECT policy_name AS name, groupArray(volume_name) AS volumes, arrayDistinct(arrayFlatten(groupArray(disks))) AS disks
            FROM system.storage_policies GROUP BY policy_name ORDER BY policy_name`,
  });
}

const UNKNOWN_TABLE = 'UNKNOWN_TABLE';
/** A server without a Keeper, or whose Keeper does not know a path. */
const NO_KEEPER = new Set([UNKNOWN_TABLE, 'NO_ZOOKEEPER', 'NO_ELEMENTS_IN_CONFIG']);

/** Replicas that Keeper knows under the paths that the tables will use; null where there is no Keeper. */
async function readReplicas(clickhouse: ClickHouse, plan: RestorePlan): Promise<Destination['replicas']> {
  const replicated = plan.tables.filter(({ engine }) => engine.startsWith('Replicated'));
  if (replicated.length === 0) return [];
  const macros = await ask<{ macro: string; substitution: string }>(clickhouse, {
    query: 'SELECT macro, substitution FROM system.macros',
  });
  const values = new Map(macros.map(({ macro, substitution }) => [macro, substitution]));
  const found: { table: string; path: string }[] = [];
  for (const { definition, to } of replicated) {
    const expand = (text: string): string =>
      text.replace(/\{(\w+)\}/g, (whole, macro: string) =>
        macro === 'database' ? to.database : macro === 'table' ? to.table : (values.get(macro) ?? whole),
      );
    const path = expand(definition?.replica?.path ?? '');
    // A path by the table's UUID is a new one each time.
    if (path === '' || path.includes('{')) continue;
    const names = await namesInKeeper(clickhouse, `${path}/replicas`);
    if (names === null) return null;
    if (names.includes(expand(definition?.replica?.name ?? '')))
      found.push({ table: `${to.database}.${to.table}`, path });
  }
  return found.length === 0 && (await namesInKeeper(clickhouse, '/')) === null ? null : found;
}

async function namesInKeeper(clickhouse: ClickHouse, path: string): Promise<string[] | null> {
  try {
    const rows = await ask<{ name: string }>(clickhouse, {
      query: 'SELECT name FROM system.zookeeper WHERE path = {path:String}',
      parameters: { path },
    });
    return rows.map(({ name }) => name);
  } catch (error) {
    if (!(error instanceof SafehouseError)) throw error;
    if (NO_KEEPER.has(error.failure.error)) return null;
    // A path that is not there has no replicas.
    if (error.failure.error === 'KEEPER_EXCEPTION' && /ZNONODE|No node/i.test(error.failure.what)) return [];
    throw error;
  }
}

/** `CHECK GRANT` asks for exactly what the statement will be checked for. */
async function readMissingGrants(
  clickhouse: ClickHouse,
  plan: RestorePlan,
): Promise<readonly string[] | null> {
  const missing: string[] = [];
  for (const { to, whole } of plan.databases)
    for (const privilege of privilegesFor(plan, whole)) {
      const grant = `${privilege} ON ${quoteIdentifier(to)}.*`;
      const granted = await askText(clickhouse, `CHECK GRANT ${grant}`).catch((error: unknown) => {
        if (error instanceof SafehouseError && error.failure.class !== 'retry the same') return null;
        throw error;
      });
      if (granted === null) return null;
      if (granted !== '1') missing.push(grant);
    }
  return missing;
}

function privilegesFor(
  { mode, structureOnly, tables, check }: RestorePlan,
  isWholeDatabase: boolean,
): string[] {
  const engines = new Set(tables.map(({ engine }) => engine));
  const makes = mode !== 'intoExisting' && mode !== 'append';
  return [
    // Single tables go into a database that is there.
    ...(makes && (isWholeDatabase || mode === 'new') ? ['CREATE DATABASE', 'DROP DATABASE'] : []),
    ...(makes ? ['CREATE TABLE', 'DROP TABLE'] : []),
    ...(makes && [...engines].some((engine) => engine.endsWith('View')) ? ['CREATE VIEW', 'DROP VIEW'] : []),
    ...(makes && engines.has('Dictionary') ? ['CREATE DICTIONARY', 'DROP DICTIONARY'] : []),
    ...(structureOnly ? [] : ['INSERT']),
    // To compare; DROP and TRUNCATE are to take back what was half made.
    'SELECT',
    ...(mode === 'asIs' || mode === 'intoExisting' ? ['TRUNCATE'] : []),
    ...(check ? ['CHECK'] : []),
  ];
}

async function readRestoring(
  clickhouse: ClickHouse,
  settings: Target,
  { restore }: RestorePlan,
): Promise<string[]> {
  const rows = await ask<{ id: string }>(clickhouse, {
    query: `SELECT DISTINCT id FROM ${everyReplica(settings, 'system.backups')} WHERE status = 'RESTORING' AND id != {restore:String}`,
    parameters: { restore },
  });
  return rows.map(({ id }) => id);
}
