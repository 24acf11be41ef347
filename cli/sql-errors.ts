/** What the engine refused while it was asked about a backup, as something that the person who asked can act on. */
import type { ProverRefusal } from '../clients/prover.ts';
import { nearestText } from '../core/config-problems.ts';
import { ERROR_NAMES, type ErrorName, type Explanation, SafehouseError } from '../core/errors.ts';
import { quoteIdentifier } from '../core/identifiers.ts';
import type { LedgerTable } from '../core/ledger.ts';
import { harmless } from '../core/redaction.ts';
import { findStorageCause } from '../core/storage-errors.ts';

export interface AskedBackup {
  readonly id: string;
  readonly databases: readonly string[];
  /** All that the ledger knows of it. */
  readonly tables: readonly LedgerTable[];
  readonly shown: readonly { readonly database: string; readonly name: string }[];
  readonly current: string;
  readonly command: (words: string) => string;
}

type Explained = readonly [ErrorName, Explanation];

/** Of a query. */
export const explainRefusal = (refusal: ProverRefusal, backup: AskedBackup): SafehouseError =>
  told(refusal, explain(refusal, backup));

/** Of the mounting: whatever the engine cannot read there is wrong with the backup. */
export function explainMountRefusal(
  refusal: ProverRefusal,
  backup: Pick<AskedBackup, 'id' | 'command'>,
): SafehouseError {
  const said = saidOf(refusal.message);
  if (refusal.error === 'S3_ERROR') return told(refusal, storage(said, backup));
  return told(refusal, [
    ERROR_NAMES.verification,
    GONE.has(refusal.error) ? gone(said, backup) : unreadable(said, backup),
  ]);
}

const told = (refusal: ProverRefusal, [name, explanation]: Explained): SafehouseError =>
  new SafehouseError(name, { error: refusal.error, ...explanation }, { cause: refusal });

function explain({ error, message }: ProverRefusal, backup: AskedBackup): Explained {
  const said = saidOf(message);
  if (error === 'UNKNOWN_TABLE') return unknownTable(said, backup);
  if (error === 'UNKNOWN_DATABASE') return unknownDatabase(said, backup);
  if (error === 'READONLY' || error === 'ACCESS_DENIED') return [ERROR_NAMES.input, readOnly(said)];
  if (error === 'S3_ERROR') return storage(said, backup);
  if (GONE.has(error)) return [ERROR_NAMES.verification, gone(said, backup)];
  if (DAMAGED.has(error)) return [ERROR_NAMES.verification, damaged(said, backup)];
  if (error === 'MEMORY_LIMIT_EXCEEDED' || error === 'NOT_ENOUGH_SPACE')
    return [ERROR_NAMES.refused, tooLarge(said)];
  if (MISTAKES.has(error))
    return [ERROR_NAMES.input, { what: `${said} (${error}).`, remedy: 'Correct the query.' }];
  return [
    ERROR_NAMES.refused,
    {
      what: `The engine refused it: ${said} (${error}).`,
      remedy: "Look the error up by its name in ClickHouse's documentation.",
    },
  ];
}

/** ClickHouse's first sentence; the lists of all that would have been possible are long. */
const saidOf = (message: string): string =>
  harmless(message.replace(/: In scope SELECT formatQuerySingleLine\([\s\S]*$/, '').replace(/[.:\s]+$/, ''));

const GONE = new Set(['BACKUP_NOT_FOUND', 'NO_BASE_BACKUP']);

const DAMAGED = new Set([
  'ATTEMPT_TO_READ_AFTER_EOF',
  'BACKUP_DAMAGED',
  'BACKUP_ENTRY_NOT_FOUND',
  'BAD_SIZE_OF_FILE_IN_DATA_PART',
  'CANNOT_DECOMPRESS',
  'CANNOT_READ_ALL_DATA',
  'CHECKSUM_DOESNT_MATCH',
  'CORRUPTED_DATA',
  'FILE_DOESNT_EXIST',
  'NO_FILE_IN_DATA_PART',
  'TOO_LARGE_SIZE_COMPRESSED',
  'UNKNOWN_CODEC',
  'WRONG_BASE_BACKUP',
]);

/** Those of whoever wrote the query. */
const MISTAKES = new Set([
  'AMBIGUOUS_IDENTIFIER',
  'BAD_ARGUMENTS',
  'BAD_TYPE_OF_FIELD',
  'CANNOT_CONVERT_TYPE',
  'CANNOT_PARSE_DATE',
  'CANNOT_PARSE_DATETIME',
  'CANNOT_PARSE_NUMBER',
  'CANNOT_PARSE_TEXT',
  'ILLEGAL_AGGREGATION',
  'ILLEGAL_COLUMN',
  'ILLEGAL_TYPE_OF_ARGUMENT',
  'MULTIPLE_EXPRESSIONS_FOR_ALIAS',
  'NOT_AN_AGGREGATE',
  'NO_COMMON_TYPE',
  'NUMBER_OF_ARGUMENTS_DOESNT_MATCH',
  'SUPPORT_IS_DISABLED',
  'SYNTAX_ERROR',
  'TYPE_MISMATCH',
  'UNKNOWN_AGGREGATE_FUNCTION',
  'UNKNOWN_FORMAT',
  'UNKNOWN_FUNCTION',
  'UNKNOWN_IDENTIFIER',
  'UNKNOWN_QUERY_PARAMETER',
  'UNKNOWN_SETTING',
  'UNKNOWN_TYPE',
]);

const FOUND_BY = [/identifier '(?<name>.+?)' in scope/s, /Table (?<name>.+?) does not exist/s];

function unknownTable(said: string, backup: AskedBackup): Explained {
  const name = FOUND_BY.map((pattern) => pattern.exec(said)?.groups?.['name']).find(
    (found) => found !== undefined,
  );
  const table = backup.tables.find((each) => namesOf(each, backup.current).includes(name ?? ''));
  if (name === undefined || table === undefined)
    return [
      ERROR_NAMES.notFound,
      {
        what: `The backup has no table ${name ?? 'of that name'}${nearestText(name ?? '', backup.shown.map(fullName))}.`,
        remedy: `${shownText(backup)} Names without a database are looked up in ${backup.current}; --database names another one.`,
      },
    ];
  return [ERROR_NAMES.notFound, notShown(table, backup)];
}

const fullName = ({ database, name }: { readonly database: string; readonly name: string }): string =>
  `${database}.${name}`;

/** As a query may name it, with and without quotes. */
function namesOf({ database, name }: LedgerTable, current: string): string[] {
  const quoted = bare(name) ? name : quoteIdentifier(name);
  const before = bare(database) ? database : quoteIdentifier(database);
  const whole = [`${database}.${name}`, `${before}.${quoted}`];
  return database === current ? [...whole, name, quoted] : whole;
}

const bare = (name: string): boolean => /^[A-Za-z_]\w*$/.test(name);

function notShown({ database, name, engine, coverage }: LedgerTable, backup: AskedBackup): Explanation {
  const table = `${database}.${name}`;
  const remedy = `${shownText(backup)} To see ${table}, restore it; the statement is shown by:\n${backup.command(`show ${backup.id}`)}`;
  if (/MergeTree$/.test(engine))
    return {
      what: `${table} (${engine}) is in the backup, and the engine does not show it: its definition cannot be read.`,
      remedy: `Find out what is wrong with it:\n${backup.command(`prove ${backup.id}`)}`,
    };
  return {
    what:
      coverage === 'data'
        ? `${table} is in the backup with its data, but ClickHouse shows only tables of the MergeTree family in a backup that is not restored, and it is a ${engine}.`
        : `${table} is a ${engine}: the backup holds its definition and no data, and ClickHouse shows only tables of the MergeTree family in a backup that is not restored.`,
    remedy,
  };
}

function shownText({ shown }: AskedBackup): string {
  const names = shown.slice(0, 10).map(fullName);
  if (names.length === 0) return 'None of its tables can be queried.';
  const more = shown.length > names.length ? ` and ${shown.length - names.length} more` : '';
  return `It can be asked about ${names.join(', ')}${more}.`;
}

function unknownDatabase(said: string, { databases }: AskedBackup): Explained {
  const name = /Database (?<name>.+?) does(?: not|n't) exist/s.exec(said)?.groups?.['name'] ?? '';
  return [
    ERROR_NAMES.notFound,
    {
      what: `The backup has no database ${name || 'of that name'}${nearestText(name, databases)}.`,
      remedy: `It has ${databases.join(', ')}.`,
    },
  ];
}

const readOnly = (said: string): Explanation =>
  /modify '(?<setting>\w+)'|setting/i.test(said)
    ? {
        what: `\`sql\` runs without settings of the query's own: ${said}.`,
        remedy: 'Leave SETTINGS out.',
      }
    : {
        what: '`sql` only reads, and only what is in the backup: no changes, no temporary tables, and no table function that leaves it, such as file, url, s3 or remote.',
        remedy: 'For more than that restore the backup: `show` prints the statement.',
      };

function storage(said: string, { id, command }: Pick<AskedBackup, 'id' | 'command'>): Explained {
  if (/ExpiredToken|token.{0,40}expired/i.test(said))
    return [
      ERROR_NAMES.configuration,
      {
        what: `The AWS credentials expired while the query ran: ${said}`,
        remedy: 'Sign in again (`aws sso login`), or set fresh keys. They are taken once, when `sql` begins.',
      },
    ];
  if (/NoSuchKey|not exist|404/i.test(said))
    return [ERROR_NAMES.verification, damaged(said, { id, command })];
  return [
    ERROR_NAMES.refused,
    {
      what: findStorageCause(said, 'query').what,
      remedy:
        'The engine reads with your own credentials: they need s3:GetObject and s3:ListBucket on the bucket, and kms:Decrypt where it is encrypted with a key.',
    },
  ];
}

const gone = (said: string, { id }: Pick<AskedBackup, 'id'>): Explanation => ({
  what: `The backup ${id}, or the one it stands on, is not in the bucket: ${said}.`,
  remedy: 'Somebody deletes there. Use another backup: `list` shows them.',
});

const unreadable = (said: string, { id, command }: Pick<AskedBackup, 'id' | 'command'>): Explanation => ({
  what: `The engine cannot read the backup ${id}: ${said}.`,
  remedy: `It was written by a newer ClickHouse, or it is damaged. Which of the two is told by:\n${command(`prove ${id}`)}`,
});

const damaged = (said: string, { id, command }: Pick<AskedBackup, 'id' | 'command'>): Explanation => ({
  what: `The backup ${id} is damaged: ${said}`,
  remedy: `Do not rely on what was printed. All of the damage is named by:\n${command(`prove ${id}`)}`,
});

const tooLarge = (said: string): Explanation => ({
  what: `The query needs more than this machine has: ${said}.`,
  remedy:
    'Ask for less, or let rows go out as they come: --format TabSeparated, CSV or JSONEachRow keep nothing in memory.',
});
