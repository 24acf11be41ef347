/**
 * Every error of ClickHouse's that this release knows, with its cause in words, the remedy, and what follows. S3_ERROR has a
 * table of its own in storage-errors.ts.
 */
import type { Finding, Operation } from './storage-errors.ts';

/** What a sentence may speak of. */
export interface Said {
  /** The names that the row's pattern found in ClickHouse's words. */
  readonly found: Readonly<Partial<Record<string, string>>>;
  readonly operation: Operation;
  /** The ClickHouse user, ready for SQL; `<user>` where nobody said who it is. */
  readonly user: string;
}

export type Sentence = string | ((said: Said) => string);

/** One cause. Of the rows of a code the first that fits speaks. */
export interface ErrorRow {
  readonly code: number;
  readonly name: string;
  /** Where a code has several causes: the words that tell this one. Its groups are names too. */
  readonly when?: RegExp;
  /** Finds the names in ClickHouse's words. Where it finds none, ClickHouse's words are quoted after the sentence. */
  readonly names?: RegExp;
  readonly next: Finding['next'];
  readonly what: Sentence;
  readonly remedy: Sentence;
}

type Rest = Pick<ErrorRow, 'next' | 'remedy'>;

const named = (kind: string, name: string | undefined): string =>
  name === undefined ? `A ${kind}` : `The ${kind} ${name}`;
const at = (backup: string | undefined): string => (backup === undefined ? 'the destination' : backup);

const GRANTS = '`safehouse grants` prints all that the user needs.';
const FULL_BACKUP = 'Start a full backup: `safehouse backup TARGET --kind full`.';
const ANOTHER_BACKUP =
  'Use another backup: `safehouse list` shows them. Keep this one until it is clear what damaged it.';
const CHECK_PART =
  'Find it with CHECK TABLE, then fetch the part from another replica or detach it (ALTER TABLE … DETACH PART). Until then every backup with this table fails.';
const NAME_ONCE = 'Name each table and database once, under one name.';
const SESSION_TOKEN =
  "Temporary credentials go through a named collection (ClickHouse#56542): `s3: { access: 'sts' }` in the target.";

/** What is damaged in a restore is the backup; in a backup it is the base. */
const anotherOrFull = ({ operation }: Said): string =>
  operation === 'restore' ? ANOTHER_BACKUP : FULL_BACKUP;
const anotherOrCheck = ({ operation }: Said): string =>
  operation === 'restore' ? ANOTHER_BACKUP : CHECK_PART;
const objectOrPart = ({ operation }: Said): string =>
  operation === 'restore' ? 'A file of the backup' : 'A file of a data part on the server';

const WRONG_VALUE: Rest = { next: 'fix', remedy: 'Correct it under `settings` of the target.' };

const STATEMENT: readonly ErrorRow[] = [
  {
    code: 27,
    name: 'CANNOT_PARSE_INPUT_ASSERTION_FAILED',
    names: /before: '(?<value>.*?)'/,
    what: ({ found }) =>
      `A setting has a value that is not of the type ClickHouse expects there: '${found['value'] ?? '?'}'.`,
    ...WRONG_VALUE,
  },
  {
    code: 72,
    name: 'CANNOT_PARSE_NUMBER',
    names: /here: (?<value>.*)/,
    what: ({ found }) => `A setting should be a number and is '${found['value'] ?? '?'}'.`,
    ...WRONG_VALUE,
  },
  {
    code: 467,
    name: 'CANNOT_PARSE_BOOL',
    names: /from string '(?<value>.*?)'/,
    what: ({ found }) => `A setting should be 0 or 1 and is '${found['value'] ?? '?'}'.`,
    ...WRONG_VALUE,
  },
  {
    code: 36,
    name: 'BAD_ARGUMENTS',
    when: /ID '?(?<id>.*?)'? (?:because there is another (?:backup|restore) with the same ID|is already in use)/,
    next: 'done',
    what: ({ found, operation }) =>
      `The ${operation === 'restore' ? 'restore' : 'backup'} ${found['id']} was submitted before: ClickHouse knows its id.`,
    remedy: 'Nothing is to be done: it is followed by its id.',
  },
  {
    code: 36,
    name: 'BAD_ARGUMENTS',
    when: /There is no named collection `?(?<name>.*?)`?$/,
    next: 'fix',
    what: ({ found }) =>
      `The server has no named collection ${found['name']}, or does not let this user see it.`,
    remedy: ({ found, user }) =>
      `Create it (CREATE NAMED COLLECTION, or <named_collections> in the server's configuration), then GRANT NAMED COLLECTION ON ${found['name']} TO ${user}.`,
  },
  {
    code: 36,
    name: 'BAD_ARGUMENTS',
    when: /Override not allowed for '(?<key>.*?)'/,
    next: 'fix',
    what: ({ found }) =>
      `The named collection does not let its ${found['key']} be overridden, so temporary credentials cannot be given.`,
    remedy:
      'Mark access_key_id, secret_access_key and session_token OVERRIDABLE in the collection (overridable="1" in XML), or set <allow_named_collection_override_by_default>1.',
  },
  {
    code: 36,
    name: 'BAD_ARGUMENTS',
    when: /Password is not applicable/,
    next: 'fix',
    what: 'The statement has a password, and a backup in S3 that is not an archive cannot be encrypted with one.',
    remedy:
      "Take `password` out of the settings and let the bucket encrypt: SSE-KMS as the bucket's default.",
  },
  {
    code: 36,
    name: 'BAD_ARGUMENTS',
    when: /Zip archive format is not supported/,
    next: 'fix',
    what: 'The address ends in .zip, and ClickHouse has given up zip archives in S3.',
    remedy: 'Use a plain prefix, as Safehouse does; copy an old .zip to a disk and restore it from there.',
  },
  {
    code: 36,
    name: 'BAD_ARGUMENTS',
    when: /Host is empty in S3 URI|Bucket name length is out of bounds/,
    next: 'fix',
    what: 'What ClickHouse was given as the address in S3 is not one.',
    remedy:
      "Correct the bucket's endpoint, or the url in the named collection: https://BUCKET.s3.REGION.amazonaws.com/.",
  },
  {
    code: 36,
    name: 'BAD_ARGUMENTS',
    when: /Invalid credential argument found: (?<key>\w+)/,
    next: 'fix',
    what: ({ found }) => `This server's extra_credentials() does not know ${found['key']}.`,
    remedy: `It takes role_arn, role_session_name and external_id. ${SESSION_TOKEN}`,
  },
  {
    code: 36,
    name: 'BAD_ARGUMENTS',
    next: 'fix',
    what: 'ClickHouse refused an argument of the statement.',
    remedy: "Correct the target's configuration; `safehouse doctor` tries it out.",
  },
  {
    code: 42,
    name: 'NUMBER_OF_ARGUMENTS_DOESNT_MATCH',
    next: 'fix',
    what: 'S3(…) takes an address, or an address with key id and secret, and nothing else.',
    remedy: SESSION_TOKEN,
  },
  {
    code: 48,
    name: 'NOT_IMPLEMENTED',
    when: /Setting a (?:password|compression)|compression (?:method|level)/i,
    next: 'fix',
    what: 'ClickHouse makes no archives with a password or a compression method of their own in S3.',
    remedy:
      'Take `password`, `compression_method` and `compression_level` out of the settings; parts are compressed already.',
  },
  {
    code: 48,
    name: 'NOT_IMPLEMENTED',
    next: 'fix',
    what: 'This server, or the engine of a table, cannot do what it was told.',
    remedy: 'Leave the table or the setting out, or use a newer ClickHouse.',
  },
  {
    code: 62,
    name: 'SYNTAX_ERROR',
    names: /failed at position (?<position>\d+)(?: \((?<near>.*?)\))?/,
    next: 'fix',
    what: ({ found }) =>
      `ClickHouse could not read the statement at position ${found['position'] ?? '?'}, near ${found['near'] ?? 'its end'}.`,
    remedy:
      'The server may be older than the words of the statement: docs/clickhouse.md has the versions. If not, this is a defect of Safehouse.',
  },
  {
    code: 115,
    name: 'UNKNOWN_SETTING',
    when: /(?<setting>(?:s3_)?session_token)/,
    next: 'fix',
    what: ({ found }) =>
      `ClickHouse has no setting ${found['setting']}; a session token cannot be given there.`,
    remedy: SESSION_TOKEN,
  },
  {
    code: 115,
    name: 'UNKNOWN_SETTING',
    names: /[Ss]etting '?(?<setting>[^\s':]+)'?(?:: Maybe you meant \['(?<nearest>\w+)')?/,
    next: 'fix',
    what: ({ found }) => `This server knows no setting ${found['setting'] ?? 'of that name'}.`,
    remedy: ({ found }) =>
      `${found['nearest'] === undefined ? 'Correct its name' : `Did you mean ${found['nearest']}? Correct it`} under \`settings\` of the target, or leave it out: the server may be older than it.`,
  },
  {
    code: 452,
    name: 'SETTING_CONSTRAINT_VIOLATION',
    names: /[Ss]etting (?<setting>\w+)/,
    next: 'fix',
    what: ({ found }) =>
      `The user's profile does not allow the setting ${found['setting'] ?? 'of the statement'} to have that value.`,
    remedy: "Take the constraint out of the user's profile, or the setting out of the target.",
  },
  {
    code: 627,
    name: 'BACKUP_ENGINE_NOT_FOUND',
    names: /backup engine '?(?<engine>[^']*)'?/,
    next: 'fix',
    what: ({ found }) =>
      `This server does not have the backup engine ${found['engine'] ?? 'of the statement'}.`,
    remedy: 'Use a build of ClickHouse with S3; the official ones have it.',
  },
  {
    code: 648,
    name: 'WRONG_DDL_RENAMING_SETTINGS',
    names: /(?<kind>table|database) (?<name>\S+) should be renamed to (?<one>\S+) and to (?<other>\S+)/,
    next: 'fix',
    what: ({ found }) =>
      found['name'] === undefined
        ? 'Something is named twice in the statement, under different names.'
        : `The ${found['kind']} ${found['name']} is named twice in the statement, as ${found['one']} and as ${found['other']}.`,
    remedy: NAME_ONCE,
  },
  {
    code: 653,
    name: 'CANNOT_PARSE_BACKUP_SETTINGS',
    names: /Cannot parse (?<kind>[\w ]+?) from (?<value>.+)/,
    next: 'fix',
    what: ({ found }) =>
      `ClickHouse cannot take '${found['value'] ?? '?'}' for a ${found['kind'] ?? 'setting of the statement'}.`,
    remedy: "`create_table` and `create_database` are 1, 0 or 'if-not-exists'.",
  },
  {
    code: 654,
    name: 'WRONG_BACKUP_SETTINGS',
    next: 'fix',
    what: 'Settings of the statement contradict each other, or the cluster.',
    remedy: 'Leave `host_id`, `shard_num` and `replica_num` to ClickHouse: take them out of the settings.',
  },
  {
    code: 701,
    name: 'CLUSTER_DOESNT_EXIST',
    names: /cluster '?(?<cluster>[^']*?)'? not found/,
    next: 'fix',
    what: ({ found }) => `The server does not know the cluster ${found['cluster'] ?? 'of the target'}.`,
    remedy:
      'Correct `cluster` of the target (SELECT DISTINCT cluster FROM system.clusters), or leave it out for a single server.',
  },
  {
    code: 139,
    name: 'NO_ELEMENTS_IN_CONFIG',
    when: /zookeeper/i,
    next: 'fix',
    what: 'The server has no Keeper in its configuration, and ON CLUSTER needs one.',
    remedy: 'Leave `cluster` out of the target for a single server, or configure <zookeeper> on the server.',
  },
  {
    code: 318,
    name: 'INVALID_CONFIG_PARAMETER',
    next: 'fix',
    what: "The server's configuration does not allow this as a destination of backups.",
    remedy: "Add it under <backups> in the server's configuration.",
  },
];

const PASSWORD: Pick<ErrorRow, 'next' | 'what' | 'remedy'> = {
  next: 'fix',
  what: 'ClickHouse did not accept the user and password of the target.',
  remedy:
    'Correct `user` of the target, or the password in the SSM parameter or secret that `password` names, or the user on the server.',
};

const ACCESS: readonly ErrorRow[] = [
  {
    code: 497,
    name: 'ACCESS_DENIED',
    when: /^(?:(?<user>[^:]+): )?Not enough privileges.*?necessary to have (?:the )?(?:one of the )?grants? (?<grant>.+?)(?:\.? \(.*|\.?)$/,
    next: 'fix',
    what: ({ found, user }) => `The ClickHouse user ${user} lacks the grant ${found['grant']}.`,
    remedy: ({ found, user }) => `GRANT ${found['grant']} TO ${user}; ${GRANTS}`,
  },
  {
    code: 497,
    name: 'ACCESS_DENIED',
    when: /own credentials|s3_allow_server_credentials_in_user_queries/,
    next: 'fix',
    what: "The server keeps its own credentials for S3 from users' statements: the default from 26.7 on (ClickHouse#106855).",
    remedy: ({ user }) =>
      `Allow them to the backup user alone: ALTER USER ${user} SETTINGS s3_allow_server_credentials_in_user_queries = 1. Or let the target use a role (\`access: 'role'\`, from 26.7.2.53 on) or a named collection.`,
  },
  {
    code: 497,
    name: 'ACCESS_DENIED',
    when: /in readonly mode/,
    next: 'fix',
    what: 'The user is read-only, and RESTORE writes.',
    remedy: 'Restore with a user whose profile does not have `readonly`.',
  },
  {
    code: 497,
    name: 'ACCESS_DENIED',
    when: /Setting '(?<setting>\w+)' cannot be set explicitly/,
    next: 'fix',
    what: ({ found }) => `ClickHouse keeps the setting ${found['setting']} to itself.`,
    remedy: 'Take it out of the settings of the target.',
  },
  {
    code: 497,
    name: 'ACCESS_DENIED',
    next: 'fix',
    what: 'The ClickHouse user is not allowed to do this.',
    remedy: GRANTS,
  },
  {
    code: 164,
    name: 'READONLY',
    next: 'fix',
    what: 'The user, or something that it writes to, is read-only.',
    remedy: 'Use a user whose profile does not have `readonly`.',
  },
  { code: 192, name: 'UNKNOWN_USER', ...PASSWORD },
  { code: 193, name: 'WRONG_PASSWORD', ...PASSWORD },
  { code: 194, name: 'REQUIRED_PASSWORD', ...PASSWORD },
  { code: 516, name: 'AUTHENTICATION_FAILED', ...PASSWORD },
  {
    code: 669,
    name: 'NAMED_COLLECTION_DOESNT_EXIST',
    next: 'fix',
    what: 'The server does not have the named collection, or does not let this user see it.',
    remedy: ({ user }) => `Create it, then GRANT NAMED COLLECTION ON it TO ${user}.`,
  },
];

const NETWORK: Rest = {
  next: 'later',
  remedy: "It usually passes. If not, look at the server's load, its network, and what stands before it.",
};
const KEEPER: Rest = {
  next: 'later',
  remedy:
    "It usually passes. If not, look at Keeper (SELECT * FROM system.zookeeper_connection) and at the server's log.",
};

const CONNECTION: readonly ErrorRow[] = [
  {
    code: 198,
    name: 'DNS_ERROR',
    what: 'The server could not find the address of another host.',
    ...NETWORK,
  },
  {
    code: 202,
    name: 'TOO_MANY_SIMULTANEOUS_QUERIES',
    next: 'later',
    what: 'The server runs as many queries as it allows, and took no more.',
    remedy: 'It usually passes. If not, raise `max_concurrent_queries`, or the limit of the user.',
  },
  {
    code: 209,
    name: 'SOCKET_TIMEOUT',
    what: 'A connection of the server did not answer in time.',
    ...NETWORK,
  },
  { code: 210, name: 'NETWORK_ERROR', what: 'A connection of the server broke.', ...NETWORK },
  {
    code: 279,
    name: 'ALL_CONNECTION_TRIES_FAILED',
    what: 'The server could not reach another replica.',
    ...NETWORK,
  },
  {
    code: 519,
    name: 'NO_REMOTE_SHARD_AVAILABLE',
    what: 'The server could not reach a shard of its cluster.',
    ...NETWORK,
  },
  { code: 745, name: 'SERVER_OVERLOADED', what: 'The server is overloaded and refused it.', ...NETWORK },
  {
    code: 236,
    name: 'ABORTED',
    what: 'The server broke it off; it may have been shutting down.',
    ...NETWORK,
  },
  {
    code: 1000,
    name: 'POCO_EXCEPTION',
    when: /refused|Timeout|reset|Broken pipe|unreachable|No message received/i,
    what: 'A connection of the server broke or never came about.',
    ...NETWORK,
  },
  {
    code: 483,
    name: 'TOO_MANY_REDIRECTS',
    next: 'fix',
    what: 'S3 sent ClickHouse from one address to the next: the bucket is in another region than its address says.',
    remedy: "Correct the endpoint, or the url in the named collection: it must name the bucket's own region.",
  },
  { code: 225, name: 'NO_ZOOKEEPER', what: 'The server has lost Keeper.', ...KEEPER },
  {
    code: 242,
    name: 'TABLE_IS_READ_ONLY',
    what: 'A replicated table is read-only: the server has lost Keeper.',
    ...KEEPER,
  },
  { code: 999, name: 'KEEPER_EXCEPTION', what: 'Keeper failed while the server was using it.', ...KEEPER },
  {
    code: 587,
    name: 'CONCURRENT_ACCESS_NOT_SUPPORTED',
    next: 'later',
    what: 'Another backup or restore is running, and the server allows one at a time.',
    remedy:
      "Wait for it, space the schedules out, or set <backups><allow_concurrent_backups>true in the server's configuration (<allow_concurrent_restores> for restores).",
  },
  {
    code: 655,
    name: 'FAILED_TO_SYNC_BACKUP_OR_RESTORE',
    when: /Lock file (?<file>.+?) suddenly disappeared/,
    next: 'anew',
    what: ({ found }) =>
      `Somebody removed the lock ${found['file']} while ClickHouse was writing the backup.`,
    remedy:
      'Find out what removes objects under `backups/`: a lifecycle rule, a person, another tool. A double slash in the endpoint looks the same (ClickHouse#52303).',
  },
  {
    code: 655,
    name: 'FAILED_TO_SYNC_BACKUP_OR_RESTORE',
    names: /[Hh]ost (?<host>[^\s,]+)/,
    next: 'anew',
    what: ({ found }) =>
      `The hosts of the cluster did not come through it together${found['host'] === undefined ? '' : `: ${found['host']} fell out`}.`,
    remedy: 'Look at the log of each host around that time, and at Keeper.',
  },
  {
    code: 663,
    name: 'INCONSISTENT_METADATA_FOR_BACKUP',
    next: 'later',
    what: 'Tables were created, changed or dropped all the while: ClickHouse found no moment for a consistent list of them.',
    remedy:
      'Back up when no migration runs, or leave out what changes so often. <backups><collect_metadata_timeout> (600 s) says how long ClickHouse tries.',
  },
];

const MEMORY =
  'Give it more (`max_memory_usage = 0` for the user, `max_server_memory_usage`), run it when less else runs, or lower `backup_threads`.';

const LIMITS: readonly ErrorRow[] = [
  {
    code: 159,
    name: 'TIMEOUT_EXCEEDED',
    names: /elapsed (?<elapsed>[\d.]+ \w+), maximum: (?<maximum>[\d.]+(?: \w+)?)/,
    next: 'fix',
    what: ({ found }) =>
      `ClickHouse stopped it at the limit of \`max_execution_time\`${found['elapsed'] === undefined ? '' : `: after ${found['elapsed']}, ${found['maximum']} are allowed`}.`,
    remedy: ({ user }) =>
      `ALTER USER ${user} SETTINGS max_execution_time = 0. The statement asks for that too, but servers without ClickHouse#99205 (25.3, 25.8) listen to the user's profile alone.`,
  },
  {
    code: 241,
    name: 'MEMORY_LIMIT_EXCEEDED',
    names: /would use (?<used>[\d.]+ \w+).*?maximum: (?<maximum>[\d.]+ \w+)/,
    next: 'anew',
    what: ({ found }) =>
      `ClickHouse ran out of memory${found['used'] === undefined ? '' : `: ${found['used']} were needed, ${found['maximum']} are allowed`}.`,
    remedy: MEMORY,
  },
  {
    code: 243,
    name: 'NOT_ENOUGH_SPACE',
    names: /reserve (?<size>[\d.]+ \w+)/,
    next: 'fix',
    what: ({ found }) =>
      `The server's disks are full${found['size'] === undefined ? '' : `: no room for another ${found['size']}`}.`,
    remedy: 'Free space or add a disk: SELECT name, formatReadableSize(free_space) FROM system.disks.',
  },
  {
    code: 394,
    name: 'QUERY_WAS_CANCELLED',
    next: 'anew',
    what: 'Somebody cancelled it (KILL QUERY), or the server was shut down.',
    remedy: "If nobody meant that, look who has KILL QUERY, and at the server's restarts.",
  },
];

const NO_POLICY =
  "Add it to <storage_configuration> in the server's configuration, or restore with `storage_policy` set to one of system.storage_policies.";
const USERS_IN_SQL =
  'Leave system.users, system.roles and their like out, or keep them in SQL: <user_directories> with <local_directory> or <replicated>.';

const TABLES: readonly ErrorRow[] = [
  {
    code: 60,
    name: 'UNKNOWN_TABLE',
    names: /[Tt]able (?<table>.+?) (?:was not found|does not exist|doesn't exist)/,
    next: 'fix',
    what: ({ found }) => `${named('table', found['table'])} does not exist.`,
    remedy: ({ operation }) =>
      operation === 'restore'
        ? 'Create it first, or restore so that it is created: mode "asIs", or by hand without `create_table = 0`.'
        : 'Correct `tables` of the target. If it was dropped just when the backup began, the next one passes.',
  },
  {
    code: 81,
    name: 'UNKNOWN_DATABASE',
    names: /[Dd]atabase (?<database>.+?) (?:does not exist|doesn't exist)/,
    next: 'fix',
    what: ({ found }) => `${named('database', found['database'])} does not exist.`,
    remedy: ({ found, operation }) =>
      operation === 'restore'
        ? `CREATE DATABASE ${found['database'] ?? '<database>'} first: a restore of single tables never creates it. Or restore the whole database.`
        : 'Correct `databases` of the target.',
  },
  {
    code: 57,
    name: 'TABLE_ALREADY_EXISTS',
    names: /Table (?<table>.+?) already exists/,
    next: 'drop',
    what: ({ found }) => `${named('table', found['table'])} exists already.`,
    remedy:
      'Restore into another name, or drop the table if nothing needs it. On a cluster look at every replica.',
  },
  {
    code: 82,
    name: 'DATABASE_ALREADY_EXISTS',
    names: /Database (?<database>.+?) already exists/,
    next: 'drop',
    what: ({ found }) => `${named('database', found['database'])} exists already.`,
    remedy: 'Restore into another name, or drop the database if nothing needs it.',
  },
  {
    code: 253,
    name: 'REPLICA_ALREADY_EXISTS',
    names: /(?<path>\/[^\s,']*[^\s,'.])/,
    next: 'fix',
    what: ({ found }) =>
      `Keeper has a replica of the table already, at ${found['path'] ?? 'the same path'}: the table cannot be created beside it.`,
    remedy: ({ found }) =>
      `Restore tables whose path holds {uuid}. If that replica is dead, remove it: SYSTEM DROP REPLICA '<replica>' FROM ZKPATH '${found['path']?.replace(/\/replicas\/[^/]*$/, '') ?? '<path>'}'.`,
  },
  {
    code: 478,
    name: 'UNKNOWN_POLICY',
    names: /storage policy [`'"]?(?<policy>[^`'"]+?)[`'"]?(?:: While creating table (?<table>.+))?$/,
    next: 'fix',
    what: ({ found }) =>
      `The server does not have the storage policy ${found['policy'] ?? ''} that ${found['table'] === undefined ? 'a table' : `the table ${found['table']}`} wants.`.replace(
        '  ',
        ' ',
      ),
    remedy: NO_POLICY,
  },
  {
    code: 479,
    name: 'UNKNOWN_DISK',
    names: /[Dd]isk [`'"]?(?<disk>[^\s`'":]+)/,
    next: 'fix',
    what: ({ found }) =>
      `The server does not have the disk ${found['disk'] ?? ''} that a table wants.`.replace('  ', ' '),
    remedy: NO_POLICY,
  },
  {
    code: 493,
    name: 'ACCESS_ENTITY_ALREADY_EXISTS',
    names: /restore (?<entity>.+?) because/,
    next: 'fix',
    what: ({ found }) =>
      `The ${found['entity'] ?? 'user, role, profile, quota or row policy'} exists already.`,
    remedy: "Restore with `create_access = 'if-not-exists'` or 'replace', or drop it first.",
  },
  {
    code: 664,
    name: 'ACCESS_STORAGE_DOESNT_ALLOW_BACKUP',
    names: /not allowed in (?<storage>\S+)/,
    next: 'fix',
    what: ({ found }) =>
      `Users and roles that live in ${found['storage'] ?? "the server's configuration"} can be neither backed up nor restored.`,
    remedy: USERS_IN_SQL,
  },
  {
    code: 607,
    name: 'CANNOT_RESTORE_DATABASE',
    names: /different definition: CREATE DATABASE (?<database>\S+)/,
    next: 'fix',
    what: ({ found }) =>
      `${named('database', found['database'])} exists with another definition than in the backup, such as another engine.`,
    remedy: 'Restore into another name, or allow it with `allow_different_database_def = 1`.',
  },
  {
    code: 608,
    name: 'CANNOT_RESTORE_TABLE',
    when: /(?:table (?<table>.+?) because it )?already contains some data/,
    next: 'drop',
    what: ({ found }) =>
      `${named('table', found['table'])} has rows already, and ClickHouse does not mix them with those of the backup.`,
    remedy:
      'Restore into another name, or drop the table if nothing needs it. `allow_non_empty_tables = 1` appends: rows that are there already come twice.',
  },
  {
    code: 608,
    name: 'CANNOT_RESTORE_TABLE',
    when: /different definition(?:: CREATE (?:[A-Z]+ )*(?<table>\S+))?/,
    next: 'drop',
    what: ({ found }) =>
      `${named('table', found['table'])} exists with another definition than in the backup: another engine, or other columns.`,
    remedy:
      'Restore into another name, or drop it if nothing needs it. From plain to replicated engines: create the empty replicated tables, then restore with `allow_different_table_def = 1, allow_non_empty_tables = 1`.',
  },
  {
    code: 608,
    name: 'CANNOT_RESTORE_TABLE',
    next: 'drop',
    what: 'A table could not be restored.',
    remedy: 'Restore into another name.',
  },
  {
    code: 647,
    name: 'CANNOT_BACKUP_TABLE',
    when: /engine (?<engine>\w+) doesn't support partitions, cannot backup table (?<table>.+)/,
    next: 'fix',
    what: ({ found }) => `The table ${found['table']} has no partitions: its engine is ${found['engine']}.`,
    remedy: 'Name the whole table; only tables of the MergeTree family are chosen by partition.',
  },
  {
    code: 647,
    name: 'CANNOT_BACKUP_TABLE',
    next: 'fix',
    what: 'A table cannot be backed up.',
    remedy: 'Leave it out with `except` of the target.',
  },
  {
    code: 697,
    name: 'CANNOT_RESTORE_TO_NONENCRYPTED_DISK',
    names: /File (?<file>.+?) is encrypted/,
    next: 'fix',
    what: ({ found }) =>
      `${named('file', found['file'])} is encrypted in the backup as its disk had it, and the disk here is not encrypted.`,
    remedy:
      'Restore with `storage_policy` set to one with an encrypted disk and the same key, or back up with `decrypt_files_from_encrypted_disks = 1`.',
  },
];

const SHOW_STATEMENT = '`safehouse show` prints the statement with the right one.';

const BACKUPS: readonly ErrorRow[] = [
  {
    code: 598,
    name: 'BACKUP_ALREADY_EXISTS',
    when: /Backup (?<backup>.+) already exists/,
    next: 'anew',
    what: ({ found }) => `There is a backup at ${found['backup']} already.`,
    remedy:
      'Its manifest decides whether it is this one. A new attempt writes under a prefix of its own; remove nothing by hand.',
  },
  {
    code: 598,
    name: 'BACKUP_ALREADY_EXISTS',
    when: /Backup (?<backup>.+) is being written already/,
    next: 'anew',
    what: ({ found }) =>
      `At ${found['backup']} lies a .lock: a backup is being written there, or was when a server crashed (ClickHouse#114109).`,
    remedy:
      'A new attempt writes under a prefix of its own. The lock alone does not say that anything is running.',
  },
  {
    code: 598,
    name: 'BACKUP_ALREADY_EXISTS',
    names: /destination (?<backup>.+) detected/,
    next: 'anew',
    what: ({ found }) =>
      `Somebody else was writing to ${at(found['backup'])}, or ClickHouse met its own repeated request (ClickHouse#116376).`,
    remedy: 'A new attempt writes under a prefix of its own. What lies at the old one must not be trusted.',
  },
  {
    code: 599,
    name: 'BACKUP_NOT_FOUND',
    names: /(?:Backup|Archive) (?<backup>.+) (?:not found|is not a backup)/,
    next: 'fix',
    what: ({ found, operation }) =>
      `There is no backup at ${at(found['backup'])}: its .backup is missing.${operation === 'backup' ? ' It was to be the base of this one.' : ''}`,
    remedy: (said) =>
      said.operation === 'restore'
        ? `${ANOTHER_BACKUP} If it is a base that is missing, every incremental on it is lost; an older version may still be in a versioned bucket.`
        : FULL_BACKUP,
  },
  {
    code: 600,
    name: 'BACKUP_VERSION_NOT_SUPPORTED',
    names: /Version (?<version>\d+) is not supported/,
    next: 'fix',
    what: ({ found }) =>
      `This server cannot read the format of the backup (version ${found['version'] ?? '?'}): a newer ClickHouse wrote it.`,
    remedy: 'Use a ClickHouse at least as new as the one that wrote it; `safehouse show` has its version.',
  },
  {
    code: 601,
    name: 'BACKUP_DAMAGED',
    names: /(?<problem>.+)/,
    next: 'fix',
    what: ({ found }) => `The manifest of the backup (.backup) is damaged: ${found['problem'] ?? '?'}.`,
    remedy: anotherOrFull,
  },
  {
    code: 1001,
    name: 'STD_EXCEPTION',
    when: /SAXParseException/,
    next: 'fix',
    what: 'The manifest of the backup (.backup) is damaged: it is empty or cut off, and not XML to its end.',
    remedy: anotherOrFull,
  },
  {
    code: 602,
    name: 'NO_BASE_BACKUP',
    names: /Backup (?<backup>.+?): Entry/,
    next: 'fix',
    what: ({ found }) => `The backup at ${at(found['backup'])} takes files from a base, and none is named.`,
    remedy: `Name it in SETTINGS base_backup = S3(…): ${SHOW_STATEMENT}`,
  },
  {
    code: 603,
    name: 'WRONG_BASE_BACKUP',
    names: /The base backup (?<base>.+) has different UUID/,
    next: 'fix',
    what: ({ found }) =>
      `What lies at ${found['base'] ?? 'the place of the base'} is not the base on which this backup stands.`,
    remedy: ({ operation }) =>
      operation === 'restore'
        ? `Name the right base: ${SHOW_STATEMENT} If it was overwritten, every incremental on it is lost: use another backup.`
        : FULL_BACKUP,
  },
  {
    code: 604,
    name: 'BACKUP_ENTRY_ALREADY_EXISTS',
    names: /Entry '?(?<entry>.*?)'? added multiple times/,
    next: 'fix',
    what: ({ found }) =>
      `Two elements of the statement lead to the same entry of the backup${found['entry'] === undefined ? '' : `: ${found['entry']}`}.`,
    remedy: NAME_ONCE,
  },
  {
    code: 605,
    name: 'BACKUP_ENTRY_NOT_FOUND',
    when: /(?<kind>Table|Database) (?<name>.+?) not found in backup/,
    next: 'fix',
    what: ({ found }) => `The ${found['kind']?.toLowerCase()} ${found['name']} is not in the backup.`,
    remedy: '`safehouse show` lists what is in it: correct the name, or take another backup.',
  },
  {
    code: 605,
    name: 'BACKUP_ENTRY_NOT_FOUND',
    next: 'fix',
    what: 'Something that was asked for, or that the backup itself refers to, is not in it.',
    remedy: anotherOrFull,
  },
  {
    code: 606,
    name: 'BACKUP_IS_EMPTY',
    next: 'fix',
    what: 'Nothing was chosen, so the backup would be empty.',
    remedy: 'Correct `databases`, `tables`, `except` and `engines` of the target.',
  },
];

const FILES: readonly ErrorRow[] = [
  {
    code: 228,
    name: 'BAD_SIZE_OF_FILE_IN_DATA_PART',
    names: /(?:(?<file>\S+) )?has unexpected size: (?<actual>\w+) instead of (?<expected>\w+)/,
    next: 'fix',
    what: ({ found }) =>
      `A data part on the server is damaged: ${found['file'] ?? 'a file of it'} has ${found['actual'] ?? 'too many or too few'} bytes${found['expected'] === undefined ? '' : ` instead of ${found['expected']}`}.`,
    remedy: CHECK_PART,
  },
  {
    code: 33,
    name: 'CANNOT_READ_ALL_DATA',
    next: 'fix',
    what: (said) => `${objectOrPart(said)} ends too early.`,
    remedy: anotherOrCheck,
  },
  {
    code: 32,
    name: 'ATTEMPT_TO_READ_AFTER_EOF',
    names: /left to copy (?<bytes>\d+) bytes/,
    next: 'fix',
    what: (said) =>
      `${objectOrPart(said)} is cut off${said.found['bytes'] === undefined ? '' : `: ${said.found['bytes']} bytes are missing`}.`,
    remedy: anotherOrCheck,
  },
  {
    code: 40,
    name: 'CHECKSUM_DOESNT_MATCH',
    next: 'fix',
    what: (said) => `${objectOrPart(said)} is damaged: its checksum does not match its bytes.`,
    remedy: anotherOrCheck,
  },
];

export const ERROR_TABLE: readonly ErrorRow[] = [
  ...STATEMENT,
  ...ACCESS,
  ...CONNECTION,
  ...LIMITS,
  ...TABLES,
  ...BACKUPS,
  ...FILES,
];
