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
  /** True when it lies in the full backup that this one stands on, which is damaged, too. */
  inBase: z.boolean().optional(),
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

/** One table that the engine is told to read: the whole of it (an empty list), or single parts where it is too large. */
const checkSchema = z.object({
  database: z.string(),
  table: z.string(),
  parts: z.array(z.string()),
  /** How many parts have to come out of it: one that is not read is not judged. */
  expected: z.number(),
  /** Bytes that the engine has to read for it at least. */
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
  /** Of the function that worked on it, for its cost. */
  memoryMiB: z.number(),
  findings: z.array(findingSchema),
  /** Of all findings, named above or not. */
  found: z.number(),
  /** What could not be judged, for a reason that says nothing against the backup. Nobody has vouched for one that has any. */
  unjudged: z.array(z.string()),
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
  | {
      readonly verdict: 'refuted';
      readonly findings: readonly ProofFinding[];
      readonly found: number;
      /** Nothing is damaged; only assertions do not hold. */
      readonly onlyAssertions: boolean;
    }
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
  const parts = [plan, ...results].filter((part) => part !== undefined);
  for (const { selfTest } of parts) {
    const because = blindness(selfTest);
    if (because !== undefined) return { verdict: 'blind', because };
  }
  const named = parts.flatMap(({ findings }) => findings);
  const damage = [...new Map(named.map((finding) => [JSON.stringify(finding), finding])).values()];
  // The plan and an item may meet the same damage; what is not named is taken for something else.
  const found = parts.reduce((sum, part) => sum + Math.max(part.found, part.findings.length), 0);
  const damages = found - named.length + damage.length;
  const broken = plan.assertions.filter(({ passed }) => !passed).map(brokenAssertion);
  if (damages + broken.length > 0)
    return {
      verdict: 'refuted',
      findings: [...damage, ...broken],
      found: damages + broken.length,
      onlyAssertions: damages === 0,
    };
  const because = parts.flatMap(({ unjudged }) => unjudged)[0] ?? whatIsMissing(plan, results);
  return because === undefined ? { verdict: 'proven' } : { verdict: 'incomplete', because };
}

const brokenAssertion = ({ query, answer }: AssertionResult): ProofFinding => ({
  table: null,
  part: null,
  file: null,
  what: `\`${query}\` must hold and returned ${answer}.`,
});

function whatIsMissing(
  { items }: ProofPlan,
  results: readonly (ProofResult | undefined)[],
): string | undefined {
  if (items.length === 0) return 'the plan has nothing to judge';
  const missing = items.flatMap((item, index) => (isWhole(item, index, results[index]) ? [] : [index]));
  return missing.length === 0
    ? undefined
    : `${missing.length} of ${items.length} items were not judged, the first of them number ${missing[0]}`;
}

/** The result is of this item, and of as many parts as the item names. */
function isWhole(item: ProofItem, index: number, result: ProofResult | undefined): boolean {
  const expected = item.kind === 'check' ? item.checks.reduce((sum, check) => sum + check.expected, 0) : 0;
  return result?.index === index && result.parts >= expected;
}

type Counted = Pick<ProvenTable, 'database' | 'name' | 'rows' | 'bytes'>;

/**
 * What has fallen by more than a share against the backup before. Rows that one of the two does not know are not compared:
 * unknown is not nothing. A table that is gone has no rows any more.
 *
 * @param maxDrop how far a count may fall, as a share of it; with 1 nothing is told
 */
export function findAnomalies(
  now: readonly Counted[],
  before: readonly Counted[],
  maxDrop: number,
): string[] {
  const anomalies: string[] = [];
  const compare = (what: string, from: number, to: number): void => {
    if (from > 0 && to < from * (1 - maxDrop))
      anomalies.push(`${what} fell from ${from} to ${to}, by ${Math.round((1 - to / from) * 100)} %`);
  };
  const after = new Map(now.map((table) => [keyOf(table), table]));
  const pairs = before.map((table) => ({ table, from: table.rows, to: rowsIn(after.get(keyOf(table))) }));
  const known = new Set(before.map(keyOf));
  const added = now.filter((table) => !known.has(keyOf(table)));
  const counted = pairs.filter(({ from, to }) => from !== null && to !== null);
  compare('the number of tables', before.length, now.length);
  compare(
    'the bytes of the whole',
    sum(before, ({ bytes }) => bytes),
    sum(now, ({ bytes }) => bytes),
  );
  compare(
    'the rows of the whole',
    sum(counted, ({ from }) => from),
    sum(counted, ({ to }) => to) + sum(added, ({ rows }) => rows),
  );
  for (const { table, from, to } of counted)
    compare(`the rows of ${table.database}.${table.name}`, from ?? 0, to ?? 0);
  return anomalies.slice(0, MOST_ANOMALIES);
}

const MOST_ANOMALIES = 20;

const keyOf = ({ database, name }: Counted): string => JSON.stringify([database, name]);

const rowsIn = (table: Counted | undefined): number | null => (table === undefined ? 0 : table.rows);

const sum = <Item>(items: readonly Item[], of: (item: Item) => number | null): number =>
  items.reduce((total, item) => total + (of(item) ?? 0), 0);
