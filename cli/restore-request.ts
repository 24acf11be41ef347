/** What was typed after `restore`, as the input of its workflow. */
import { explainIssues } from '../core/config-problems.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { ACCEPTABLE } from '../core/restore.ts';
import { RESTORE_MODES, type RestoreInput, restoreInputSchema } from '../core/restore-input.ts';
import { usageError } from './command-line.ts';
import type { Call, Flag } from './verb.ts';

export const RESTORE_FLAGS = {
  backup: {
    value: 'BACKUP',
    about: 'an id or its beginning; latest-proven, unless said otherwise; or latest, proven or not',
  },
  at: { value: 'TIME', about: 'the newest good backup that began no later, such as 2026-04-02T02:00:00Z' },
  to: { value: 'TARGET', about: 'the target to restore to; the same one, unless said otherwise' },
  mode: {
    value: 'MODE',
    allowed: RESTORE_MODES,
    about:
      'new: whole databases under new names, beside the live ones; asIs: the same names, absent or empty; replace: the same names, dropped first; intoExisting: the data alone into empty tables of any engine; append: the data added to the rows that are there. Else new, or asIs where tables are named',
  },
  database: { value: 'NAME', repeated: true, about: 'only this database; may be repeated' },
  table: { value: 'DB.TABLE', repeated: true, about: 'only this table; may be repeated' },
  partition: {
    value: 'DB.TABLE=ID,ID',
    repeated: true,
    about: 'only these partitions, by partition_id of system.parts; may be repeated',
  },
  except: { value: 'DB.TABLE', repeated: true, about: 'all but this table of a database; may be repeated' },
  as: {
    value: 'OLD=NEW',
    repeated: true,
    about: 'what the database OLD is called on the server; may be repeated',
  },
  'structure-only': { about: 'the definitions without the data' },
  quiet: {
    value: 'YES|NO',
    allowed: ['yes', 'no'],
    about:
      'whether what is restored is kept from reading and writing outside: Kafka, S3, other servers, refreshes; yes by default with new',
  },
  'storage-policy': { value: 'NAME', about: 'takes the place of the storage policies that the tables name' },
  check: { about: 'read every byte of what was restored with CHECK TABLE' },
  drill: { about: 'into scratch databases, which are compared, checked and dropped again' },
  accept: {
    value: 'FINDING',
    allowed: ACCEPTABLE,
    repeated: true,
    about: `go on in spite of what the preflight finds about this, one of ${ACCEPTABLE.join(', ')}; may be repeated`,
  },
  'dry-run': { about: 'show what would be done, and end' },
  yes: {
    value: 'NAME',
    repeated: true,
    about: 'for scripts: the database that replace drops, or the word append; may be repeated',
  },
} as const satisfies Record<string, Flag>;

/** @throws {SafehouseError} InvalidInput, with everything that is wrong at once */
export function readRequest({
  argument,
  flags,
  all,
}: Pick<Call, 'argument' | 'flags' | 'all'>): RestoreInput {
  const text = (flag: string): string | undefined => all(flag).at(-1);
  const tables = all('table').map((typed) => tableOf(typed, 'table'));
  const partitions = all('partition').map(partitionOf);
  const names = all('as').map(renamingOf);
  const quiet = text('quiet');
  const input = {
    target: argument,
    ...given('backup', text('backup')),
    ...given('at', text('at')),
    ...given('to', text('to')),
    ...given('mode', text('mode')),
    ...given('databases', some(all('database'))),
    ...given('tables', some(tables)),
    ...given('partitions', some(partitions)),
    ...given('except', some(all('except').map((typed) => tableOf(typed, 'except')))),
    ...given('as', names.length === 0 ? undefined : renamings(names)),
    ...(flags.has('structure-only') && { structureOnly: true }),
    ...given('quiet', quiet === undefined ? undefined : quiet === 'yes'),
    ...given('storagePolicy', text('storage-policy')),
    ...given('confirm', some(all('yes'))),
    ...given('accept', some([...new Set(all('accept'))])),
    ...(flags.has('check') && { check: true }),
    ...(flags.has('drill') && { drill: true }),
  };
  explainIssues(restoreInputSchema, input, 'The restore', ERROR_NAMES.input);
  return input as RestoreInput;
}

const given = <Value>(name: string, value: Value | undefined): Readonly<Record<string, Value>> =>
  value === undefined ? {} : { [name]: value };

const some = <Value>(values: readonly Value[]): Value[] | undefined =>
  values.length === 0 ? undefined : [...values];

interface Table {
  readonly database: string;
  readonly table: string;
}

/** Only a table's name can have dots here; a database's name with one goes through JSON, as the help of the schema says. */
function tableOf(typed: string, flag: 'table' | 'except'): Table {
  const dot = typed.indexOf('.');
  if (dot > 0 && dot < typed.length - 1)
    return { database: typed.slice(0, dot), table: typed.slice(dot + 1) };
  throw usageError(
    [`--${flag} is ${JSON.stringify(typed)}; must be a database, a dot, and a table.`],
    `Example: --${flag} shop.orders. For a whole database: --database shop`,
  );
}

/** The last equals sign: an id of a partition has none, and the name of a table may. */
function partitionOf(typed: string): { table: Table; ids: string[] } {
  const equals = typed.lastIndexOf('=');
  const ids = typed
    .slice(equals + 1)
    .split(',')
    .map((id) => id.trim());
  if (equals > 0 && ids.every((id) => id !== '') && typed.slice(0, equals).includes('.'))
    return { table: tableOf(typed.slice(0, equals), 'table'), ids };
  throw usageError(
    [`--partition is ${JSON.stringify(typed)}; must be a table, "=", and ids of partitions.`],
    "Example: --partition shop.orders=202604,202605. The ids: SELECT DISTINCT partition_id FROM system.parts WHERE database = 'shop' AND table = 'orders'",
  );
}

function renamingOf(typed: string): readonly [string, string] {
  const [from = '', to = '', ...more] = typed.split('=');
  if (from !== '' && to !== '' && more.length === 0) return [from, to];
  throw usageError(
    [`--as is ${JSON.stringify(typed)}; must be the old name of a database, "=", and its new one.`],
    'Example: --as shop=shop_yesterday',
  );
}

function renamings(names: readonly (readonly [string, string])[]): Readonly<Record<string, string>> {
  const twice = names.find(([from], index) => names.findIndex(([other]) => other === from) < index);
  if (twice === undefined) return Object.fromEntries(names);
  throw new SafehouseError(ERROR_NAMES.input, {
    what: `--as gives ${JSON.stringify(twice[0])} two new names.`,
    remedy: 'Give it one; a second copy is a second restore.',
  });
}
