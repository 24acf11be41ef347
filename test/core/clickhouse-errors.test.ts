import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ERROR_TABLE } from '../../core/clickhouse-error-table.ts';
import { classifyClickHouseError, parseClickHouseError } from '../../core/clickhouse-errors.ts';
import type { FailureClass } from '../../core/failure.ts';
import { FOREIGN_TEXT, PLANTED_SECRET } from './hostile-text.ts';
import { tries } from './property-runs.ts';

/** As `system.backups.error` has it. */
const inRow = (code: number, name: string, text: string): string =>
  `Code: ${code}. DB::Exception: ${text}. (${name}), Stack trace (when copying this message, always include the lines below):\n\n0. ? @ 0x000000001c8fa4b3\n1. DB::Exception::Exception() @ 0x000000000ef1e3de\n (version 26.7.2.1 (official build))`;

const DESTINATION = "S3('https://b.s3.eu-west-1.amazonaws.com/backups/shop/20260402T020000Z-full-k3f9')";

type Operation = 'backup' | 'restore' | 'query';
type Case = [
  code: number,
  name: string,
  text: string,
  operation: Operation,
  expected: FailureClass,
  what: string | readonly string[],
  remedy: string | readonly string[],
];

/** ClickHouse's own texts: those of 26.7 as its engine gave them, the others as its source has them. */
const CASES: readonly Case[] = [
  // The statement.
  [
    27,
    'CANNOT_PARSE_INPUT_ASSERTION_FAILED',
    "Cannot parse input: expected 'eof' before: 'abc'",
    'backup',
    'fix and stop',
    "'abc'",
    '`settings`',
  ],
  [
    72,
    'CANNOT_PARSE_NUMBER',
    "Cannot read floating point value here: x'y",
    'backup',
    'fix and stop',
    "'x'y'",
    '`settings`',
  ],
  [
    467,
    'CANNOT_PARSE_BOOL',
    "Cannot parse bool from string 'maybe'",
    'backup',
    'fix and stop',
    "'maybe'",
    '`settings`',
  ],
  [
    36,
    'BAD_ARGUMENTS',
    "Cannot start backup with ID 'e1' because there is another backup with the same ID",
    'backup',
    'already done',
    'backup e1',
    'Nothing',
  ],
  [
    36,
    'BAD_ARGUMENTS',
    "Cannot start restore with ID 'e1' because there is another backup with the same ID",
    'restore',
    'already done',
    'restore e1',
    'Nothing',
  ],
  [
    36,
    'BAD_ARGUMENTS',
    'There is no named collection `nonc`',
    'backup',
    'fix and stop',
    'nonc',
    'GRANT NAMED COLLECTION ON nonc TO',
  ],
  [
    36,
    'BAD_ARGUMENTS',
    "Override not allowed for 'access_key_id'",
    'backup',
    'fix and stop',
    'access_key_id',
    'overridable="1"',
  ],
  [
    36,
    'BAD_ARGUMENTS',
    'Password is not applicable, backup cannot be encrypted',
    'backup',
    'fix and stop',
    'password',
    'SSE-KMS',
  ],
  [
    36,
    'BAD_ARGUMENTS',
    'Zip archive format is not supported for S3 backups because zip requires seeking which S3 does not support efficiently. Use tar.gz or other tar-based formats instead',
    'backup',
    'fix and stop',
    '.zip',
    'plain prefix',
  ],
  [
    36,
    'BAD_ARGUMENTS',
    'Host is empty in S3 URI',
    'backup',
    'fix and stop',
    'address',
    'https://BUCKET.s3.REGION.amazonaws.com/',
  ],
  [
    36,
    'BAD_ARGUMENTS',
    "Bucket name length is out of bounds in virtual hosted style S3 URI: 'b' (http://127.0.0.1:1/b/)",
    'backup',
    'fix and stop',
    'address',
    'https://BUCKET',
  ],
  [
    36,
    'BAD_ARGUMENTS',
    'Invalid credential argument found: role',
    'backup',
    'fix and stop',
    'does not know role',
    'role_arn',
  ],
  [
    36,
    'BAD_ARGUMENTS',
    'Expected literal, got NOSIGN',
    'backup',
    'fix and stop',
    'Expected literal, got NOSIGN',
    'safehouse doctor',
  ],
  [
    42,
    'NUMBER_OF_ARGUMENTS_DOESNT_MATCH',
    'Backup S3 requires 1 or 3 arguments: url, [access_key_id, secret_access_key]',
    'backup',
    'fix and stop',
    'S3(…)',
    'named collection',
  ],
  [
    48,
    'NOT_IMPLEMENTED',
    'Setting a password is not currently supported for libarchive',
    'backup',
    'fix and stop',
    'password',
    'compression_method',
  ],
  [
    48,
    'NOT_IMPLEMENTED',
    'CHECK TABLE is not supported for Memory storage',
    'query',
    'fix and stop',
    'Memory',
    'Leave',
  ],
  [
    62,
    'SYNTAX_ERROR',
    "Syntax error: failed at position 19 (e): e f TO S3('http://b/z'). Expected one of: AS, EXCEPT TABLE, EXCEPT TABLES, token, Comma, ON, TO, end of query",
    'query',
    'fix and stop',
    'position 19, near e',
    'docs/clickhouse.md',
  ],
  [
    115,
    'UNKNOWN_SETTING',
    "Unknown setting 's3_session_token'",
    'query',
    'fix and stop',
    's3_session_token',
    'named collection',
  ],
  [
    115,
    'UNKNOWN_SETTING',
    "Unknown setting 'max_memory_usge': Maybe you meant ['max_memory_usage']",
    'query',
    'fix and stop',
    'max_memory_usge',
    'Did you mean max_memory_usage?',
  ],
  [
    452,
    'SETTING_CONSTRAINT_VIOLATION',
    "Setting max_memory_usage shouldn't be greater than 20000000000",
    'query',
    'fix and stop',
    'max_memory_usage',
    'profile',
  ],
  [
    627,
    'BACKUP_ENGINE_NOT_FOUND',
    "Not found backup engine 'NULL'",
    'backup',
    'fix and stop',
    'NULL',
    'build',
  ],
  [
    648,
    'WRONG_DDL_RENAMING_SETTINGS',
    "Wrong renaming: it's specified that table d.t should be renamed to d.z and to d.t at the same time",
    'backup',
    'fix and stop',
    ['table d.t', 'd.z'],
    'once',
  ],
  [
    653,
    'CANNOT_PARSE_BACKUP_SETTINGS',
    'Cannot parse creation mode from nonsense',
    'restore',
    'fix and stop',
    ["'nonsense'", 'creation mode'],
    'create_table',
  ],
  [
    654,
    'WRONG_BACKUP_SETTINGS',
    "Cannot determine shard number or replica number, the current host x is not found in the cluster's hosts",
    'backup',
    'fix and stop',
    'host x',
    '`host_id`',
  ],
  [
    701,
    'CLUSTER_DOESNT_EXIST',
    "Requested cluster 'nope' not found",
    'backup',
    'fix and stop',
    'nope',
    'system.clusters',
  ],
  [
    139,
    'NO_ELEMENTS_IN_CONFIG',
    'There is no Zookeeper configuration in server config',
    'backup',
    'fix and stop',
    'Keeper',
    '<zookeeper>',
  ],
  [
    318,
    'INVALID_CONFIG_PARAMETER',
    "The 'backups.allowed_disk' configuration parameter is not set, cannot use 'Disk' backup engine",
    'backup',
    'fix and stop',
    'backups.allowed_disk',
    '<backups>',
  ],

  // Who may do what.
  [
    497,
    'ACCESS_DENIED',
    "safehouse: Not enough privileges. To execute this query, it's necessary to have the grant BACKUP ON p.t",
    'backup',
    'fix and stop',
    'user safehouse lacks the grant BACKUP ON p.t',
    'GRANT BACKUP ON p.t TO safehouse;',
  ],
  [
    497,
    'ACCESS_DENIED',
    "my user: Not enough privileges. To execute this query, it's necessary to have the grant WRITE ON S3",
    'backup',
    'fix and stop',
    'WRITE ON S3',
    'GRANT WRITE ON S3 TO `my user`;',
  ],
  [
    497,
    'ACCESS_DENIED',
    "Not enough privileges. To execute this query, it's necessary to have the grant CREATE TABLE ON shop.orders",
    'restore',
    'fix and stop',
    'CREATE TABLE ON shop.orders',
    'GRANT CREATE TABLE ON shop.orders TO <user>;',
  ],
  [
    497,
    'ACCESS_DENIED',
    "S3 access from user queries is not allowed to use the server's own credentials (environment variables, instance metadata, IRSA, ...)",
    'backup',
    'fix and stop',
    '26.7',
    'SETTINGS s3_allow_server_credentials_in_user_queries = 1',
  ],
  [
    497,
    'ACCESS_DENIED',
    'Cannot execute RESTORE in readonly mode',
    'restore',
    'fix and stop',
    'read-only',
    '`readonly`',
  ],
  [
    497,
    'ACCESS_DENIED',
    "Setting 'internal' cannot be set explicitly",
    'backup',
    'fix and stop',
    'internal',
    'Take it out',
  ],
  [497, 'ACCESS_DENIED', 'Something else', 'backup', 'fix and stop', 'Something else', 'safehouse grants'],
  [
    164,
    'READONLY',
    "Cannot modify 'max_execution_time' setting in readonly mode",
    'restore',
    'fix and stop',
    'max_execution_time',
    '`readonly`',
  ],
  [192, 'UNKNOWN_USER', 'There is no user `me`', 'query', 'fix and stop', 'password', '`user`'],
  [193, 'WRONG_PASSWORD', 'Invalid credentials', 'query', 'fix and stop', 'password', '`user`'],
  [
    194,
    'REQUIRED_PASSWORD',
    'Password required for user default',
    'query',
    'fix and stop',
    'password',
    '`user`',
  ],
  [
    516,
    'AUTHENTICATION_FAILED',
    'safehouse: Authentication failed: password is incorrect, or there is no user with such name',
    'query',
    'fix and stop',
    'user and password',
    'SSM',
  ],
  [
    669,
    'NAMED_COLLECTION_DOESNT_EXIST',
    'There is no named collection `nonc`',
    'backup',
    'fix and stop',
    'nonc',
    'GRANT NAMED COLLECTION',
  ],

  // Connections, load, Keeper.
  [
    198,
    'DNS_ERROR',
    'Not found address of host: nosuch.invalid',
    'query',
    'retry the same',
    'nosuch.invalid',
    'network',
  ],
  [
    202,
    'TOO_MANY_SIMULTANEOUS_QUERIES',
    'Too many simultaneous queries. Maximum: 100',
    'backup',
    'retry the same',
    'Maximum: 100',
    'max_concurrent_queries',
  ],
  [
    209,
    'SOCKET_TIMEOUT',
    'Timeout exceeded while reading from socket (10.0.0.1:9000, 300000 ms)',
    'backup',
    'retry the same',
    '10.0.0.1:9000',
    'network',
  ],
  [
    210,
    'NETWORK_ERROR',
    'Connection refused (127.0.0.1:1)',
    'query',
    'retry the same',
    '127.0.0.1:1',
    'network',
  ],
  [
    279,
    'ALL_CONNECTION_TRIES_FAILED',
    'All connection tries failed',
    'query',
    'retry the same',
    'replica',
    'network',
  ],
  [
    519,
    'NO_REMOTE_SHARD_AVAILABLE',
    'All attempts to get table structure failed',
    'query',
    'retry the same',
    'shard',
    'network',
  ],
  [745, 'SERVER_OVERLOADED', 'CPU is overloaded', 'query', 'retry the same', 'overloaded', 'load'],
  [236, 'ABORTED', 'The server is shutting down', 'query', 'retry the same', 'shutting down', 'load'],
  [1000, 'POCO_EXCEPTION', 'Connection refused', 'query', 'retry the same', 'connection', 'network'],
  [483, 'TOO_MANY_REDIRECTS', 'Too many redirects', 'backup', 'fix and stop', 'another region', 'region'],
  [
    225,
    'NO_ZOOKEEPER',
    'Cannot get ZooKeeper',
    'backup',
    'retry the same',
    'Keeper',
    'system.zookeeper_connection',
  ],
  [
    242,
    'TABLE_IS_READ_ONLY',
    'Table is in readonly mode',
    'query',
    'retry the same',
    'Keeper',
    'system.zookeeper_connection',
  ],
  [
    999,
    'KEEPER_EXCEPTION',
    'Coordination error: Session expired',
    'backup',
    'retry the same',
    'Session expired',
    'system.zookeeper_connection',
  ],
  [
    587,
    'CONCURRENT_ACCESS_NOT_SUPPORTED',
    "Concurrent backups are not allowed, turn on setting 'allow_concurrent_backups'",
    'backup',
    'retry the same',
    'one at a time',
    '<allow_concurrent_backups>true',
  ],
  [
    655,
    'FAILED_TO_SYNC_BACKUP_OR_RESTORE',
    `Lock file .lock suddenly disappeared while writing backup ${DESTINATION}`,
    'backup',
    'new attempt',
    'the lock .lock',
    'lifecycle rule',
  ],
  [
    655,
    'FAILED_TO_SYNC_BACKUP_OR_RESTORE',
    'Host ch-02:9000 suddenly stopped working',
    'backup',
    'new attempt',
    'ch-02:9000',
    'Keeper',
  ],
  [
    663,
    'INCONSISTENT_METADATA_FOR_BACKUP',
    "Couldn't get a create query for table d.t",
    'backup',
    'retry the same',
    'd.t',
    'collect_metadata_timeout',
  ],

  // Limits.
  [
    159,
    'TIMEOUT_EXCEEDED',
    'Timeout exceeded: elapsed 1531 ms, maximum: 1000 ms',
    'backup',
    'fix and stop',
    ['1531 ms', '1000 ms'],
    ['SETTINGS max_execution_time = 0', 'ClickHouse#99205'],
  ],
  [
    159,
    'TIMEOUT_EXCEEDED',
    'Timeout exceeded: elapsed 2.755 ms, maximum: 1 ms',
    'backup',
    'fix and stop',
    ['2.755 ms', '1 ms'],
    'max_execution_time',
  ],
  [
    241,
    'MEMORY_LIMIT_EXCEEDED',
    'Query memory limit exceeded: would use 1.06 MiB (attempt to allocate chunk of 0.00 B), maximum: 976.56 KiB',
    'backup',
    'new attempt',
    ['1.06 MiB', '976.56 KiB'],
    'max_memory_usage',
  ],
  [
    243,
    'NOT_ENOUGH_SPACE',
    'Cannot reserve 1.00 GiB, not enough space',
    'restore',
    'fix and stop',
    '1.00 GiB',
    'system.disks',
  ],
  [394, 'QUERY_WAS_CANCELLED', 'Query was cancelled', 'backup', 'new attempt', 'KILL QUERY', 'KILL QUERY'],

  // Databases and tables.
  [
    60,
    'UNKNOWN_TABLE',
    'Table shop.nonexist was not found',
    'backup',
    'fix and stop',
    'The table shop.nonexist does not exist.',
    '`tables`',
  ],
  [
    60,
    'UNKNOWN_TABLE',
    'Table d9.t does not exist. Maybe you meant d.t?: While checking table d9.t',
    'restore',
    'fix and stop',
    'The table d9.t',
    '`create_table = 0`',
  ],
  [60, 'UNKNOWN_TABLE', 'Temporary table zz was not found', 'backup', 'fix and stop', 'zz', '`tables`'],
  [
    81,
    'UNKNOWN_DATABASE',
    'Database nosuchdb does not exist',
    'backup',
    'fix and stop',
    'nosuchdb',
    '`databases`',
  ],
  [
    81,
    'UNKNOWN_DATABASE',
    'Database d7 does not exist. Maybe you meant d9?: While creating table d7.t',
    'restore',
    'fix and stop',
    'The database d7',
    'CREATE DATABASE d7',
  ],
  [
    57,
    'TABLE_ALREADY_EXISTS',
    'Table d.t already exists: While creating table d.t',
    'restore',
    'fix and stop',
    'The table d.t',
    ['drop', 'DROP DATABASE'],
  ],
  [
    82,
    'DATABASE_ALREADY_EXISTS',
    'Database d already exists: While creating database d',
    'restore',
    'fix and stop',
    'The database d',
    ['drop', 'DROP DATABASE'],
  ],
  [
    253,
    'REPLICA_ALREADY_EXISTS',
    'Replica /clickhouse/tables/01/shop/orders/replicas/r1 already exists',
    'restore',
    'fix and stop',
    '/clickhouse/tables/01/shop/orders/replicas/r1',
    "FROM ZKPATH '/clickhouse/tables/01/shop/orders'",
  ],
  [
    478,
    'UNKNOWN_POLICY',
    'Unknown storage policy `nosuch`: While creating table d6.t',
    'restore',
    'fix and stop',
    ['storage policy nosuch', 'table d6.t'],
    '<storage_configuration>',
  ],
  [
    479,
    'UNKNOWN_DISK',
    'Unknown disk s3_main',
    'restore',
    'fix and stop',
    's3_main',
    '<storage_configuration>',
  ],
  [
    493,
    'ACCESS_ENTITY_ALREADY_EXISTS',
    'Cannot restore user `bob` because it already exists',
    'restore',
    'fix and stop',
    'user `bob`',
    'create_access',
  ],
  [
    664,
    'ACCESS_STORAGE_DOESNT_ALLOW_BACKUP',
    'Backup of access entities is not allowed in users_xml',
    'backup',
    'fix and stop',
    'users_xml',
    '<local_directory>',
  ],
  [
    607,
    'CANNOT_RESTORE_DATABASE',
    "The database has a different definition: CREATE DATABASE lz ENGINE = Memory comparing to its definition in the backup: CREATE DATABASE lz UUID '333783f2-f99e-48bb-a0b1-b0ff5f3408a4' ENGINE = Atomic: While checking database lz",
    'restore',
    'fix and stop',
    'The database lz',
    'allow_different_database_def = 1',
  ],
  [
    608,
    'CANNOT_RESTORE_TABLE',
    'Cannot restore the table d.t because it already contains some data. You can set structure_only=true or allow_non_empty_tables=true to overcome that in the way you want: While restoring data of table d.t',
    'restore',
    'fix and stop',
    'The table d.t has rows',
    ['drop', 'DROP DATABASE'],
  ],
  [
    608,
    'CANNOT_RESTORE_TABLE',
    "The table has a different definition: CREATE TABLE e.t UUID 'ba98d342-477c-4fe6-bbb0-6440db3a0d6d' (`b` String) ENGINE = MergeTree ORDER BY b comparing to its definition in the backup: CREATE TABLE e.t (`a` Int32)",
    'restore',
    'fix and stop',
    'The table e.t',
    'allow_different_table_def = 1, allow_non_empty_tables = 1',
  ],
  [
    608,
    'CANNOT_RESTORE_TABLE',
    'Database engine MySQL does not support restoring tables, cannot restore table m.t',
    'restore',
    'fix and stop',
    'MySQL',
    'another name',
  ],
  [
    647,
    'CANNOT_BACKUP_TABLE',
    "Table engine Log doesn't support partitions, cannot backup table d.lg",
    'backup',
    'fix and stop',
    ['d.lg', 'Log'],
    'whole table',
  ],
  [
    647,
    'CANNOT_BACKUP_TABLE',
    'Database engine MySQL does not support backups, cannot backup tables in database m',
    'backup',
    'fix and stop',
    'MySQL',
    '`except`',
  ],
  [
    697,
    'CANNOT_RESTORE_TO_NONENCRYPTED_DISK',
    'File data/d/t/all_1_1_0/data.bin is encrypted in the backup, it can be restored only to an encrypted disk',
    'restore',
    'fix and stop',
    'data/d/t/all_1_1_0/data.bin',
    'decrypt_files_from_encrypted_disks = 1',
  ],

  // The backup itself.
  [
    598,
    'BACKUP_ALREADY_EXISTS',
    `Backup ${DESTINATION} already exists`,
    'backup',
    'new attempt',
    DESTINATION,
    'manifest',
  ],
  [
    598,
    'BACKUP_ALREADY_EXISTS',
    `Backup ${DESTINATION} is being written already`,
    'backup',
    'new attempt',
    [DESTINATION, 'ClickHouse#114109'],
    'prefix of its own',
  ],
  [
    598,
    'BACKUP_ALREADY_EXISTS',
    `A concurrent backup writing to the same destination ${DESTINATION} detected`,
    'backup',
    'new attempt',
    [DESTINATION, 'ClickHouse#116376'],
    'prefix of its own',
  ],
  [
    599,
    'BACKUP_NOT_FOUND',
    `Backup ${DESTINATION} not found`,
    'restore',
    'fix and stop',
    DESTINATION,
    'safehouse list',
  ],
  [
    599,
    'BACKUP_NOT_FOUND',
    `Backup ${DESTINATION} not found`,
    'backup',
    'fix and stop',
    [DESTINATION, 'base'],
    '--kind full',
  ],
  [
    600,
    'BACKUP_VERSION_NOT_SUPPORTED',
    `Backup ${DESTINATION}: Version 9 is not supported`,
    'restore',
    'fix and stop',
    'version 9',
    'at least as new',
  ],
  [
    601,
    'BACKUP_DAMAGED',
    'Unexpected size of checksum: 3, must be 32',
    'restore',
    'fix and stop',
    'Unexpected size of checksum: 3',
    'safehouse list',
  ],
  [
    1001,
    'STD_EXCEPTION',
    'Poco::XML::SAXParseException: SAXParseException',
    'restore',
    'fix and stop',
    '.backup',
    'safehouse list',
  ],
  [
    602,
    'NO_BASE_BACKUP',
    `Backup ${DESTINATION}: Entry 5e9d is marked to be read from a base backup, but there is no base backup specified`,
    'restore',
    'fix and stop',
    DESTINATION,
    'base_backup',
  ],
  [
    603,
    'WRONG_BASE_BACKUP',
    `Backup ${DESTINATION}: The base backup S3('https://b/base') has different UUID (0cfd != f3b2)`,
    'restore',
    'fix and stop',
    "S3('https://b/base')",
    'safehouse show',
  ],
  [
    604,
    'BACKUP_ENTRY_ALREADY_EXISTS',
    "Entry 'metadata/shop/events.sql' added multiple times to backup",
    'backup',
    'fix and stop',
    'metadata/shop/events.sql',
    'once',
  ],
  [
    605,
    'BACKUP_ENTRY_NOT_FOUND',
    'Table shop.nosuch not found in backup',
    'restore',
    'fix and stop',
    'The table shop.nosuch',
    'safehouse show',
  ],
  [
    605,
    'BACKUP_ENTRY_NOT_FOUND',
    'Database nosuch not found in backup',
    'restore',
    'fix and stop',
    'The database nosuch',
    'safehouse show',
  ],
  [
    605,
    'BACKUP_ENTRY_NOT_FOUND',
    `Backup ${DESTINATION}: Entry 5e9d for file 'a' not found in the backup`,
    'restore',
    'fix and stop',
    DESTINATION,
    'safehouse list',
  ],
  [606, 'BACKUP_IS_EMPTY', 'Backup must not be empty', 'backup', 'fix and stop', 'empty', '`databases`'],

  // Damaged files.
  [
    228,
    'BAD_SIZE_OF_FILE_IN_DATA_PART',
    '/var/lib/clickhouse/data/d/t/all_1_1_0/data.bin has unexpected size: 10 instead of 428',
    'backup',
    'fix and stop',
    ['all_1_1_0/data.bin', '10 bytes instead of 428'],
    'CHECK TABLE',
  ],
  [
    33,
    'CANNOT_READ_ALL_DATA',
    'Cannot read all data. Bytes read: 10. Bytes expected: 428',
    'backup',
    'fix and stop',
    'Bytes read: 10',
    'CHECK TABLE',
  ],
  [
    32,
    'ATTEMPT_TO_READ_AFTER_EOF',
    'Attempt to read after EOF, left to copy 418 bytes',
    'restore',
    'fix and stop',
    '418 bytes',
    'safehouse list',
  ],
  [
    40,
    'CHECKSUM_DOESNT_MATCH',
    "Checksum doesn't match: corrupted data",
    'restore',
    'fix and stop',
    'damaged',
    'safehouse list',
  ],
];

describe('each error of the table', () => {
  test.each(CASES)('%i %s: %s', (code, name, text, operation, expected, what, remedy) => {
    const error = parseClickHouseError(inRow(code, name, text));
    expect(error).toEqual({ code, name, text });
    const failure = classifyClickHouseError({ code, name, text }, { operation });
    expect(failure).toMatchObject({ class: expected, error: name });
    for (const part of [what].flat()) expect(failure.what).toContain(part);
    for (const part of [remedy].flat()) expect(failure.remedy).toContain(part);
    expect(failure.what).toMatch(/[.?)]$|ClickHouse said: /);
    expect(failure.remedy).not.toMatch(/undefined|\.\.|…$/);
    expect(failure.what).not.toMatch(/undefined| {2}/);
    expect(`${failure.what} ${failure.remedy}`).not.toContain('[redacted]');
  });

  test('has a text here that reaches it', () => {
    const reached = new Set(
      CASES.map(([code, , text]) =>
        ERROR_TABLE.find((row) => row.code === code && (row.when?.test(text) ?? true)),
      ),
    );
    expect(ERROR_TABLE.filter((row) => !reached.has(row))).toEqual([]);
  });

  test('can be reached: no row stands behind one of its code that takes everything', () => {
    ERROR_TABLE.forEach((row, index) => {
      const before = ERROR_TABLE.slice(0, index).filter(
        ({ code, when }) => code === row.code && when === undefined,
      );
      expect(before).toEqual([]);
    });
  });

  test('still makes a sentence when ClickHouse finds other words, and quotes them', () => {
    for (const { code, name, when } of ERROR_TABLE) {
      const { what, remedy } = classifyClickHouseError(
        { code, name, text: 'Other words' },
        { operation: 'restore' },
      );
      expect(what).toContain(when === undefined ? 'Other words' : '');
      expect(`${what} ${remedy}`).not.toMatch(/undefined| {2}/);
    }
  });
});

describe('what follows', () => {
  const classOf = (
    code: number,
    operation: Operation,
    seenIn?: 'answer' | 'system.backups',
    text = 'x',
  ): string =>
    classifyClickHouseError({ code, name: 'X', text }, { operation, ...(seenIn && { seenIn }) }).class;

  test('what may be tried again is not tried under an id that is used up', () => {
    expect(classOf(587, 'backup', 'answer')).toBe('retry the same');
    expect(classOf(587, 'backup', 'system.backups')).toBe('new attempt');
    expect(classOf(587, 'restore', 'answer')).toBe('retry the same');
    expect(classOf(587, 'restore', 'system.backups')).toBe('fix and stop');
  });

  test('a restore is never begun anew by itself, and a question may be asked again', () => {
    expect(classOf(241, 'backup')).toBe('new attempt');
    expect(classOf(241, 'restore')).toBe('fix and stop');
    expect(classOf(241, 'query')).toBe('retry the same');
  });

  test('a restore that broke off says what to drop, one that was refused at once does not', () => {
    const remedy = (code: number, seenIn: 'answer' | 'system.backups'): string =>
      classifyClickHouseError({ code, name: 'X', text: 'x' }, { operation: 'restore', seenIn }).remedy;
    expect(remedy(243, 'system.backups')).toMatch(/DROP DATABASE … SYNC/);
    expect(remedy(241, 'answer')).toMatch(/DROP DATABASE … SYNC/);
    expect(remedy(62, 'answer')).not.toMatch(/DROP/);
  });

  test('nothing is to be dropped after a backup, nor before a restore that is tried again as it is', () => {
    const remedy = (code: number, operation: Operation, seenIn: 'answer' | 'system.backups'): string =>
      classifyClickHouseError({ code, name: 'X', text: 'x' }, { operation, seenIn }).remedy;
    expect(remedy(243, 'backup', 'system.backups')).not.toMatch(/DROP DATABASE … SYNC/);
    expect(remedy(60, 'backup', 'system.backups')).not.toMatch(/DROP DATABASE … SYNC/);
    expect(remedy(587, 'restore', 'answer')).not.toMatch(/DROP DATABASE … SYNC/);
    expect(remedy(60, 'restore', 'answer')).not.toMatch(/DROP DATABASE … SYNC/);
    expect(remedy(60, 'restore', 'system.backups')).toMatch(/DROP DATABASE … SYNC/);
  });

  test('what stands in the way of a restore is for a person, and so is what is missing', () => {
    expect(classOf(57, 'restore')).toBe('fix and stop');
    expect(classOf(57, 'query')).toBe('fix and stop');
    expect(classOf(60, 'query')).toBe('fix and stop');
  });

  test('an error of S3 is told by its own cause', () => {
    const { error, what } = classifyClickHouseError(
      { code: 499, name: 'S3_ERROR', text: 'Message: Access Denied, Key: k' },
      { operation: 'backup' },
    );
    expect(error).toBe('S3_ERROR');
    expect(what).not.toContain('does not know');
  });

  test("ClickHouse's own words stand in only where no name was recognised", () => {
    const what = (text: string): string =>
      classifyClickHouseError({ code: 60, name: 'UNKNOWN_TABLE', text }, { operation: 'backup' }).what;
    expect(what('Table shop.x does not exist')).not.toContain('ClickHouse said');
    expect(what('Other words')).toContain('ClickHouse said: Other words');
    expect(what('')).not.toContain('ClickHouse said');
  });

  test('a user without a name is a placeholder', () => {
    const { remedy } = classifyClickHouseError(
      { code: 669, name: 'NAMED_COLLECTION_DOESNT_EXIST', text: 'x' },
      { operation: 'backup', user: '' },
    );
    expect(remedy).toContain('TO <user>');
  });

  test('the GRANT is for the user of the target where that is known', () => {
    const failure = classifyClickHouseError(
      { code: 669, name: 'NAMED_COLLECTION_DOESNT_EXIST', text: 'x' },
      { operation: 'backup', user: 'back`up' },
    );
    expect(failure.remedy).toContain('TO `back\\`up`');
  });

  test('an unknown error is said to be unknown, and is a new attempt for a backup', () => {
    const error = { code: 4711, name: 'SOMETHING_NEW', text: 'New words' };
    expect(classifyClickHouseError(error, { operation: 'backup' })).toEqual({
      class: 'new attempt',
      error: 'SOMETHING_NEW',
      what: 'ClickHouse answered with an error that this release does not know (4711 SOMETHING_NEW): New words',
      remedy:
        "Look the error up by its name in ClickHouse's documentation, and at the server's log around that time.",
    });
    expect(classifyClickHouseError(error, { operation: 'restore' }).class).toBe('fix and stop');
    expect(classifyClickHouseError({ ...error, name: 'a; (b)' }, { operation: 'backup' }).error).toBe(
      'CODE_4711',
    );
  });
});

describe('parseClickHouseError', () => {
  test.each<[string, string, { code: number; name: string; text: string }]>([
    [
      'the body of an HTTP answer',
      'Code: 60. DB::Exception: Table shop.x does not exist. (UNKNOWN_TABLE) (version 25.8.26.8 (official build))\n',
      { code: 60, name: 'UNKNOWN_TABLE', text: 'Table shop.x does not exist' },
    ],
    [
      'an error that repeats itself',
      "Code: 115. DB::Exception: Code: 115. DB::Exception: Unknown setting 'max_memory_usge': Maybe you meant ['max_memory_usage']. (UNKNOWN_SETTING) (version 26.7.2.1). (UNKNOWN_SETTING)",
      {
        code: 115,
        name: 'UNKNOWN_SETTING',
        text: "Unknown setting 'max_memory_usge': Maybe you meant ['max_memory_usage']",
      },
    ],
    [
      'an error of another host of a cluster',
      'Code: 57. DB::Exception: There was an error on [ch-02:9000]: Code: 57. DB::Exception: Table d.t already exists. (TABLE_ALREADY_EXISTS) (version 26.7.2.1 (official build)). (TABLE_ALREADY_EXISTS) (version 26.7.2.1 (official build))',
      {
        code: 57,
        name: 'TABLE_ALREADY_EXISTS',
        text: 'There was an error on [ch-02:9000]: Code: 57. DB::Exception: Table d.t already exists. (TABLE_ALREADY_EXISTS)',
      },
    ],
    [
      'an error with another one and its stack trace inside',
      'Code: 499. DB::Exception: Failed to check existence of key x/.backup in bucket bucket: Code: 198. DB::NetException: Not found address of host: nosuch.invalid. (DNS_ERROR), Stack trace (when copying this message, always include the lines below):\n\n0. ? @ 0x1\n (version 26.7.2.1). HTTP response code: 18446744073709551615, error type: . (S3_ERROR)',
      {
        code: 499,
        name: 'S3_ERROR',
        text: 'Failed to check existence of key x/.backup in bucket bucket: Code: 198. DB::NetException: Not found address of host: nosuch.invalid',
      },
    ],
    [
      'an exception of Poco',
      'Poco::Exception. Code: 1000, e.code() = 111, Connection refused (version 26.7.2.1 (official build))',
      { code: 1000, name: 'POCO_EXCEPTION', text: 'e.code() = 111, Connection refused' },
    ],
    [
      'an exception of the standard library',
      'std::exception. Code: 1001, type: Poco::XML::SAXParseException, e.what() = SAXParseException (version 26.7.2.1)',
      {
        code: 1001,
        name: 'STD_EXCEPTION',
        text: 'type: Poco::XML::SAXParseException, e.what() = SAXParseException',
      },
    ],
    [
      'an exception of a network connection',
      'Code: 210. DB::NetException: Connection refused (127.0.0.1:1). (NETWORK_ERROR) (version 26.7.2.1)',
      { code: 210, name: 'NETWORK_ERROR', text: 'Connection refused (127.0.0.1:1)' },
    ],
    [
      'an error in the middle of an answer',
      '{"a":1}\nCode: 4711. DB::Exception: New words. (SOMETHING_NEW) (version 27.1.1.1)',
      { code: 4711, name: 'SOMETHING_NEW', text: 'New words' },
    ],
    [
      'an error of an old release, without a name',
      'Code: 4711. DB::Exception: New words.',
      { code: 4711, name: 'CODE_4711', text: 'New words' },
    ],
    [
      'a text with escape sequences and a secret',
      "Code: 36. DB::Exception: a\u001b[2Jb\n password='hunter2'. (BAD_ARGUMENTS)",
      { code: 36, name: 'BAD_ARGUMENTS', text: 'a[2Jb  password=[redacted]' },
    ],
  ])('reads %s', (_, source, expected) => {
    expect(parseClickHouseError(source)).toEqual(expected);
  });

  test('reads the error of the client, whose message has no code', () => {
    expect(
      parseClickHouseError({ code: '60', type: 'UNKNOWN_TABLE', message: 'Table shop.x does not exist. ' }),
    ).toEqual({ code: 60, name: 'UNKNOWN_TABLE', text: 'Table shop.x does not exist' });
    expect(parseClickHouseError({ code: '4711', message: 'New words. ' })?.name).toBe('CODE_4711');
  });

  test.each([
    '',
    'Code: ',
    '<html><h1>502 Bad Gateway</h1></html>',
    'socket hang up',
    'Timeout error.',
    'Zip Code: 12345',
  ])('does not take %j for an error of ClickHouse', (text) => {
    expect(parseClickHouseError(text)).toBeUndefined();
    expect(parseClickHouseError({ code: 'ECONNREFUSED', message: text })).toBeUndefined();
  });

  test('never holds on to a stack trace', () => {
    for (const [code, name, text] of CASES)
      expect(parseClickHouseError(inRow(code, name, text))?.text).not.toMatch(/Stack trace|0x0|version 26/);
  });
});

describe('whatever ClickHouse says', () => {
  const codes = [499, ...ERROR_TABLE.map(({ code }) => code)];
  const literal = fc.constantFrom(...CASES.map(([, , text]) => text));

  test('a failure comes out, without control characters and secrets, and bounded', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.constantFrom(...codes), fc.nat(2000)),
        fc.array(fc.oneof(FOREIGN_TEXT, literal), { maxLength: 4 }),
        PLANTED_SECRET,
        FOREIGN_TEXT,
        fc.constantFrom('backup' as const, 'restore' as const, 'query' as const),
        (code, before, { plant, secret }, after, operation) => {
          const text = `${before.join('')}${plant}${after}`;
          const parsed = parseClickHouseError(inRow(code, 'X_Y', text));
          for (const error of [{ code, name: text, text }, parsed ?? { code, name: 'X', text }]) {
            const { what, remedy, error: name } = classifyClickHouseError(error, { operation, user: after });
            for (const shown of [what, remedy, name, parsed?.text ?? '']) {
              expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
              expect(shown).not.toContain(secret);
            }
            expect(Math.max(what.length, remedy.length)).toBeLessThanOrEqual(600);
            expect(name).toMatch(/^[A-Z][A-Z0-9_]*$/);
          }
        },
      ),
      tries(1_000),
    );
  });
});
