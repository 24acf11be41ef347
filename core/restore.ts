/** A restore: what it consists of, what is written down about it, and the words for how it ended. */
import * as z from 'zod';
import { KINDS } from './backup-id.ts';
import { COVERAGES } from './coverage.ts';
import { FAILURE_CLASSES } from './failure.ts';
import { RESTORE_MODES } from './restore-input.ts';

const tableName = z.object({ database: z.string(), table: z.string() });

/** What of a table's definition matters to the server that it is restored to. */
export const definitionSchema = z.object({
  storagePolicy: z.string().nullable(),
  /** The one disk that it keeps its parts on, instead of a policy. */
  disk: z.string().nullable().default(null),
  /** Volumes and disks that its TTL moves parts to. */
  volumes: z.array(z.string()),
  disks: z.array(z.string()),
  /** A materialized view that begins to refresh by itself as soon as it exists. */
  refreshable: z.boolean(),
  /** The path in Keeper and the replica's name, of a Replicated table that names them. */
  replica: z.object({ path: z.string(), name: z.string() }).nullable(),
});
export type Definition = z.infer<typeof definitionSchema>;

const plannedTableSchema = z.object({
  database: z.string(),
  name: z.string(),
  engine: z.string(),
  coverage: z.enum(COVERAGES),
  to: tableName,
  /** Of the whole table, as it was proven; null where nobody has counted them. */
  rows: z.number().nullable(),
  parts: z.number().nullable(),
  bytes: z.number(),
  fingerprint: z.string().nullable(),
  /** Ids of partitions, where not all of it is restored. */
  partitions: z.array(z.string()),
  definition: definitionSchema.nullable(),
});
export type PlannedTable = z.infer<typeof plannedTableSchema>;

const elementSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('database'),
    database: z.string(),
    as: z.string().optional(),
    except: z.array(z.string()).optional(),
  }),
  z.object({
    kind: z.literal('table'),
    database: z.string(),
    table: z.string(),
    as: tableName.optional(),
    partitions: z.array(z.string()).optional(),
  }),
]);

/** `restores/<to>/<restore>/plan.json`: everything that is known from the bucket, decided once. */
export const restorePlanSchema = z.object({
  version: z.literal(1),
  at: z.iso.datetime(),
  execution: z.string(),
  restore: z.string(),
  target: z.string(),
  to: z.string(),
  backup: z.string(),
  kind: z.enum(KINDS),
  base: z.string().nullable(),
  /** True when the bytes of the backup were read back and found good. */
  proven: z.boolean(),
  /** The version of ClickHouse that wrote it. */
  writtenBy: z.string(),
  manifestEtag: z.string(),
  mode: z.enum(RESTORE_MODES),
  drill: z.boolean(),
  structureOnly: z.boolean(),
  quiet: z.boolean(),
  storagePolicy: z.string().nullable(),
  confirm: z.array(z.string()),
  accept: z.array(z.string()),
  check: z.boolean(),
  dryRun: z.boolean(),
  databases: z.array(z.object({ from: z.string(), to: z.string(), whole: z.boolean() })),
  tables: z.array(plannedTableSchema),
  /** What is in the backup and is not restored, and why. */
  leftOut: z.array(tableName.extend({ why: z.string() })),
  elements: z.array(elementSchema),
  /** When the backup began and ended to be written: the time that it shows lies between. */
  covers: z.object({ from: z.iso.datetime(), to: z.iso.datetime() }),
});
export type RestorePlan = z.infer<typeof restorePlanSchema>;

export const PREFLIGHT_CHECKS = [
  'backup',
  'chain',
  'version',
  'engines',
  'storage-policy',
  'disk',
  'destination',
  'confirmation',
  'grants',
  'replicas',
  'consumers',
  'another-restore',
  'proof',
] as const;
export type PreflightCheck = (typeof PREFLIGHT_CHECKS)[number];

/** Findings of these may be taken on oneself with `accept`; the others would mix or destroy data. */
export const ACCEPTABLE: readonly PreflightCheck[] = [
  'version',
  'disk',
  'grants',
  'replicas',
  'proof',
  'consumers',
];

export const findingSchema = z.object({
  check: z.enum(PREFLIGHT_CHECKS),
  /** `blocks`: nothing is begun; `accepted`: it would block, and was taken on; `notice`: worth knowing. */
  weight: z.enum(['blocks', 'accepted', 'notice']),
  what: z.string(),
  remedy: z.string(),
});
export type PreflightFinding = z.infer<typeof findingSchema>;

const standingTable = tableName.extend({ uuid: z.string(), engine: z.string(), rows: z.number().nullable() });
export type StandingTable = z.infer<typeof standingTable>;

/** `restores/<to>/<restore>/before.json`: what stood on the server before anything was done. */
export const beforeSchema = z.object({
  version: z.literal(1),
  at: z.iso.datetime(),
  server: z.object({ version: z.string(), server: z.string(), host: z.string() }),
  databases: z.array(z.string()),
  tables: z.array(standingTable),
  /** Tables under the names that the backup knows, where the restore goes beside them on the same server. */
  live: z.array(tableName),
  findings: z.array(findingSchema),
  /** The statement, as a person may read it. */
  statement: z.string(),
  bytes: z.number(),
  /** From earlier restores and backups of the target; null while there is none. */
  estimatedSeconds: z.number().nullable(),
});
export type Before = z.infer<typeof beforeSchema>;

export const COMPARISONS = [
  /** The same parts with the same checksums. */
  'identical',
  /** The same rows; parts were merged since, or the engine has no parts to compare. */
  'same rows',
  /** The definition is there; there was no data to restore. */
  'definition',
  /** Nobody has counted the backup's rows, so there is nothing to hold it against. */
  'not counted',
  /** The table is not there. */
  'missing',
  /** Other rows, or other parts without a merge that explains them. */
  'different',
  /** CHECK TABLE names damage. */
  'damaged',
] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** With these a restore is not what the backup holds. */
export const BAD_COMPARISONS: readonly Comparison[] = ['missing', 'different', 'damaged'];

const comparedTableSchema = z.object({
  database: z.string(),
  table: z.string(),
  /** In the backup; null where it is not known. */
  expectedRows: z.number().nullable(),
  rows: z.number().nullable(),
  parts: z.number().nullable(),
  bytes: z.number().nullable(),
  comparison: z.enum(COMPARISONS),
  /** Whether every byte was read with CHECK TABLE. */
  checked: z.boolean(),
  what: z.string(),
});
export type ComparedTable = z.infer<typeof comparedTableSchema>;

const droppedSchema = z.object({
  kind: z.enum(['database', 'table']),
  database: z.string(),
  table: z.string().nullable(),
});
export type Dropped = z.infer<typeof droppedSchema>;

export const RESTORE_OUTCOMES = ['restored', 'different', 'failed', 'cancelled', 'dry run'] as const;
export type RestoreOutcome = (typeof RESTORE_OUTCOMES)[number];

/** `ledger/<target>/<backup>/restore@<restore>.json`: what became of it. */
export const restoreReportSchema = z.object({
  version: z.literal(1),
  at: z.iso.datetime(),
  by: z.string(),
  restore: z.string(),
  target: z.string(),
  to: z.string(),
  backup: z.string(),
  mode: z.enum(RESTORE_MODES),
  drill: z.boolean(),
  outcome: z.enum(RESTORE_OUTCOMES),
  seconds: z.number(),
  /** Of the RESTORE statement alone. */
  restoreSeconds: z.number().nullable(),
  bytes: z.number(),
  statement: z.string(),
  tables: z.array(comparedTableSchema),
  replicas: z.array(z.object({ table: z.string(), what: z.string(), healthy: z.boolean() })),
  assertions: z.array(
    z.object({ query: z.string(), database: z.string(), passed: z.boolean(), answer: z.string() }),
  ),
  leftOut: z.array(tableName.extend({ why: z.string() })),
  /** Whether ClickHouse brought it to its end: then nothing of it was dropped, whatever followed, but for a drill. */
  isWhole: z.boolean(),
  /** What this restore had created and was dropped again. */
  dropped: z.array(droppedSchema),
  /** What it had filled and could not be told from other people's rows, with the statement that empties it. */
  left: z.array(z.object({ what: z.string(), statement: z.string() })),
  findings: z.array(findingSchema),
  covers: z.object({ from: z.iso.datetime(), to: z.iso.datetime() }),
  /** Statements that put the restored databases in the place of the live ones, and back; printed, never run. */
  swap: z.array(z.string()),
  swapBack: z.array(z.string()),
  failure: z
    .object({ class: z.enum(FAILURE_CLASSES), error: z.string(), what: z.string(), remedy: z.string() })
    .nullable(),
});
export type RestoreReport = z.infer<typeof restoreReportSchema>;

/** `restores/<to>/<restore>/room.json`: what was dropped to make room, and what was made. */
export const roomSchema = z.object({
  version: z.literal(1),
  at: z.iso.datetime(),
  dropped: z.array(droppedSchema),
  created: z.array(z.string()),
});

/** `restores/<to>/<restore>/submitted.json`, written before the statement is sent: from then on tables may be filled. */
export const submittedSchema = z.object({
  version: z.literal(1),
  at: z.iso.datetime(),
  /** Written by whoever ends the restore before the statement was sent: now it never will be. */
  never: z.boolean().optional(),
});

/** `restores/<to>/<restore>/check-<n>.json` */
export const checkedTableSchema = tableName.extend({
  passed: z.boolean(),
  what: z.string(),
});
export type CheckedTable = z.infer<typeof checkedTableSchema>;

/** `restores/<to>/<restore>/compared.json` */
export const comparisonSchema = z.object({
  version: z.literal(1),
  at: z.iso.datetime(),
  tables: z.array(comparedTableSchema),
  replicas: restoreReportSchema.shape.replicas,
  assertions: restoreReportSchema.shape.assertions,
  restoreSeconds: z.number().nullable(),
});
export type RestoreComparison = z.infer<typeof comparisonSchema>;

/** `restores/<to>/<restore>/cleaned.json` */
export const cleanedSchema = z.object({
  version: z.literal(1),
  at: z.iso.datetime(),
  dropped: z.array(droppedSchema),
  left: restoreReportSchema.shape.left,
});
export type Cleaned = z.infer<typeof cleanedSchema>;

/** `restores/<to>/<restore>/ended.json`: nothing of it is open any more. */
export const endedSchema = z.object({
  version: z.literal(1),
  at: z.iso.datetime(),
  outcome: z.enum(RESTORE_OUTCOMES),
});
