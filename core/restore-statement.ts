/** The RESTORE statement of a plan: the same for ClickHouse and, without its secrets, for a person. */
import { isAtLeast } from './clickhouse-version.ts';
import type { Target } from './config.ts';
import { QUIET_SINCE } from './preflight-server.ts';
import type { RestorePlan } from './restore.ts';
import type { RestoreStatement, S3Location, StatementElement, StatementSettings } from './statements.ts';

/** How many tables may be restored at a time without the statement outgrowing what ClickHouse parses by default. */
export const MOST_QUERY_BYTES = 64 * 1024 * 1024;

export function restoreStatementOf(
  plan: RestorePlan,
  settings: Target,
  version: string,
  locate: (id: string) => S3Location,
): RestoreStatement {
  return {
    elements: plan.elements as readonly StatementElement[],
    ...(settings.cluster !== undefined && { cluster: settings.cluster }),
    source: locate(plan.backup),
    ...(plan.base !== null && { base: locate(plan.base) }),
    settings: restoreSettings(plan, settings, version),
  };
}

/** Those of a target's settings that a RESTORE knows, too. */
const SHARED = /^(?:backup_restore_|max_)/;

function restoreSettings(plan: RestorePlan, { settings }: Target, version: string): StatementSettings {
  const shared = Object.fromEntries(Object.entries(settings).filter(([name]) => SHARED.test(name)));
  return {
    ...shared,
    ...MODES[plan.mode],
    ...(plan.tables.some(({ partitions }) => partitions.length > 0) && { allow_non_empty_tables: true }),
    ...(plan.quiet && quietSettings(version)),
    ...(plan.structureOnly && { structure_only: true }),
    ...(plan.storagePolicy !== null && { storage_policy: plan.storagePolicy }),
  };
}

const MODES: Readonly<Record<RestorePlan['mode'], StatementSettings>> = {
  // What came to be there since the preflight looked is not filled.
  new: {},
  asIs: {},
  replace: {},
  // ClickHouse takes tables that a lagging replica does not know to be filled for empty (ClickHouse#114266): that they are
  // empty everywhere is the preflight's business, and other replicas may fill them while the restore runs (ClickHouse#67437).
  intoExisting: {
    create_table: false,
    create_database: false,
    allow_different_table_def: true,
    allow_non_empty_tables: true,
  },
  // A view that is made anew would begin to write from what is inserted meanwhile.
  append: {
    create_table: false,
    create_database: false,
    allow_different_table_def: true,
    allow_non_empty_tables: true,
  },
};

function quietSettings(version: string): StatementSettings {
  if (!isAtLeast(version, QUIET_SINCE)) return {};
  return {
    restore_replace_external_engines_to_null: true,
    restore_replace_external_table_functions_to_null: true,
    restore_replace_external_dictionary_source_to_null: true,
    // Without it the definition that was replaced is taken for a wrong one (measured on 26.7).
    allow_different_table_def: true,
  };
}
