/** What a restore that did not come to a good end leaves to a person, in words, and the statements that would take it away. */
import type { Target } from '../../core/config.ts';
import type { Cleaned, PlannedTable, RestorePlan } from '../../core/restore.ts';
import type { Remnant } from '../../core/restore-clean-up.ts';
import {
  dropDatabaseStatement,
  dropPartitionStatement,
  dropTableStatement,
  truncateStatement,
} from './drop.ts';

export function describeRemnant(
  remnant: Remnant,
  { backup }: RestorePlan,
  settings: Target,
): Cleaned['left'][number] {
  switch (remnant.kind) {
    case 'filled': {
      const { table, rows } = remnant;
      return {
        what: `${nameOf(table)} was empty before and has ${rowsText(rows)} now; they are not exactly those of the backup, so others may have written some of them`,
        statement: emptyAgain(settings, table),
      };
    }
    case 'appended': {
      const { table, before, rows } = remnant;
      return {
        what: `${table.to.database}.${table.to.table} had ${rowsText(before)} before and has ${rowsText(rows)} now, and no statement tells the ones from the others`,
        statement: '-- none',
      };
    }
    case 'new': {
      const { database, table } = remnant.table.to;
      return {
        what: `${database}.${table} was not there before and has ${rowsText(remnant.rows)} now, which are not those of the backup: others have made it, or have written into it`,
        statement: dropTableStatement(settings, { database, table, engine: remnant.table.engine }),
      };
    }
    case 'database':
      return {
        what: `the database ${remnant.database} was not there before, and others have something in it`,
        statement: dropDatabaseStatement(settings, remnant.database),
      };
    case 'replaced': {
      const { database, table } = remnant;
      return {
        what: `${table === null ? `the database ${database}` : `${database}.${table}`} was dropped to be replaced, and is not there now`,
        statement: `-- restore it again: ${backup} holds it`,
      };
    }
  }
}

const rowsText = (rows: number | null): string => (rows === null ? 'uncounted rows' : `${rows} rows`);

const nameOf = ({ to: { database, table }, partitions }: PlannedTable): string =>
  partitions.length === 0
    ? `${database}.${table}`
    : `${partitions.length === 1 ? 'the partition' : 'each of the partitions'} ${partitions.join(', ')} of ${database}.${table}`;

/** Of a table of which only partitions were restored, the others are not touched. */
const emptyAgain = (settings: Target, { to: { database, table }, partitions }: PlannedTable): string =>
  partitions.length === 0
    ? truncateStatement(settings, database, table)
    : partitions.map((id) => dropPartitionStatement(settings, database, table, id)).join('; ');
