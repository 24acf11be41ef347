/** The statements that put what was restored in the place of what is live, and back. They are printed, never run. */
import { quoteIdentifier } from './identifiers.ts';
import type { Before, PlannedTable, RestorePlan } from './restore.ts';

export interface Swap {
  readonly swap: string[];
  readonly swapBack: string[];
}

const NONE: Swap = { swap: [], swapBack: [] };

/**
 * Table by table: the live views and dictionaries go on under their own names and see the restored rows. Whole databases cannot be
 * renamed where anything depends on a table in them (HAVE_DEPENDENT_OBJECTS, measured on 26.7). The way back is the same.
 *
 * @param live what stood on the server under the names that the backup knows
 */
export function swapStatements(
  { mode, drill, structureOnly, tables }: RestorePlan,
  live: Before['live'],
  cluster: string | undefined,
): Swap {
  if (mode !== 'new' || drill || structureOnly) return NONE;
  const on = cluster === undefined ? '' : ` ON CLUSTER ${quoteIdentifier(cluster)}`;
  const steps = tables.flatMap((table) => stepsFor(table, live, on));
  if (steps.every(({ there }) => there.startsWith('--'))) return NONE;
  return {
    swap: steps.map(({ there }) => there),
    swapBack: steps.toReversed().map(({ back }) => back),
  };
}

interface Step {
  readonly there: string;
  readonly back: string;
}

function stepsFor(
  { database, name, engine, coverage, to }: PlannedTable,
  live: Before['live'],
  on: string,
): Step[] {
  if (coverage !== 'data') return [];
  const here = `${quoteIdentifier(to.database)}.${quoteIdentifier(to.table)}`;
  const there = `${quoteIdentifier(database)}.${quoteIdentifier(name)}`;
  const isDatabaseLive = live.some((table) => table.database === database);
  if (!isDatabaseLive) return [];
  if (engine === 'MaterializedView') {
    // One with TO keeps nothing itself, and its target is a table of its own in this list.
    const note = `-- ${there}: the rows that a view keeps itself cannot be exchanged; one with TO has none`;
    return [{ there: note, back: note }];
  }
  if (live.some((table) => table.database === database && table.table === name)) {
    const exchange = `EXCHANGE TABLES ${there} AND ${here}${on}`;
    return [{ there: exchange, back: exchange }];
  }
  return [{ there: `RENAME TABLE ${here} TO ${there}${on}`, back: `RENAME TABLE ${there} TO ${here}${on}` }];
}
