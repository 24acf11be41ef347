/**
 * The ledger: append-only objects that say what happened to each backup. The name of an object is a state; its content
 * is the evidence for it. A backup's state is read off one listing, without opening an object.
 */
import * as z from 'zod';
import { type BackupId, KINDS, parseBackupId } from './backup-id.ts';
import { COVERAGES } from './coverage.ts';
import { FAILURE_CLASSES } from './failure.ts';
import { LEDGER } from './keys.ts';
import { provenFields } from './proof.ts';

export const STATES = [
  'started',
  'written',
  'verified',
  'proven',
  'failed',
  'expiring',
  'removing',
  'removed',
  'kept',
] as const;
export type State = (typeof STATES)[number];

/** The version of the evidence written by this release. A reader refuses a newer one. */
export const LEDGER_VERSION = 1;

const evidence = {
  version: z.literal(LEDGER_VERSION),
  target: z.string(),
  id: z.string(),
  /** When the evidence was written, ISO 8601, by the clock of the function that wrote it. */
  at: z.iso.datetime(),
  /** The execution of the state machine that wrote it, or who did it by hand. */
  by: z.string(),
};

export const tableSchema = z.object({
  database: z.string(),
  name: z.string(),
  engine: z.string(),
  coverage: z.enum(COVERAGES),
});
export type LedgerTable = z.infer<typeof tableSchema>;

export const startedSchema = z.object({
  ...evidence,
  kind: z.enum(KINDS),
  /** The id of the full backup that an incremental stands on; null for a full one. */
  base: z.string().nullable(),
  /** Why this kind, when it is not the one that was asked for. */
  reason: z.string().nullable(),
  scheduledTime: z.string().nullable(),
  attempt: z.number().int().positive(),
  /** What this attempt asked of ClickHouse because of how the one before it failed. */
  settings: z.record(z.string(), z.number()).optional(),
  clickhouse: z.object({ version: z.string(), server: z.string(), host: z.string() }),
  /** What was in scope when the backup began: an omission must never be silent. */
  databases: z.array(z.string()),
  tables: z.array(tableSchema),
  /** The shards that the backup must have files of, when it is made ON CLUSTER and the server says which they are. */
  shards: z.array(z.number().int().positive()).optional(),
});
export type Started = z.infer<typeof startedSchema>;

export const writtenSchema = z.object({
  ...evidence,
  /** How it is known that ClickHouse finished: its own row in system.backups, or the manifest in S3. */
  seenIn: z.enum(['system.backups', 'bucket']),
  startTime: z.string().nullable(),
  endTime: z.string().nullable(),
  files: z.number().nonnegative(),
  bytes: z.number().nonnegative(),
  settings: z.record(z.string(), z.union([z.string(), z.number()])),
});
export type Written = z.infer<typeof writtenSchema>;

export const verifiedSchema = z.object({
  ...evidence,
  /** Files that the manifest lists, whether stored here, in the base, or deduplicated. */
  files: z.number().nonnegative(),
  /** Objects stored under the backup's own prefix, the manifest included. */
  objects: z.number().nonnegative(),
  /** Bytes of those objects. */
  bytes: z.number().nonnegative(),
  /** Bytes of all files of the backup, those in the base included. */
  logicalBytes: z.number().nonnegative(),
  manifest: z.object({ bytes: z.number(), etag: z.string(), sha256: z.string() }),
  tables: z.array(tableSchema.extend({ files: z.number().nonnegative(), bytes: z.number().nonnegative() })),
  /** The `RESTORE` statement that works without Safehouse. */
  restore: z.string(),
  seconds: z.number().nonnegative(),
});
export type Verified = z.infer<typeof verifiedSchema>;

export const provenSchema = z.object({ ...evidence, ...provenFields });
export type Proven = z.infer<typeof provenSchema>;

export const failedSchema = z.object({
  ...evidence,
  class: z.enum(FAILURE_CLASSES),
  /** The step of the workflow that failed. */
  step: z.string(),
  /** ClickHouse's or AWS's name for the error, such as `S3_ERROR`. */
  error: z.string(),
  what: z.string(),
  remedy: z.string(),
  /** True when no further attempt follows. */
  final: z.boolean(),
});
export type Failed = z.infer<typeof failedSchema>;

export const expiringSchema = z.object({
  ...evidence,
  reason: z.string(),
  /** Nothing is deleted before this time, ISO 8601; until then `keep` takes it back. */
  removeAfter: z.iso.datetime(),
});
export type Expiring = z.infer<typeof expiringSchema>;

/** Written before the first deletion: from then on there is nothing left to keep. */
export const removingSchema = z.object({ ...evidence, reason: z.string() });
export type Removing = z.infer<typeof removingSchema>;

export const removedSchema = z.object({
  ...evidence,
  reason: z.string(),
  objects: z.number().nonnegative(),
  bytes: z.number().nonnegative(),
});
export type Removed = z.infer<typeof removedSchema>;

export const keptSchema = z.object({ ...evidence, reason: z.string() });
export type Kept = z.infer<typeof keptSchema>;

/** One line of the ledger's listing. */
export interface LedgerListing {
  readonly key: string;
  /** S3's clock, not ours, in milliseconds since 1970. */
  readonly lastModified: number;
}

/** A backup as the listing alone shows it. */
export interface LedgerEntry extends BackupId {
  readonly target: string;
  /** When each state was reached, by S3's clock, in milliseconds since 1970. */
  readonly states: Readonly<Partial<Record<State, number>>>;
}

export interface FoldedLedger {
  /** Oldest first. */
  readonly entries: readonly LedgerEntry[];
  /** Keys under `ledger/` that are none of ours; reported, never acted upon. */
  readonly strangers: readonly string[];
}

/** Reads the state of every backup off a listing of `ledger/` or a part of it. */
export function foldLedger(listing: Iterable<LedgerListing>): FoldedLedger {
  const entries = new Map<string, LedgerEntry & { states: Partial<Record<State, number>> }>();
  const strangers: string[] = [];
  for (const { key, lastModified } of listing) {
    const [target, id, file, ...more] = key.startsWith(LEDGER) ? key.slice(LEDGER.length).split('/') : [];
    const state = stateOfFile(file ?? '');
    const parsed = id === undefined ? undefined : parseBackupId(id);
    if (parsed !== undefined && more.length === 0 && isReport(file)) continue;
    if (target === undefined || parsed === undefined || state === undefined || more.length > 0) {
      strangers.push(key);
      continue;
    }
    const known = entries.get(`${target}/${parsed.id}`) ?? { target, ...parsed, states: {} };
    known.states[state] = Math.max(known.states[state] ?? 0, lastModified);
    entries.set(`${target}/${parsed.id}`, known);
  }
  return { entries: [...entries.values()].sort(byTime), strangers };
}

/** What became of a restore of the backup: no state of the backup itself. */
const isReport = (file = ''): boolean => /^restore@[^/]+\.json$/.test(file);

/** `verified.json`; and `proven@20260402T020000Z.json` for each proof after the first, of which the newest counts. */
function stateOfFile(file: string): State | undefined {
  const [, name, again] = /^([a-z]+)(@\d{8}T\d{6}Z)?\.json$/.exec(file) ?? [];
  const state = STATES.find((known) => known === name);
  return again === undefined || state === 'proven' ? state : undefined;
}

const byTime = (a: LedgerEntry, b: LedgerEntry): number =>
  a.startedAt - b.startedAt || compare(a.id, b.id) || compare(a.target, b.target);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The one word for a backup's state, the latest that matters first. */
export function stateOf(states: LedgerEntry['states']): State {
  for (const state of ['removed', 'removing', 'expiring', 'failed', 'proven', 'verified', 'written'] as const)
    if (states[state] !== undefined) return state;
  return 'started';
}

/** A backup that may be counted on: verified, not failed since, not being removed. */
export const isGood = (states: LedgerEntry['states']): boolean =>
  (states.verified !== undefined || states.proven !== undefined) &&
  states.failed === undefined &&
  states.expiring === undefined &&
  states.removing === undefined &&
  states.removed === undefined;

/** What the page of each state must hold. */
export const EVIDENCE_SCHEMAS = {
  started: startedSchema,
  written: writtenSchema,
  verified: verifiedSchema,
  proven: provenSchema,
  failed: failedSchema,
  expiring: expiringSchema,
  removing: removingSchema,
  removed: removedSchema,
  kept: keptSchema,
} as const;
