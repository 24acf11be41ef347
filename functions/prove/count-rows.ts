/** Rows of tables that the engine does not mount: ClickHouse writes them down beside the data. */
import { mapConcurrently } from '../../clients/concurrently.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { ProvenTable } from '../../core/proof.ts';
import type { Survey } from '../../core/proof-survey.ts';
import type { ProofSource } from './source.ts';

/** Tables, and counts of each, under way at once. */
const AT_ONCE = 8;
/** Beyond this many parts the number is left unknown: it would cost a request each. */
const MOST_COUNTS = 10_000;

export const countRows = (
  source: ProofSource,
  base: ProofSource | undefined,
  tables: readonly ProvenTable[],
  survey: Survey,
): Promise<ProvenTable[]> =>
  mapConcurrently(tables, AT_ONCE, async (table) => {
    const counts = survey.table(table.database, table.name)?.counts ?? [];
    if (table.reading !== 'hashed' || counts.length === 0 || counts.length > MOST_COUNTS) return table;
    const rows = await mapConcurrently(counts, AT_ONCE, async (count) => {
      const place = survey.placeOf(count);
      const from = place?.inBase === true ? base : source;
      return place === null || from === undefined ? null : readCount(from, place.key);
    });
    return { ...table, rows: sumOf(rows) };
  });

/** One that is not known leaves the sum unknown. */
const sumOf = (counts: readonly (number | null)[]): number | null =>
  counts.reduce((sum, count) => (sum === null || count === null ? null : sum + count), 0);

/** Null when it cannot be told: a missing or damaged file is found, and named, when contents are compared. */
async function readCount(source: ProofSource, key: string): Promise<number | null> {
  let text = '';
  try {
    for await (const chunk of source.read(key)) text += Buffer.from(chunk).toString('latin1');
  } catch (error) {
    if (error instanceof SafehouseError && error.name === ERROR_NAMES.notFound) return null;
    throw error;
  }
  return /^\d{1,15}$/.test(text.trim()) ? Number(text) : null;
}
