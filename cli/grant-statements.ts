/** The SQL that gives the user of a target what a backup needs, and nothing else. */
import { isAtLeast } from '../core/clickhouse-version.ts';
import type { Secret, Target } from '../core/config.ts';
import { quoteIdentifier, quoteString } from '../core/identifiers.ts';
import { targetPrefix } from '../core/keys.ts';
import { type BucketAddress, objectUrl } from '../core/location.ts';

export interface GrantStatement {
  readonly sql: string;
  readonly why: string;
  /** When it is not to be run as it stands: why not. */
  readonly only?: string;
}

/** From here on BACKUP asks for grants on S3 too (ClickHouse#114405). */
export const S3_GRANTS_SINCE = '26.8';

/** @param version the server's, when it is known */
export function grantStatements(
  name: string,
  target: Target,
  address: BucketAddress,
  version?: string,
): GrantStatement[] {
  const { user, cluster, s3 } = target;
  const on = cluster === undefined ? '' : ` ON CLUSTER ${quoteIdentifier(cluster)}`;
  const grant = (what: string): string => `GRANT${on} ${what} TO ${quoteIdentifier(user)}`;
  const collection =
    s3.access === 'namedCollection' ? s3.name : s3.access === 'sts' ? s3.namedCollection : undefined;
  return [
    userStatement(target, on),
    {
      sql: `CREATE SETTINGS PROFILE IF NOT EXISTS ${quoteIdentifier(`safehouse_${name}`)}${on} SETTINGS max_execution_time = 0, max_memory_usage = 0 TO ${quoteIdentifier(user)}`,
      why: 'A profile that limits time or memory would end a long backup in the middle.',
    },
    ...backupObjects(target).map((object) => ({
      sql: grant(`BACKUP ON ${object}`),
      why: `BACKUP is checked for exactly what the statement names; SELECT is not needed.`,
    })),
    {
      sql: grant(
        [
          'backups',
          'processes',
          'databases',
          'tables',
          // Which shards the backup must have.
          ...(cluster === undefined ? [] : ['clusters']),
        ]
          .map((table) => `SELECT ON system.${table}`)
          .join(', '),
      ),
      why: 'To see how the backup stands, and what is in scope.',
    },
    { sql: grant('KILL QUERY ON *.*'), why: 'To cancel a backup that stands still or takes too long.' },
    ...(cluster === undefined
      ? []
      : [
          {
            sql: grant('CLUSTER, REMOTE ON *.*'),
            why: 'To back up ON CLUSTER, and to ask every replica: as the user that the definition of the cluster names, if it does.',
          },
        ]),
    ...(collection === undefined
      ? []
      : [
          {
            sql: grant(`NAMED COLLECTION ON ${quoteIdentifier(collection)}`),
            why: "The collection that holds the bucket's address.",
          },
        ]),
    ...s3Statement(grant, name, address, collection, version),
    ...(target.before === undefined
      ? []
      : [
          {
            sql: grant('SELECT ON *.*'),
            why: `What \`before\` reads: ${target.before.query}`,
            only: 'Name the tables of the query instead of *.*, then remove the dashes.',
          },
        ]),
  ];
}

export function userStatement(
  { user, password }: Pick<Target, 'user' | 'password'>,
  on: string,
): GrantStatement {
  return {
    sql: `CREATE USER IF NOT EXISTS ${quoteIdentifier(user)}${on} IDENTIFIED WITH sha256_password BY '<the password>'`,
    why:
      password === undefined
        ? 'The user.'
        : `The user; Safehouse reads the password from ${secretText(password)}.`,
    only:
      user === 'default'
        ? '`default` exists and may usually do everything: a user of its own, named in the configuration, is better.'
        : 'Put the password in, then remove the dashes. Not needed when the user exists.',
  };
}

const secretText = (secret: Secret): string =>
  'ssm' in secret
    ? `the SSM parameter ${secret.ssm}`
    : `the secret ${secret.secretsManager} of Secrets Manager`;

/** What the elements of the `BACKUP` statement are checked for. */
function backupObjects({ databases, tables, engines }: Target): string[] {
  const ofDatabase = (database: string): string => `${quoteIdentifier(database)}.*`;
  if (tables !== undefined && engines === undefined)
    return tables.map(({ database, table }) => `${quoteIdentifier(database)}.${quoteIdentifier(table)}`);
  if (databases !== 'all') return databases.map(ofDatabase);
  if (tables !== undefined) return [...new Set(tables.map(({ database }) => ofDatabase(database)))];
  return ['*.*'];
}

function s3Statement(
  grant: (what: string) => string,
  name: string,
  address: BucketAddress,
  collection: string | undefined,
  version: string | undefined,
): GrantStatement[] {
  if (version !== undefined && !isAtLeast(version, S3_GRANTS_SINCE)) return [];
  // The filter is a regular expression, and one on the address cannot be checked against a named collection.
  const filter =
    collection === undefined
      ? `(${quoteString(`${escapeRegExp(objectUrl(address, targetPrefix(name)))}.*`)})`
      : '';
  return [
    {
      sql: grant(`READ, WRITE ON S3${filter}`),
      why: `From ClickHouse ${S3_GRANTS_SINCE} on, to write to the bucket and to read the base of an incremental.`,
      ...(version === undefined && {
        only: `Remove the dashes on ${S3_GRANTS_SINCE} or newer. \`--clickhouse VERSION\` decides it here.`,
      }),
    },
  ];
}

export const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
