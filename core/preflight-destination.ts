/** Whether anything that stands on the server would be mixed with what is restored, or destroyed by it. */
import { quoteIdentifier } from './identifiers.ts';
import type { Destination } from './preflight.ts';
import type { PlannedTable, PreflightFinding, RestorePlan, StandingTable } from './restore.ts';
import { APPEND } from './restore-input.ts';

export function destinationFindings(plan: RestorePlan, destination: Destination): PreflightFinding[] {
  switch (plan.mode) {
    case 'new':
      return newFindings(plan, destination);
    case 'asIs':
      return [...missingDatabases(plan, destination), ...filledTables(plan, destination)];
    case 'replace':
      return [...missingDatabases(plan, destination), ...replacedFindings(plan, destination)];
    case 'intoExisting':
      return [...absentTables(plan, destination), ...filledTables(plan, destination)];
    case 'append':
      return [...absentTables(plan, destination), ...appendFindings(plan)];
  }
}

const MOST_NAMED = 10;

/** Step Functions cuts what an error says at 32 KiB. */
const MOST_TYPED = 200;

const listed = (names: readonly string[]): string =>
  `${names.slice(0, MOST_NAMED).join(', ')}${names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''}`;

const finding = (
  check: PreflightFinding['check'],
  what: string,
  remedy: string,
  weight: PreflightFinding['weight'] = 'blocks',
): PreflightFinding => ({ check, weight, what, remedy });

const nameOf = ({ database, table }: PlannedTable['to']): string => `${database}.${table}`;

function newFindings({ databases }: RestorePlan, destination: Destination): PreflightFinding[] {
  const taken = databases.map(({ to }) => to).filter((name) => destination.databases.includes(name));
  if (taken.length === 0) return [];
  return [
    finding(
      'destination',
      `The server has ${taken.length === 1 ? 'a database' : 'databases'} ${listed(taken)} already.`,
      'Give other names with `as`, or drop what is there when nobody needs it.',
    ),
  ];
}

/** RESTORE TABLE never creates the database. */
function missingDatabases(plan: RestorePlan, destination: Destination): PreflightFinding[] {
  const missing = plan.databases
    .filter(({ to, whole }) => !whole && !destination.databases.includes(to))
    .map(({ to }) => to);
  if (missing.length === 0) return [];
  return [
    finding(
      'destination',
      `The server has no database ${listed(missing)}, and a restore of single tables does not make one.`,
      `Restore the whole database (\`databases\`), or make it first: ${missing.map((name) => `CREATE DATABASE ${quoteIdentifier(name)}`).join('; ')}.`,
    ),
  ];
}

const standing = (table: PlannedTable, { tables }: Destination): StandingTable | undefined =>
  tables.find(({ database, table: name }) => database === table.to.database && name === table.to.table);

/** Rows beside rows of unknown origin are never mixed by accident; what cannot be counted counts as filled. */
function filledTables(plan: RestorePlan, destination: Destination): PreflightFinding[] {
  if (plan.structureOnly) return [];
  const filled = plan.tables.flatMap((table): string[] => {
    const there = standing(table, destination);
    if (there === undefined || table.coverage !== 'data') return [];
    if (table.partitions.length > 0) return filledPartitions(table, destination);
    if (there.rows === 0 || (there.rows === null && there.engine.endsWith('View'))) return [];
    return [`${nameOf(table.to)} (${there.rows === null ? 'rows unknown' : `${there.rows} rows`})`];
  });
  if (filled.length === 0) return [];
  return [
    finding(
      'destination',
      `${filled.length === 1 ? 'This table is' : 'These tables are'} not empty: ${listed(filled)}.`,
      'Restore under a new name (mode "new"), or drop and replace them (mode "replace"), or empty them yourself. Adding rows to rows is mode "append".',
    ),
  ];
}

const filledPartitions = (table: PlannedTable, { partitions }: Destination): string[] =>
  partitions
    .filter(
      ({ database, table: name, id }) =>
        database === table.to.database && name === table.to.table && table.partitions.includes(id),
    )
    .map(({ id, rows }) => `${nameOf(table.to)} partition ${id} (${rows} rows)`);

function absentTables(plan: RestorePlan, destination: Destination): PreflightFinding[] {
  // Views and dictionaries too: nothing is created, and RESTORE refuses the whole for one that is not there (UNKNOWN_TABLE).
  const absent = plan.tables
    .filter((table) => standing(table, destination) === undefined)
    .map(({ to }) => nameOf(to));
  if (absent.length === 0) return [];
  return [
    finding(
      'destination',
      `The server does not have ${listed(absent)}.`,
      'With this mode the tables come first, by the migrations of your application or by hand; or restore with mode "asIs", which makes them as they were; or name the others in `tables`.',
    ),
  ];
}

function replacedFindings(plan: RestorePlan, destination: Destination): PreflightFinding[] {
  const findings: PreflightFinding[] = [];
  const there = plan.databases.filter(({ to }) => destination.databases.includes(to));
  const dropped = there.flatMap(({ to, whole }) =>
    whole
      ? [to]
      : plan.tables
          .filter((table) => table.to.database === to && standing(table, destination) !== undefined)
          .map((table) => nameOf(table.to)),
  );
  const lost = there
    .filter(({ whole }) => whole)
    .flatMap(({ to }) =>
      destination.tables
        .filter(({ database }) => database === to)
        .filter(({ table }) => !/^\.inner(?:_id)?\./.test(table))
        .filter(
          ({ table }) =>
            !plan.tables.some((planned) => planned.to.database === to && planned.to.table === table),
        )
        .map(({ database, table }) => `${database}.${table}`),
    );
  const unconfirmed = [...dropped, ...lost].filter((name) => !plan.confirm.includes(name));
  if (unconfirmed.length > 0)
    findings.push(
      finding(
        'confirmation',
        `These would be dropped, with every row in them: ${listed(unconfirmed)}.`,
        unconfirmed.length <= MOST_TYPED
          ? `Type their names in \`confirm\`: ${JSON.stringify(unconfirmed)}.`
          : 'They are too many to be typed: replace whole databases (`databases`), which takes their names alone, or fewer tables at a time.',
      ),
    );
  if (lost.length > 0)
    findings.push(
      finding(
        'confirmation',
        `The backup does not bring back ${listed(lost)}.`,
        'Leave these databases out, or copy those tables first.',
        'notice',
      ),
    );
  return findings;
}

function appendFindings({ confirm }: RestorePlan): PreflightFinding[] {
  const doubled = 'Rows are added to the rows that are there; what is in both will be there twice.';
  if (confirm.includes(APPEND))
    return [finding('confirmation', doubled, 'A second restore would add them again.', 'notice')];
  return [finding('confirmation', doubled, `Type the word in \`confirm\` if it is meant so: ["${APPEND}"].`)];
}
