/** The metrics that the functions publish and the alarms read. */
export const NAMESPACE = 'Safehouse';

/** Powertools gives every metric this dimension and cannot be told not to; an alarm without it would match nothing. */
export const SERVICE = { service: 'safehouse' } as const;

export const DIMENSIONS = {
  stack: 'Stack',
  target: 'Target',
  /** Only on AlertsSent, and there instead of the target: the alarm subtracts it from one state machine's failures. */
  workflow: 'Workflow',
} as const;

export const METRICS = {
  /** Seconds since the newest good backup began. Absent while there is none. */
  goodBackupAge: 'GoodBackupAge',
  /** How many good backups exist. */
  goodBackups: 'GoodBackups',
  /** Backups that ClickHouse finished and nobody verified in time. */
  unverifiedBackups: 'UnverifiedBackups',
  /** One for each failed execution whose failure was told to the topic, by this execution or by another one. */
  alertsSent: 'AlertsSent',
  backupBytes: 'BackupBytes',
  backupObjects: 'BackupObjects',
  backupSeconds: 'BackupSeconds',
  backupsVerified: 'BackupsVerified',
  backupsProven: 'BackupsProven',
  bytesProven: 'BytesProven',
  /** Seconds since the newest good backup that is proven began. Absent while there is none. */
  proofAge: 'ProofAge',
  /** The share of good backups whose proof is not older than the target wants, in percent. */
  proofCoverage: 'ProofCoverage',
  /** One for each examination that found everything good, whoever asked for it. */
  examinationsGood: 'ExaminationsGood',
  backupsFailed: 'BackupsFailed',
  backupsSkipped: 'BackupsSkipped',
  /** Scheduled times that were skipped since a backup last began. */
  skippedInARow: 'SkippedInARow',
  /** Multipart uploads that nobody will complete: they are billed until a rule of the bucket aborts them. */
  unfinishedUploads: 'UnfinishedUploads',
  /** Of their parts, at least. */
  unfinishedUploadBytes: 'UnfinishedUploadBytes',
  /** Seconds since the oldest of them was begun. Absent while there is none. */
  unfinishedUploadAge: 'UnfinishedUploadAge',
  backupsRemoved: 'BackupsRemoved',
  bytesRemoved: 'BytesRemoved',
} as const;
