/** Asks what must hold over a backup's data, of the backup itself. */
import { type Prover, ProverRefusal } from '../../clients/prover.ts';
import type { Assertion } from '../../core/config.ts';
import type { AssertionResult } from '../../core/proof.ts';
import { isTroubled, troubled } from './trouble.ts';

/** @throws {SafehouseError} TemporarilyUnavailable, when the engine could not read */
export async function runAssertions(
  engine: Prover,
  assertions: readonly Assertion[],
  databases: readonly string[],
): Promise<AssertionResult[]> {
  const results: AssertionResult[] = [];
  for (const { query, database = databases[0] ?? 'default' } of assertions)
    results.push({ query, database, ...(await ask(engine, query, database)) });
  return results;
}

async function ask(
  engine: Prover,
  query: string,
  database: string,
): Promise<Pick<AssertionResult, 'passed' | 'answer'>> {
  try {
    const rows = await engine.askIn<Record<string, unknown>>(database, query);
    const values = Object.values(rows[0] ?? {});
    if (rows.length !== 1 || values.length !== 1)
      return { passed: false, answer: `${rows.length} rows of ${values.length} columns` };
    const [value] = values;
    return { passed: holds(value), answer: JSON.stringify(value) };
  } catch (error) {
    if (!(error instanceof ProverRefusal)) throw error;
    if (isTroubled(error)) throw troubled(error.message);
    return { passed: false, answer: `an error: ${error.message.slice(0, 300)} (${error.error})` };
  }
}

/** NULL, false, 0 in whatever form, and an empty text do not. */
const holds = (value: unknown): boolean =>
  value !== null && value !== undefined && value !== false && value !== '' && Number(value) !== 0;
