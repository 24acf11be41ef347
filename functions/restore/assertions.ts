/** Asks what must hold over the target's data, of what was restored. */
import { ask, openClickHouse } from '../../clients/clickhouse.ts';
import type { Assertion, Target } from '../../core/config.ts';
import { SafehouseError } from '../../core/errors.ts';
import type { RestorePlan, RestoreReport } from '../../core/restore.ts';

type Result = RestoreReport['assertions'][number];

/** @param settings of the server that was restored to; @param source of the target whose backup it is */
export async function askAssertions(settings: Target, source: Target, plan: RestorePlan): Promise<Result[]> {
  if (plan.structureOnly) return [];
  const results: Result[] = [];
  for (const assertion of source.prove.assertions) {
    const database = databaseOf(assertion, plan);
    if (database !== undefined) results.push(await askOne(settings, assertion.query, database));
  }
  return results;
}

/**
 * The database in which it is asked; undefined where it would be answered by what was not restored: another database, single
 * tables, or, by its full name, the live one beside.
 */
function databaseOf({ query, database }: Assertion, { databases }: RestorePlan): string | undefined {
  const place = database === undefined ? databases[0] : databases.find(({ from }) => from === database);
  if (place === undefined || !place.whole) return undefined;
  const named = databases.some(
    ({ from, to }) => from !== to && query.match(new RegExp(`(?<![\\w$])${escaped(from)}[\`"]?\\s*\\.`)),
  );
  return named ? undefined : place.to;
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

async function askOne(settings: Target, query: string, database: string): Promise<Result> {
  const clickhouse = await openClickHouse(settings, { database });
  try {
    const rows = await ask<Record<string, unknown>>(clickhouse, { query, settings: { readonly: 2 } });
    const values = Object.values(rows[0] ?? {});
    if (rows.length !== 1 || values.length !== 1)
      return { query, database, passed: false, answer: `${rows.length} rows of ${values.length} columns` };
    return { query, database, passed: holds(values[0]), answer: JSON.stringify(values[0]) };
  } catch (error) {
    if (!(error instanceof SafehouseError) || error.failure.class === 'retry the same') throw error;
    return { query, database, passed: false, answer: `an error: ${error.failure.what.slice(0, 300)}` };
  } finally {
    await clickhouse.client.close();
  }
}

/** NULL, false, 0 in whatever form, and an empty text do not. */
const holds = (value: unknown): boolean =>
  value !== null && value !== undefined && value !== false && value !== '' && Number(value) !== 0;
