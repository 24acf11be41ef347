/** What may follow a failure. The names are words of the ledger and of every alert. */
export const FAILURE_CLASSES = [
  /** The same call again, later: nothing was done, or what was done is recognised by its id. */
  'retry the same',
  /** A new attempt under a new backup id and a new prefix. */
  'new attempt',
  /** A person has to change something first; trying again would fail in the same way. */
  'fix and stop',
  /** It has happened already; go on as if this call had done it. */
  'already done',
] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

export interface Failure {
  readonly class: FailureClass;
  /** ClickHouse's or AWS's name for the error, such as `S3_ERROR`; Safehouse's own where neither spoke. */
  readonly error: string;
  /** What happened, one or two sentences, without secrets, stack traces or control characters. */
  readonly what: string;
  /** What to do next. */
  readonly remedy: string;
}

/** The error of a backup whose proof found damage: another attempt may follow it. */
export const PROOF_REFUTED = 'ProofRefuted';

/** The error of a backup whose execution died: retention finds it and closes its page in the ledger. */
export const ABANDONED = 'BackupAbandoned';
