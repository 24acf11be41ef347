/** Data that does not get smaller when it is compressed, so that a gigabyte is a gigabyte on the disk and in the bucket. */
import type { Sql } from './sql.ts';

export const GIGABYTE = 1_000_000_000;
const COLUMNS = 8;
const ROW_BYTES = COLUMNS * 8;
const TABLES = 4;
/** A part for each block of this many rows, 64 MB: several parts in every table, as inserts of a day leave them. */
const PART_ROWS = 1_000_000;

export interface Dataset {
  readonly database: string;
  readonly bytes: number;
}

/**
 * Fills a database of its own with tables of random numbers.
 *
 * @returns the bytes on the disk
 * @throws Error when they are not what was asked for, within a twentieth
 */
export async function fill(sql: Sql, { database, bytes }: Dataset): Promise<number> {
  await sql(`CREATE DATABASE ${database}`);
  const columns = Array.from({ length: COLUMNS }, (_, column) => `c${column}`);
  const rows = Math.round(bytes / TABLES / ROW_BYTES);
  for (let table = 0; table < TABLES; table += 1) {
    const name = `${database}.noise_${table}`;
    await sql(
      `CREATE TABLE ${name} (${columns.map((column) => `${column} UInt64`).join(', ')}) ENGINE = MergeTree ORDER BY tuple()`,
    );
    // What is backed up must be the same each time, and a merge would take the disk away from it.
    await sql(`SYSTEM STOP MERGES ${name}`);
    // Each call with an argument of its own: equal calls in one SELECT are one value.
    await sql(
      `INSERT INTO ${name} SELECT ${columns.map((_, column) => `rand64(${column})`).join(', ')} FROM numbers(${rows}) SETTINGS max_block_size = ${PART_ROWS}, min_insert_block_size_rows = ${PART_ROWS}, min_insert_block_size_bytes = 0, max_insert_threads = 1`,
    );
  }
  const onDisk = Number(
    await sql(`SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = '${database}'`),
  );
  if (Math.abs(onDisk / bytes - 1) > 0.05)
    throw new Error(`${database} takes ${onDisk} bytes on the disk, not about ${bytes}`);
  return onDisk;
}
