/**
 * What passes between the steps of the workflows. Each interface says who makes it and who reads it. Step Functions
 * carries at most 256 KiB, so long things (tables, evidence) stay in the ledger and only ids travel.
 */
import * as z from 'zod';
import type { AttemptSettings } from './attempt-settings.ts';
import { KINDS } from './backup-id.ts';
import { FAILURE_CLASSES } from './failure.ts';

const targetName = z.string().min(1);

/** Where an execution stands; made by the state machine from its context object, read by `begin` and `plan`. */
const contextFields = {
  /** `$$.Execution.Id` */
  execution: z.string().min(1),
};

/**
 * What starts a backup. EventBridge Scheduler sends all three; a person needs only the target.
 * Example: `{ "target": "langsmith" }`
 */
export const backupInputSchema = z.strictObject({
  target: targetName,
  kind: z.enum(KINDS).default('full'),
  /** The time that this start was scheduled for; it makes the start happen exactly once. */
  scheduledTime: z.iso.datetime({ offset: true }).optional(),
});
export type BackupInput = z.input<typeof backupInputSchema>;

/** Read by `begin`. */
export const beginInputSchema = z.strictObject({ ...contextFields, input: z.unknown() });

const runFields = {
  ...contextFields,
  target: targetName,
  /** The kind that was asked for. */
  kind: z.enum(KINDS),
  scheduledTime: z.string().nullable(),
  /** Part of the keys of this scheduled time's claims. */
  slot: z.string(),
  /** 1, 2, …: which attempt at this slot. */
  attempt: z.number().int().positive(),
};

/**
 * Made by `begin`: what the execution is to do. `go`: the slot is this execution's, or it was left by another one and is
 * taken over; `already ran`: there is nothing left to do for this scheduled time.
 */
export interface BackupRun extends z.infer<z.ZodObject<typeof runFields>> {
  readonly outcome: 'go' | 'already ran';
  readonly reason: string | null;
  /** True when the target names a query to wait for. */
  readonly hasBefore: boolean;
}

/** Read by `check-before` and `prepare`. */
export const runSchema = z.looseObject(runFields);

/** Made by `check-before`: `ready`, or wait and ask again. Past the limit it throws. */
export interface BeforeCheck {
  readonly outcome: 'ready' | 'waiting';
  readonly since: string;
  readonly waitSeconds: number;
}

export const checkBeforeInputSchema = z.looseObject({
  ...runFields,
  before: z.object({ since: z.string() }).optional(),
});

const attemptSettings = z.record(z.string(), z.number()).optional();

/**
 * What one attempt at a slot decided, in the bucket under `attemptKey`. Whoever writes it first decides; a repeat of the
 * step, or a second execution of the same slot, adopts it.
 */
export const attemptClaimSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  kind: z.enum(KINDS),
  base: z.string().nullable(),
  reason: z.string().nullable(),
  /** What it asks of ClickHouse because of how the attempt before it failed. */
  settings: attemptSettings,
  execution: z.string(),
  at: z.string(),
});
export type AttemptClaim = z.infer<typeof attemptClaimSchema>;

/** Which execution took a scheduled time, in the bucket under `claimKey`. */
export const claimSchema = z.object({ version: z.literal(1), execution: z.string(), at: z.string() });

/** Why a scheduled time made no backup, in the bucket under `skippedKey`. */
export const skippedSchema = z.object({
  version: z.literal(1),
  execution: z.string(),
  at: z.string(),
  reason: z.string(),
});

/** Made by `prepare`: the backup that this attempt makes, or why it makes none. */
export interface PreparedBackup {
  readonly outcome: 'go' | 'skipped';
  readonly reason: string | null;
  readonly backup: BackupReference | null;
}

export interface BackupReference {
  readonly id: string;
  readonly kind: (typeof KINDS)[number];
  readonly base: string | null;
  /** Another execution wrote the attempt's claim, so that one submits and this one only follows. */
  readonly joined: boolean;
  /** What the statement asks for besides the target's settings, because of how the attempt before failed. */
  readonly settings?: AttemptSettings | undefined;
}

const backupReference = z.object({
  id: z.string(),
  kind: z.enum(KINDS),
  base: z.string().nullable(),
  joined: z.boolean(),
  settings: attemptSettings,
});

/** Read by `submit`, `poll`, `verify`: a run with its backup. */
export const preparedRunSchema = z.looseObject({
  ...runFields,
  prepared: z.object({ backup: backupReference }),
});
export type PreparedRun = z.infer<typeof preparedRunSchema>;

export const POLL_OUTCOMES = [
  'running',
  'finished',
  'failed',
  'cancelled',
  'lost',
  'stalled',
  'over time',
] as const;
export type PollOutcome = (typeof POLL_OUTCOMES)[number];

const failureSchema = z.object({
  class: z.enum(FAILURE_CLASSES),
  error: z.string(),
  what: z.string(),
  remedy: z.string(),
});

/** Made by `submit` and then by each `poll`, read by the next `poll` and by the choice after it. */
export const pollSchema = z.object({
  outcome: z.enum(POLL_OUTCOMES),
  submittedAt: z.string(),
  /** How long the state machine waits before it asks (again). */
  waitSeconds: z.number().int().positive(),
  /** Which server was seen to know the backup: an answer of another one, or a shorter uptime, is news. */
  server: z.string().nullable(),
  /** Counters that only grow while the backup runs. */
  progress: z.object({ files: z.number(), bytes: z.number() }),
  /** When the counters last moved, or the query was last seen alive. */
  movedAt: z.string(),
  /** Since when the server did not answer at all; null while it does. */
  silentSince: z.string().nullable(),
  polls: z.number().int().nonnegative(),
  failure: failureSchema.nullable(),
});
export type Poll = z.infer<typeof pollSchema>;

export const pollInputSchema = preparedRunSchema.extend({ poll: pollSchema });

/** Made by `verify`, for whoever looks at the execution. */
export interface VerifiedBackup {
  readonly id: string;
  readonly objects: number;
  readonly bytes: number;
  readonly files: number;
}

/** Whatever is there instead is not there: a failure must be told even when the input was the failure. */
export const ifAny = <Schema extends z.ZodType>(schema: Schema) => schema.optional().catch(undefined);

export const caughtErrorSchema = z.object({ Error: z.string(), Cause: z.string().optional() });

/**
 * Read by `record-failure`. `run` is the state as it stood when a step failed, so each of its parts may be missing: the
 * later the step, the more is there. Until `begin` has made it, it is the input of the execution, which may be anything.
 * `error` is what Step Functions caught, `poll.failure` what ClickHouse said.
 */
export const failureInputSchema = z.object({
  ...contextFields,
  run: z.looseObject({
    /** Which execution's state it is; without it, or with another one's, it is an input. */
    execution: ifAny(z.string()),
    target: z.unknown().optional(),
    kind: ifAny(z.enum(KINDS)),
    scheduledTime: ifAny(z.string().nullable()),
    slot: ifAny(z.string()),
    attempt: ifAny(z.number().int().positive()),
    hasBefore: ifAny(z.boolean()),
    before: ifAny(z.object({ outcome: z.string(), since: z.string() })),
    prepared: ifAny(z.object({ backup: backupReference.nullable() })),
    poll: ifAny(pollSchema),
    verified: ifAny(z.object({ id: z.string() })),
    proof: ifAny(z.object({ outcome: z.string() })),
    judged: ifAny(z.object({ verdict: z.string() })),
    error: ifAny(caughtErrorSchema),
  }),
});
export type FailureInput = z.infer<typeof failureInputSchema>;

/** Made by `record-failure`: another attempt, or the end. */
export interface RecordedFailure {
  readonly outcome: 'new attempt' | 'give up';
  /** For the execution's own `error` and `cause`. */
  readonly error: string;
  readonly cause: string;
  readonly attempt: number;
}

/** What starts retention. Example: `{ "target": "langsmith" }` */
export const retentionInputSchema = z.strictObject({ target: targetName });
export const planInputSchema = z.strictObject({ ...contextFields, input: z.unknown() });

/** Made by `plan`, read by `remove`, which returns it again with fewer ids until none is left. */
export const removalSchema = z.object({
  ...contextFields,
  target: targetName,
  /** Backups whose grace is over, incrementals before their base. */
  remove: z.array(z.object({ id: z.string(), reason: z.string() })),
  marked: z.number(),
  kept: z.number(),
  removed: z.array(z.object({ id: z.string(), objects: z.number(), bytes: z.number() })),
  done: z.boolean(),
});
export type Removal = z.infer<typeof removalSchema>;

/** Read by retention's `record-failure`. */
export const retentionFailureInputSchema = z.object({
  ...contextFields,
  run: z.looseObject({ target: z.unknown().optional(), error: ifAny(caughtErrorSchema) }),
});

/** What keeps retention away from a backup, in the bucket under `pinKey`. */
export const pinSchema = z.object({
  version: z.literal(1),
  holder: z.string(),
  reason: z.string(),
  /** From then on the pin counts for nothing: a holder that died cannot hold for ever. */
  lapsesAt: z.iso.datetime(),
});

/**
 * What starts an examination. `scheduled`: nobody waits for the answer, so what is bad is told.
 * Example: `{ "target": "langsmith" }`
 */
export const doctorInputSchema = z.strictObject({
  target: targetName,
  scheduled: z.boolean().default(false),
});
/** Read by `examine`. */
export const examineInputSchema = z.strictObject({ ...contextFields, input: z.unknown() });

/** Made by `examine`, read by `conclude`: each of them an `Examination`. */
const examinedSchema = z.object({
  examinations: z.array(
    z.object({
      check: z.string(),
      result: z.enum(['good', 'bad', 'not checked']),
      what: z.string(),
      remedy: z.string(),
      error: z.string().optional(),
      isBeyondReach: z.boolean().optional(),
    }),
  ),
});

/**
 * Read by `conclude`. `run` is the input of the execution with what `examine` made of it, or with what became of `examine`:
 * its input may have been anything.
 */
export const concludeInputSchema = z.object({
  ...contextFields,
  run: z.looseObject({
    target: z.unknown().optional(),
    scheduled: ifAny(z.boolean()),
    examined: ifAny(examinedSchema),
    error: ifAny(caughtErrorSchema),
  }),
});

/**
 * What starts a proof. The backup workflow names the backup it made.
 * Example: `{ "target": "langsmith", "backup": "20260402T020000Z-full-k3f9", "level": "bytes" }`
 */
export const proofInputSchema = z.strictObject({
  target: targetName,
  backup: z.string().min(1),
  level: z.enum(['counts', 'bytes']).optional(),
  /** `again` for a backup that was proven before: assertions over its age no longer apply to it. */
  occasion: z.enum(['new', 'again']).default('new'),
});
export const planProofInputSchema = z.strictObject({ ...contextFields, input: z.unknown() });

/** Made by `plan-proof`: the items that the map goes over. `items` is empty only with `outcome` `not wanted`. */
export interface PlannedProof {
  readonly outcome: 'go' | 'not wanted';
  readonly target: string;
  readonly backup: string;
  readonly proof: string;
  readonly items: readonly number[];
}

/** Read by `prove-item`; made by the map. */
export const proveItemInputSchema = z.strictObject({
  ...contextFields,
  target: targetName,
  backup: z.string(),
  proof: z.string(),
  index: z.number().int().nonnegative(),
});

/** Read by `judge-proof`. */
export const judgeProofInputSchema = z.strictObject({
  ...contextFields,
  target: targetName,
  backup: z.string(),
  proof: z.string(),
});

/** Made by `judge-proof`, when the backup is proven; everything else is an error. */
export interface JudgedProof {
  readonly verdict: 'proven';
  readonly bytes: number;
  readonly tables: number;
  readonly anomalies: readonly string[];
}

/** Read by the `record-failure` of a proof that was started for itself. */
export const proofFailureInputSchema = z.object({
  ...contextFields,
  run: z.looseObject({
    target: z.unknown().optional(),
    backup: z.unknown().optional(),
    error: ifAny(caughtErrorSchema),
  }),
});
