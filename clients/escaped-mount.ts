/**
 * Mounts a database whose name is another one as the name of a file: `a-b` lies in a backup as `a%2Db`. The `Backup` engine of
 * 26.7 looks for definitions under the name as it was given and for data under the escaped one, so that whichever is given it
 * finds half: `a-b` has no tables, and those of `a%2Db` have no rows.
 */
import { escapeForFileName } from '../core/file-names.ts';
import { quoteIdentifier, quoteString } from '../core/identifiers.ts';
import type { Prover } from './prover.ts';

const DEFINITIONS = 'safehouse_definitions';

export const isEscaped = (database: string): boolean => escapeForFileName(database) !== database;

/**
 * Puts tables in the place of a mounted database that shows none: their definitions are read under the escaped name, and they
 * are attached to the disk that the mount has left behind. A database of an engine that finds them by itself stays as it is.
 *
 * @throws {ProverRefusal}
 */
export async function attachTables(prover: Prover, database: string, location: string): Promise<void> {
  const name = quoteIdentifier(database);
  if ((await definitionsIn(prover, database)).length > 0) return;
  const escaped = quoteString(escapeForFileName(database));
  await prover.ask(`DROP DATABASE IF EXISTS ${DEFINITIONS}`);
  await prover.ask(`CREATE DATABASE ${DEFINITIONS} ENGINE = Backup(${escaped}, ${location})`);
  const definitions = await definitionsIn(prover, DEFINITIONS);
  await prover.ask(`DROP DATABASE ${DEFINITIONS}`);
  if (definitions.length === 0) return;
  const policy = await policyOf(prover, database, location);
  await prover.ask(`DROP DATABASE ${name}`);
  // Only tables of this engine lie at `data/<database>/<table>`, as they do in a backup.
  await prover.ask('SET allow_deprecated_database_ordinary = 1');
  await prover.ask(`CREATE DATABASE ${name} ENGINE = Ordinary`);
  for (const definition of definitions)
    await prover.ask(
      definition
        .replace(`CREATE TABLE ${DEFINITIONS}.`, () => `ATTACH TABLE ${name}.`)
        .replace(POLICY, () => `storage_policy = ${quoteString(policy)}`),
    );
}

/** The mount puts it behind the table's own settings: what comes last is certainly its own. */
const POLICY = /storage_policy = '(?:[^'\\]|\\.)*'(?![\s\S]*storage_policy = ')/;

async function definitionsIn(prover: Prover, database: string): Promise<string[]> {
  const rows = await prover.ask<{ definition: string }>(
    `SELECT create_table_query AS definition FROM system.tables WHERE database = ${quoteString(database)}`,
  );
  return rows.map(({ definition }) => definition);
}

/** The mount has made a storage policy of the database and the place, and never takes it away. */
async function policyOf(prover: Prover, database: string, location: string): Promise<string> {
  const rows = await prover.ask<{ name: string }>(
    `SELECT DISTINCT policy_name AS name FROM system.storage_policies
     WHERE startsWith(policy_name, ${quoteString(`__database_backup_config_${database}_`)})
       AND position(policy_name, ${quoteString(location)}) > 0`,
  );
  const [row] = rows;
  if (row === undefined)
    throw new Error(`the engine ${prover.version} made no storage policy for the database ${database}`);
  return row.name;
}
