/** What is known of the proofs of a backup: the evidence of those that passed, and the parts of those that did not. */
import { type Bucket, getJson } from '../clients/bucket.ts';
import { mapConcurrently } from '../clients/concurrently.ts';
import { proofItemKey, proofPlanKey } from '../core/keys.ts';
import {
  judgeProof,
  type ProofPlan,
  type ProofResult,
  proofPlanSchema,
  proofResultSchema,
  type Verdict,
} from '../core/proof.ts';

export { readProofs } from '../clients/proofs.ts';

/** The end of an execution's id, which is the name of its proof. */
export const proofOf = (execution: string): string => execution.slice(execution.lastIndexOf(':') + 1);

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
