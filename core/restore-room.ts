/** What a replacement drops before it restores. */
import type { Dropped, RestorePlan, StandingTable } from './restore.ts';

export interface Replaced extends Dropped {
  /** Null for a database. */
  readonly engine: string | null;
}

/** Only what the preflight has seen, which `confirm` has named. */
export function replacedBy(
  { mode, databases, tables }: RestorePlan,
  before: { readonly databases: readonly string[]; readonly tables: readonly StandingTable[] },
): Replaced[] {
  if (mode !== 'replace') return [];
  return databases
    .filter(({ to }) => before.databases.includes(to))
    .flatMap(({ to: database, whole }): Replaced[] => {
      if (whole) return [{ kind: 'database', database, table: null, engine: null }];
      const isPlanned = ({ table }: StandingTable): boolean =>
        tables.some(({ to }) => to.database === database && to.table === table);
      return before.tables
        .filter((there) => there.database === database && isPlanned(there))
        .map(({ table, engine }) => ({ kind: 'table', database, table, engine }));
    });
}
