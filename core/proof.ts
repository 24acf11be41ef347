/**
 * A proof: what it consists of, and the judgement over its parts. The parts are objects under `proofs/`, each written once,
 * so a proof that was interrupted goes on where it was.
 */
import * as z from 'zod';
import { COVERAGES } from './coverage.ts';

export const PROOF_LEVELS = ['counts', 'bytes'] as const;
export type ProofLevel = (typeof PROOF_LEVELS)[number];

/** How the bytes of a table were read. */
export const READINGS = [
  /** By the engine: every file of every part against the part's checksums, and those against the manifest. */
  'checked',
  /** Every file against the manifest's checksum; the engine does not mount such a table (Log, Memory, inner tables). */
  'hashed',
  /** There is no data to read, only the definition. */
  'definition',
] as const;
export type Reading = (typeof READINGS)[number];

const findingSchema = z.object({
  /** What is damaged, as far as it is known: `database.table`, part and file. */
  table: z.string().nullable(),
  part: z.string().nullable(),
  file: z.string().nullable(),
  what: z.string(),
});
export type ProofFinding = z.infer<typeof findingSchema>;

const provenTableSchema = z.object({
  database: z.string(),
  name: z.string(),
  engine: z.string(),
  coverage: z.enum(COVERAGES),
  reading: z.enum(READINGS),
  rows: z.number().nullable(),
  parts: z.number(),
  bytes: z.number(),
  /** Over partition, rows and checksums of every part; the same for the same data wherever it lies. */
  fingerprint: z.string(),
});
export type ProvenTable = z.infer<typeof provenTableSchema>;

/**
 * One thing that the engine is told to read: a whole table (both lists empty), some of its partitions, or single parts where
 * a partition is too large.
 */
const checkSchema = z.object({
  database: z.string(),
  table: z.string(),
  partitions: z.array(z.string()),
  parts: z.array(z.string()),
  /** How many parts have to come out of it: one that is not read is not judged. */
  expected: z.number(),
  bytes: z.number(),
});
export type Check = z.infer<typeof checkSchema>;

export const proofItemSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('check'), checks: z.array(checkSchema), bytes: z.number() }),
  /** A slice of the files that are compared with the manifest: those whose name falls into it. */
  z.object({ kind: z.literal('contents'), slice: z.number(), slices: z.number(), bytes: z.number() }),
]);
export type ProofItem = z.infer<typeof proofItemSchema>;

const assertionResultSchema = z.object({
  query: z.string(),
  database: z.string(),
  passed: z.boolean(),
  /** What the query returned, or why it could not be asked. */
  answer: z.string(),
});
export type AssertionResult = z.infer<typeof assertionResultSchema>;

const selfTestSchema = z.object({
  good: z.boolean(),
  /** Each kind of damage to the control backup, and whether the prover saw it. */
  damages: z.array(z.object({ damage: z.string(), seen: z.boolean() })),
  seconds: z.number(),
});
export type SelfTest = z.infer<typeof selfTestSchema>;

const measureFields = {
  version: z.literal(1),
  at: z.iso.datetime(),
  by: z.string(),
  engine: z.string(),
  selfTest: selfTestSchema,
  seconds: z.number(),
  findings: z.array(findingSchema),
  /** Of all findings, named above or not. */
  found: z.number(),
};

/** `proofs/<target>/<backup>/<proof>/plan.json` */
export const proofPlanSchema = z.object({
  ...measureFields,
  level: z.enum(PROOF_LEVELS),
  manifestSha256: z.string(),
  tables: z.array(provenTableSchema),
  items: z.array(proofItemSchema),
  assertions: z.array(assertionResultSchema),
  anomalies: z.array(z.string()),
});
export type ProofPlan = z.infer<typeof proofPlanSchema>;

/** `proofs/<target>/<backup>/<proof>/item-<n>.json` */
export const proofResultSchema = z.object({
  ...measureFields,
  index: z.number(),
  /** Bytes that were read, and of how many parts and files. */
  bytes: z.number(),
  parts: z.number(),
  files: z.number(),
});
export type ProofResult = z.infer<typeof proofResultSchema>;

/** The evidence of a passed proof, in the ledger. */
export const provenFields = {
  level: z.enum(PROOF_LEVELS),
  engine: z.string(),
  manifestSha256: z.string(),
  tables: z.array(provenTableSchema),
  assertions: z.array(assertionResultSchema),
  anomalies: z.array(z.string()),
  selfTest: selfTestSchema,
  items: z.number().int().positive(),
  bytesRead: z.number(),
  seconds: z.number(),
  /** What the functions of this proof cost, without S3 requests. */
  dollars: z.number(),
};

export type Verdict =
  | { readonly verdict: 'proven' }
  /** The backup is damaged, or does not hold what the target says it must. */
  | { readonly verdict: 'refuted'; readonly findings: readonly ProofFinding[]; readonly found: number }
  /** The prover could not tell good from bad: this says nothing of the backup, and is no proof. */
  | { readonly verdict: 'blind'; readonly because: string }
  /** Not everything was judged. */
  | { readonly verdict: 'incomplete'; readonly because: string };

/** The kinds of damage that a prover must see on the control backup before its word counts. */
export const DAMAGES = [
  'a flipped bit in data',
  'a flipped bit in marks',
  'a flipped bit in the primary index',
  'a flipped bit in checksums.txt',
  'a missing object',
  'a truncated object',
  'a swapped part',
  'an altered definition',
] as const;
export type Damage = (typeof DAMAGES)[number];

/** Why a self-test does not count; undefined when it does. */
export function blindness({ good, damages }: SelfTest): string | undefined {
  if (!good) return 'it found damage in the good control backup';
  const missed = DAMAGES.filter((damage) => !damages.some((seen) => seen.damage === damage && seen.seen));
  return missed.length === 0 ? undefined : `it did not see ${missed.join(', ')} in the control backup`;
}

/**
 * The verdict over a plan and the results of its items. Nothing judged is never a pass: a plan without items, and an item
 * without a result, leave the proof incomplete.
 */
export function judgeProof(plan: ProofPlan, results: readonly (ProofResult | undefined)[]): Verdict {
  const findings = [plan, ...results].flatMap((part) => part?.findings ?? []);
  const found = [plan, ...results].reduce((sum, part) => sum + (part?.found ?? 0), 0);
  for (const part of [plan, ...results]) {
    const because = part === undefined ? undefined : blindness(part.selfTest);
    if (because !== undefined) return { verdict: 'blind', because };
  }
  const failed = plan.assertions.filter(({ passed }) => !passed);
  for (const { query, answer } of failed)
    findings.push({
      table: null,
      part: null,
      file: null,
      what: `\`${query}\` must hold and returned ${answer}.`,
    });
  if (findings.length + found > 0)
    return { verdict: 'refuted', findings, found: Math.max(found + failed.length, findings.length) };
  if (plan.items.length === 0) return { verdict: 'incomplete', because: 'the plan has nothing to judge' };
  const missing = plan.items.flatMap((_, index) => (results[index]?.index === index ? [] : [index]));
  if (missing.length > 0)
    return {
      verdict: 'incomplete',
      because: `${missing.length} of ${plan.items.length} items were not judged, the first of them number ${missing[0]}`,
    };
  return { verdict: 'proven' };
}

/** How far a count may fall against the backup before, as a share of it, until it is told. */
export function findAnomalies(
  now: readonly Pick<ProvenTable, 'database' | 'name' | 'rows' | 'bytes'>[],
  before: readonly Pick<ProvenTable, 'database' | 'name' | 'rows' | 'bytes'>[],
  maxDrop: number,
): string[] {
  const anomalies: string[] = [];
  const compare = (what: string, from: number, to: number): void => {
    if (from > 0 && to < from * (1 - maxDrop))
      anomalies.push(`${what} fell from ${from} to ${to}, by ${Math.round((1 - to / from) * 100)} %`);
  };
  compare('the number of tables', before.length, now.length);
  compare('the bytes of the whole', sum(before, 'bytes'), sum(now, 'bytes'));
  compare('the rows of the whole', sum(before, 'rows'), sum(now, 'rows'));
  const after = new Map(now.map((table) => [`${table.database}.${table.name}`, table]));
  for (const table of before) {
    const name = `${table.database}.${table.name}`;
    const same = after.get(name);
    if (same === undefined) continue;
    compare(`the rows of ${name}`, table.rows ?? 0, same.rows ?? 0);
  }
  return anomalies.slice(0, 20);
}

const sum = (tables: readonly { rows: number | null; bytes: number }[], field: 'rows' | 'bytes'): number =>
  tables.reduce((total, table) => total + (table[field] ?? 0), 0);
