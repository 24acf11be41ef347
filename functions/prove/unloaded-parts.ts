/** Parts that the manifest names and the engine does not load. */
import type { Prover } from '../../clients/prover.ts';
import { isTrouble } from '../../core/engine-trouble.ts';
import type { ProofFinding } from '../../core/proof.ts';
import { compareParts, MOST_PARTS, type NamedPart } from './contents.ts';
import type { ProofSource } from './source.ts';
import { troubled } from './trouble.ts';

/** How often the engine raised each of its errors in this process, and its last words about it. */
export type RaisedErrors = ReadonlyMap<string, { readonly count: number; readonly text: string }>;

export async function readErrors(engine: Prover): Promise<RaisedErrors> {
  const rows = await engine.ask<{ name: string; count: number; text: string }>(
    `SELECT name, sum(value) AS count, any(last_error_message) AS text FROM system.errors GROUP BY name
     SETTINGS output_format_json_quote_64bit_integers = 0`,
  );
  return new Map(rows.map(({ name, count, text }) => [name, { count, text }]));
}

interface Unloading {
  readonly source: ProofSource;
  readonly base: ProofSource | undefined;
  readonly unloaded: readonly NamedPart[];
  /** The engine's errors before and after it loaded the others. */
  readonly before: RaisedErrors;
  readonly after: RaisedErrors;
}

/**
 * A part is not loaded when one of its small files is damaged or gone, and comparing them says which. It is not loaded either
 * when S3 refused one of them, of which the engine tells nobody.
 *
 * @throws {SafehouseError} TemporarilyUnavailable, when the engine could not read
 */
export async function explainUnloaded({
  source,
  base,
  unloaded,
  before,
  after,
}: Unloading): Promise<ProofFinding[]> {
  const damaged = await compareParts(source, base, unloaded, 'small files');
  const isNamed = ({ database, table, part }: NamedPart): boolean =>
    damaged.some((each) => each.table === `${database}.${table}` && each.part === part);
  const trouble = troubleIn(before, after);
  if (trouble !== undefined && !unloaded.slice(0, MOST_PARTS).every(isNamed)) throw troubled(trouble);
  return [
    ...damaged,
    ...unloaded
      .filter((part) => !isNamed(part))
      .map(({ database, table, part }) => ({
        table: `${database}.${table}`,
        part,
        file: null,
        what: `The engine cannot load the part ${part} of ${database}.${table}.`,
      })),
  ];
}

function troubleIn(before: RaisedErrors, after: RaisedErrors): string | undefined {
  for (const [error, { count, text }] of after)
    if (count > (before.get(error)?.count ?? 0) && isTrouble({ error, text })) return `${text} (${error})`;
  return undefined;
}
