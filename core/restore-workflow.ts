/**
 * What passes between the steps of a restore. Long things (plan, findings, comparison) lie in the bucket under
 * `restores/<to>/<restore>/`; only names travel.
 */
import * as z from 'zod';
import { caughtErrorSchema, ifAny, pollSchema } from './workflow.ts';

/** Read by `plan`; made by the state machine from its context object. */
export const planRestoreInputSchema = z.strictObject({
  execution: z.string().min(1),
  /** `$$.Execution.StartTime` */
  startedAt: z.iso.datetime({ offset: true }),
  input: z.unknown(),
});

const runFields = {
  execution: z.string().min(1),
  restore: z.string().min(1),
  /** Whose backup it is, and where it is restored to. */
  target: z.string().min(1),
  to: z.string().min(1),
  backup: z.string().min(1),
};

/** Made by `plan`, and the state from then on. */
export const restoreRunSchema = z.looseObject(runFields);
export interface RestoreRun extends z.infer<z.ZodObject<typeof runFields>> {
  readonly dryRun: boolean;
  readonly drill: boolean;
}

/** Made by `preflight`; what blocks is an error. */
export interface Preflight {
  readonly outcome: 'go' | 'dry run';
  readonly notices: number;
}

/** Read by `poll`; `$.poll` is made by `submit` and then by each `poll`, as in a backup. */
export const restorePollInputSchema = z.looseObject({ ...runFields, poll: pollSchema });

/** Made by `compare`, which is called again while `done` is false. `different` is a failure that drops nothing. */
export const comparedSchema = z.object({
  outcome: z.enum(['equal', 'different']),
  done: z.boolean(),
  /** How many tables were read with CHECK TABLE so far. */
  checked: z.number().int().nonnegative(),
  differences: z.number().int().nonnegative(),
});
export type Compared = z.infer<typeof comparedSchema>;
export const compareInputSchema = z.looseObject({ ...runFields, compared: comparedSchema.optional() });

/** Made by `stop`, which is called again, after a wait, while ClickHouse still works on it. */
export const stoppedSchema = z.object({
  stopped: z.boolean(),
  waitSeconds: z.number().int().positive(),
  since: z.iso.datetime(),
});
export type Stopped = z.infer<typeof stoppedSchema>;
export const stopInputSchema = z.looseObject({ ...runFields, stopped: stoppedSchema.optional() });

/** Made by `clean-up`: how much of what the restore had created was dropped, and what was left. */
export interface CleanedUp {
  readonly dropped: number;
  readonly left: number;
}

/** Made by `finish`, the execution's result. */
export interface FinishedRestore {
  readonly outcome: 'restored' | 'dry run';
  readonly restore: string;
  readonly backup: string;
  readonly to: string;
  /** The key of the report. */
  readonly report: string;
}

/** Read by the restore's `record-failure`, whatever the state was: each part may be missing. */
export const restoreFailureInputSchema = z.object({
  execution: z.string().min(1),
  run: z.looseObject({
    execution: ifAny(z.string()),
    restore: ifAny(z.string()),
    target: z.unknown().optional(),
    to: ifAny(z.string()),
    backup: ifAny(z.string()),
    poll: ifAny(pollSchema),
    compared: ifAny(comparedSchema),
    error: ifAny(caughtErrorSchema),
    /** What went wrong while it was stopped or cleaned up. */
    cleanUpError: ifAny(caughtErrorSchema),
    /** True in the machine that ends what was cancelled. */
    cancelled: ifAny(z.boolean()),
  }),
});
export type RestoreFailureInput = z.infer<typeof restoreFailureInputSchema>;

/** What starts the machine that ends a restore whose execution was stopped. Example: `{ "target": "langsmith", "restore": "…" }` */
export const cancelInputSchema = z.strictObject({
  /** The target that was restored to. */
  target: z.string().min(1),
  restore: z.string().min(1),
});

/** Read by `reopen`, its first step, which makes the run out of the restore's plan, with `cancelled: true`. */
export const reopenInputSchema = z.strictObject({ execution: z.string().min(1), input: z.unknown() });

/** A hold on a database, under `holdKey`. */
export const holdSchema = z.object({
  version: z.literal(1),
  restore: z.string(),
  execution: z.string(),
  lapsesAt: z.iso.datetime(),
});
