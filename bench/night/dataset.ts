/** Tables of many small columns: many objects, few bytes. */
import type { Sql } from '../overhead/sql.ts';

const TABLES = 10;
const COLUMNS = 500;
const PARTS = 2;

/** About as many files of data; those whose content repeats, ClickHouse stores once. */
export const OBJECTS = TABLES * COLUMNS * PARTS;

export async function fill(sql: Sql, database: string): Promise<void> {
  const columns = Array.from({ length: COLUMNS }, (_, column) => `c${column}`);
  await sql(`CREATE DATABASE ${database}`);
  for (let table = 0; table < TABLES; table += 1) {
    const name = `${database}.t${table}`;
    await sql(
      `CREATE TABLE ${name} (${columns.map((column) => `${column} UInt64`).join(', ')}) ENGINE = MergeTree ORDER BY tuple() SETTINGS min_bytes_for_wide_part = 0`,
    );
    await sql(`SYSTEM STOP MERGES ${name}`);
    for (let part = 0; part < PARTS; part += 1)
      await sql(
        `INSERT INTO ${name} SELECT ${columns.map((_, column) => `rand64(${column})`).join(', ')} FROM numbers(10)`,
      );
  }
}
