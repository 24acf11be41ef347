/** The SQL that gives the user that restores what a restore needs: more than a backup does. */
import { isAtLeast } from '../core/clickhouse-version.ts';
import type { Target } from '../core/config.ts';
import { quoteIdentifier, quoteString } from '../core/identifiers.ts';
import { BACKUPS } from '../core/keys.ts';
import { type BucketAddress, objectUrl } from '../core/location.ts';
import { DRILL_PREFIX } from '../core/restore-plan.ts';
import { escapeRegExp, type GrantStatement, S3_GRANTS_SINCE, userStatement } from './grant-statements.ts';

/** Beside what every user sees. */
const SYSTEM_TABLES = [
  'backups',
  'databases',
  'disks',
  'macros',
  'parts',
  'processes',
  'replicas',
  'storage_policies',
  'table_engines',
  'tables',
  'zookeeper',
] as const;

/** What makes databases and tables, fills them, compares them, and takes away again what came to no good end. */
const PRIVILEGES =
  'CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE DICTIONARY, INSERT, SELECT, CHECK, TRUNCATE, DROP DATABASE, DROP TABLE, DROP VIEW, DROP DICTIONARY';

/** @param target the one that is restored to; @param version the server's, when it is known */
export function restoreGrantStatements(
  name: string,
  target: Target,
  address: BucketAddress,
  version?: string,
): GrantStatement[] {
  const { cluster, restore } = target;
  const user = restore.user ?? target.user;
  const password = restore.user === undefined ? target.password : restore.password;
  const on = cluster === undefined ? '' : ` ON CLUSTER ${quoteIdentifier(cluster)}`;
  const grant = (what: string): string => `GRANT${on} ${what} TO ${quoteIdentifier(user)}`;
  return [
    userStatement({ user, password }, on),
    {
      sql: `CREATE SETTINGS PROFILE IF NOT EXISTS ${quoteIdentifier(`safehouse_restore_${name}`)}${on} SETTINGS max_execution_time = 0, max_memory_usage = 0 TO ${quoteIdentifier(user)}`,
      why: 'A profile that limits time or memory would end a long restore in the middle.',
    },
    ...placesOf(target).map(({ place, why }) => ({ sql: grant(`${PRIVILEGES} ON ${place}`), why })),
    {
      sql: grant(SYSTEM_TABLES.map((table) => `SELECT ON system.${table}`).join(', ')),
      why: 'To look before anything is begun, to see how the restore stands, and to compare.',
    },
    { sql: grant('KILL QUERY ON *.*'), why: 'To cancel a restore.' },
    ...(cluster === undefined
      ? []
      : [{ sql: grant('CLUSTER, REMOTE ON *.*'), why: 'To restore ON CLUSTER, and to ask every replica.' }]),
    ...wayToBucket(target, grant, address, version),
    {
      sql: grant('TABLE ENGINE ON *'),
      why: 'Where the server asks for a grant for each table engine.',
      only: 'Remove the dashes where `access_control_improvements.table_engines_require_grant` is on.',
    },
  ];
}

interface Place {
  readonly place: string;
  readonly why: string;
}

function placesOf({ databases }: Target): Place[] {
  if (databases === 'all')
    return [{ place: '*.*', why: 'To restore any database, under its own name or a new one.' }];
  return [
    ...databases.flatMap((database) => [
      { place: `${quoteIdentifier(database)}.*`, why: `To restore ${database} under its own name.` },
      {
        place: `${quoteIdentifier(`${database}_restored_`)}*.*`,
        why: 'And beside it, under the name that a restore gives it.',
      },
    ]),
    { place: `${quoteIdentifier(DRILL_PREFIX)}*.*`, why: 'For drills.' },
  ];
}

function wayToBucket(
  target: Target,
  grant: (what: string) => string,
  address: BucketAddress,
  version: string | undefined,
): GrantStatement[] {
  const s3 = target.restore.s3 ?? target.s3;
  const collection =
    s3.access === 'namedCollection' ? s3.name : s3.access === 'sts' ? s3.namedCollection : undefined;
  if (collection !== undefined)
    return [
      {
        sql: grant(`NAMED COLLECTION ON ${quoteIdentifier(collection)}`),
        why: "The collection that holds the bucket's address.",
      },
      ...readStatement(grant, '', version),
    ];
  const filter = `(${quoteString(`${escapeRegExp(objectUrl(address, BACKUPS))}.*`)})`;
  return readStatement(grant, filter, version);
}

function readStatement(
  grant: (what: string) => string,
  filter: string,
  version: string | undefined,
): GrantStatement[] {
  if (version !== undefined && !isAtLeast(version, S3_GRANTS_SINCE)) return [];
  return [
    {
      sql: grant(`READ ON S3${filter}`),
      why: `From ClickHouse ${S3_GRANTS_SINCE} on, to read the backups from the bucket.`,
      ...(version === undefined && {
        only: `Remove the dashes on ${S3_GRANTS_SINCE} or newer. \`--clickhouse VERSION\` decides it here.`,
      }),
    },
  ];
}
