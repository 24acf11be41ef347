/** What is known of the proofs of a backup: the evidence of those that passed, and the parts of those that did not. */
import { type Bucket, getJson, listObjects } from '../clients/bucket.ts';
import { mapConcurrently } from '../clients/concurrently.ts';
import { ledgerKey, proofItemKey, proofPlanKey } from '../core/keys.ts';
import { foldLedger, type LedgerEntry, type Proven, provenSchema } from '../core/ledger.ts';
import {
  judgeProof,
  type ProofPlan,
  type ProofResult,
  proofPlanSchema,
  proofResultSchema,
  type Verdict,
} from '../core/proof.ts';

/** The end of an execution's id, which is the name of its proof. */
export const proofOf = (execution: string): string => execution.slice(execution.lastIndexOf(':') + 1);

/** The evidence of every proof that a backup has passed, the oldest first. */
export async function readProofs(bucket: Bucket, { target, id }: LedgerEntry): Promise<Proven[]> {
  const first = ledgerKey(target, id, 'proven');
  const keys: string[] = [];
  // `proven.json` is the first, `proven@<time>.json` those after it.
  for await (const { key } of listObjects(bucket, first.slice(0, -'.json'.length)))
    if (foldLedger([{ key, lastModified: 0 }]).entries.length > 0) keys.push(key);
  const proofs = await mapConcurrently(keys, AT_ONCE, (key) => getJson(bucket, key, provenSchema));
  return proofs.filter((proof) => proof !== undefined).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

export interface ReadProof {
  readonly plan: ProofPlan;
  /** Undefined where an item was not read. */
  readonly results: readonly (ProofResult | undefined)[];
  readonly verdict: Verdict;
}

/** A proof by its parts; undefined when it was not even planned. */
export async function readProof(
  bucket: Bucket,
  target: string,
  id: string,
  proof: string,
): Promise<ReadProof | undefined> {
  const plan = await getJson(bucket, proofPlanKey(target, id, proof), proofPlanSchema);
  if (plan === undefined) return undefined;
  const results = await mapConcurrently(plan.items, AT_ONCE, (_, index) =>
    getJson(bucket, proofItemKey(target, id, proof, index), proofResultSchema),
  );
  return { plan, results, verdict: judgeProof(plan, results) };
}

const AT_ONCE = 32;
