/**
 * Which section of the runbook an error leads to. Errors that ask for the same steps share a section; whatever is in no
 * list leads to the section for that. The alarms' sections are named in infra/alarms.ts.
 */

export const RUNBOOK = 'docs/runbook.md';

/** For errors that no release knew of. */
export const UNKNOWN_SECTION = 'an-error-without-a-section';

/** The sections by their anchors, as GitHub forms them, with the names that a failure can have. */
export const ERROR_SECTIONS = {
  // --- ClickHouse ---
  'clickhouse-cannot-use-the-bucket': ['S3_ERROR', 'TOO_MANY_REDIRECTS', 'CanaryTimedOut'],
  'a-grant-is-missing': ['ACCESS_DENIED', 'READONLY'],
  'clickhouse-does-not-accept-the-user': [
    'AUTHENTICATION_FAILED',
    'REQUIRED_PASSWORD',
    'UNKNOWN_USER',
    'WRONG_PASSWORD',
  ],
  'clickhouse-does-not-take-the-statement': [
    'BACKUP_ENGINE_NOT_FOUND',
    'BACKUP_ENTRY_ALREADY_EXISTS',
    'BAD_ARGUMENTS',
    'CANNOT_PARSE_BACKUP_SETTINGS',
    'CANNOT_PARSE_BOOL',
    'CANNOT_PARSE_INPUT_ASSERTION_FAILED',
    'CANNOT_PARSE_NUMBER',
    'INVALID_CONFIG_PARAMETER',
    'NAMED_COLLECTION_DOESNT_EXIST',
    'NOT_IMPLEMENTED',
    'NUMBER_OF_ARGUMENTS_DOESNT_MATCH',
    'SETTING_CONSTRAINT_VIOLATION',
    'SYNTAX_ERROR',
    'UNKNOWN_SETTING',
    'WRONG_BACKUP_SETTINGS',
    'WRONG_DDL_RENAMING_SETTINGS',
  ],
  'the-scope-does-not-fit-the-server': [
    'ACCESS_STORAGE_DOESNT_ALLOW_BACKUP',
    'BACKUP_IS_EMPTY',
    'CANNOT_BACKUP_TABLE',
    'INCONSISTENT_METADATA_FOR_BACKUP',
    'NothingInScope',
    'UNKNOWN_DATABASE',
    'UNKNOWN_TABLE',
  ],
  'the-cluster-or-keeper-fails': [
    'ALL_CONNECTION_TRIES_FAILED',
    'CLUSTER_DOESNT_EXIST',
    'FAILED_TO_SYNC_BACKUP_OR_RESTORE',
    'KEEPER_EXCEPTION',
    'NO_ELEMENTS_IN_CONFIG',
    'NO_REMOTE_SHARD_AVAILABLE',
    'NO_ZOOKEEPER',
    'TABLE_IS_READ_ONLY',
  ],
  'the-server-is-busy': [
    'ABORTED',
    'CONCURRENT_ACCESS_NOT_SUPPORTED',
    'DNS_ERROR',
    'NETWORK_ERROR',
    'POCO_EXCEPTION',
    'SERVER_OVERLOADED',
    'SOCKET_TIMEOUT',
    'TOO_MANY_SIMULTANEOUS_QUERIES',
  ],
  'time-memory-or-disk-ran-out': ['MEMORY_LIMIT_EXCEEDED', 'NOT_ENOUGH_SPACE', 'TIMEOUT_EXCEEDED'],
  'the-backup-was-cancelled': ['QUERY_WAS_CANCELLED'],
  'a-data-part-is-damaged': [
    'ATTEMPT_TO_READ_AFTER_EOF',
    'BAD_SIZE_OF_FILE_IN_DATA_PART',
    'CANNOT_READ_ALL_DATA',
    'CHECKSUM_DOESNT_MATCH',
  ],
  'a-backup-or-its-base-is-damaged': [
    'BACKUP_DAMAGED',
    'BACKUP_ENTRY_NOT_FOUND',
    'BACKUP_NOT_FOUND',
    'NO_BASE_BACKUP',
    'STD_EXCEPTION',
    'WRONG_BASE_BACKUP',
  ],
  'something-is-at-the-destination': ['BACKUP_ALREADY_EXISTS'],
  'the-versions-do-not-fit': ['BACKUP_VERSION_NOT_SUPPORTED', 'UnsupportedVersion'],
  'a-restore-by-hand-is-refused': [
    'ACCESS_ENTITY_ALREADY_EXISTS',
    'CANNOT_RESTORE_DATABASE',
    'CANNOT_RESTORE_TABLE',
    'CANNOT_RESTORE_TO_NONENCRYPTED_DISK',
    'DATABASE_ALREADY_EXISTS',
    'REPLICA_ALREADY_EXISTS',
    'TABLE_ALREADY_EXISTS',
    'UNKNOWN_DISK',
    'UNKNOWN_POLICY',
  ],

  // --- the way to ClickHouse ---
  'safehouse-does-not-reach-clickhouse': [
    'CONNECTION_FAILED',
    'EADDRNOTAVAIL',
    'EAI_AGAIN',
    'ECONNABORTED',
    'ECONNREFUSED',
    'ECONNRESET',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENOTFOUND',
    'EPIPE',
    'EPROTO',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ESOCKETTIMEDOUT',
    'ETIMEDOUT',
    'HPE_INVALID_CONSTANT',
    'UND_ERR_CONNECT_TIMEOUT',
    'UND_ERR_SOCKET',
  ],
  'the-certificate-is-refused': [
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'CERT_SIGNATURE_FAILURE',
    'CERT_UNTRUSTED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ],

  // --- Safehouse ---
  backuplost: ['BackupLost'],
  backupstalled: ['BackupStalled'],
  backupovertime: ['BackupOverTime'],
  backupoverlap: ['BackupOverlap'],
  backupabandoned: ['BackupAbandoned'],
  beforequerytimedout: ['BeforeQueryTimedOut'],
  'a-restore-was-refused': ['AnotherRestore', 'BackupNotChosen', 'PreflightRefused'],
  'a-restore-did-not-come-to-its-end': [
    'RESTORE_FAILED',
    'RestoreCancelled',
    'RestoreLost',
    'RestoreNotStopped',
    'RestoreOverTime',
    'RestoreStalled',
  ],
  restorediffers: ['NothingCompared', 'RestoreDiffers'],
  verificationfailed: ['VerificationFailed'],
  proofrefuted: ['AssertionFailed', 'BaseRefuted', 'ProofRefuted'],
  'the-prover-cannot-judge': [
    'EngineNotFetched',
    'ProofIncomplete',
    'ProverBlind',
    'ProverNotOpened',
    'ProverNotReading',
  ],
  'clickhouse-may-delete-backups': ['DELETE_ALLOWED'],
  'the-configuration-or-input-is-wrong': [
    'InvalidConfiguration',
    'InvalidInput',
    'NotFound',
    'NothingToProve',
    'ParameterNotFound',
  ],
  incompletereading: ['IncompleteReading'],
  refusedforsafety: ['RefusedForSafety'],

  // --- AWS ---
  'aws-refuses-safehouse': [
    'AccessDenied',
    'DeleteFailed',
    'Lambda.AccessDeniedException',
    'NoSuchBucket',
    'Refused',
  ],
  'aws-is-not-available': [
    'ConditionalRequestConflict',
    'ERR_STREAM_PREMATURE_CLOSE',
    'InternalError',
    'Lambda.AWSLambdaException',
    'Lambda.ClientExecutionTimeoutException',
    'Lambda.SdkClientException',
    'Lambda.ServiceException',
    'Lambda.TooManyRequestsException',
    'RequestTimeout',
    'ServiceUnavailable',
    'SlowDown',
    'TemporarilyUnavailable',
    'Throttling',
    'ThrottlingException',
    'TooManyRequestsException',
  ],
  'a-step-was-ended': [
    'Lambda.Unknown',
    'OutOfTime',
    'Sandbox.Timedout',
    'States.ExceedToleratedFailureThreshold',
    'States.Timeout',
    'TimeoutError',
  ],
  'alarm-failed-without-an-alert': ['AlertNotSent'],
  'alarm-proofs-not-started': ['NotWalked'],
  'alarm-restores-not-swept': ['NotSwept'],
  'alarm-webhook-not-delivered': ['WebhookRefused'],
  [UNKNOWN_SECTION]: ['BACKUP_FAILED', 'Unexpected'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

const ANCHORS: ReadonlyMap<string, string> = new Map(
  Object.entries(ERROR_SECTIONS).flatMap(([anchor, names]) => names.map((name) => [name, anchor] as const)),
);

/** The section for an error, by ClickHouse's, AWS's, Node's or our own name for it: one that exists, whatever the name. */
export const anchorOf = (error: string): string => ANCHORS.get(error) ?? UNKNOWN_SECTION;
