/** Rows of tables that the engine does not mount: ClickHouse writes them down beside the data. */
import { mapConcurrently } from '../../clients/concurrently.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { ProvenTable } from '../../core/proof.ts';
import type { Survey } from '../../core/proof-survey.ts';
import type { ProofSource } from './source.ts';

const AT_ONCE = 32;
/** Beyond this many parts the number is left unknown: it would cost a request each. */
const MOST_COUNTS = 10_000;

export function countRows(
  source: ProofSource,
  tables: readonly ProvenTable[],
  survey: Survey,
): Promise<ProvenTable[]> {
  return mapConcurrently(tables, 4, async (table) => {
    if (table.reading !== 'hashed') return table;
    const counts = survey.table(table.database, table.name)?.counts ?? [];
    if (counts.length === 0 || counts.length > MOST_COUNTS) return table;
    const rows = await mapConcurrently(counts, AT_ONCE, (file) => readCount(source, survey.objectOf(file)));
    return {
      ...table,
      rows: rows.includes(null) ? null : rows.reduce<number>((sum, count) => sum + (count ?? 0), 0),
    };
  });
}

/** Null when it cannot be told: a missing or damaged file is found, and named, when contents are compared. */
async function readCount(source: ProofSource, key: string | null): Promise<number | null> {
  if (key === null) return null;
  let text = '';
  try {
    for await (const chunk of source.read(key)) text += Buffer.from(chunk).toString('latin1');
  } catch (error) {
    if (error instanceof SafehouseError && error.name === ERROR_NAMES.notFound) return null;
    throw error;
  }
  return /^\d{1,15}$/.test(text.trim()) ? Number(text) : null;
}
