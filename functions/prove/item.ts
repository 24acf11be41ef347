/** Reads the bytes of one item of the plan. */
import { getJson, putOnce } from '../../clients/bucket.ts';
import { requireEvidence } from '../../clients/ledger.ts';
import type { Prover } from '../../clients/prover.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { proofItemKey, proofPlanKey } from '../../core/keys.ts';
import {
  type ProofItem,
  type ProofPlan,
  type ProofResult,
  proofPlanSchema,
  proofResultSchema,
} from '../../core/proof.ts';
import { proveItemInputSchema } from '../../core/workflow.ts';
import { bucket, bucketAddress } from '../environment.ts';
import { logger, step } from '../step.ts';
import { compareContents } from './contents.ts';
import { measuresOf, type ReadItem } from './findings.ts';
import { withProver } from './open-prover.ts';
import { readParts } from './parts.ts';
import { testProver } from './self-test.ts';
import { bucketSource } from './source.ts';

export const handler = step(
  'prove-item',
  proveItemInputSchema,
  async ({ execution, target, backup, proof, index }, { signal }): Promise<{ index: number }> => {
    const key = proofItemKey(target, backup, proof, index);
    if ((await getJson(bucket(), key, proofResultSchema)) !== undefined) return { index };
    const plan = await requirePlan(target, backup, proof);
    const item = plan.items[index];
    if (item === undefined)
      throw new SafehouseError(ERROR_NAMES.input, {
        what: `The proof ${proof} of ${backup} has ${plan.items.length} items and none with the number ${index}.`,
        remedy: 'Start the proof again.',
      });
    const began = Date.now();
    const result = await withProver(async (engine): Promise<ProofResult> => {
      const selfTest = await testProver(engine);
      const read = await readItem(engine, target, backup, plan, item);
      const { bytes, parts, files } = read;
      return { ...measuresOf({ execution, engine, selfTest, began }, read), index, bytes, parts, files };
    });
    signal.throwIfAborted();
    await putOnce(bucket(), key, result);
    const { bytes, parts, found } = result;
    logger.info('read', { index, kind: item.kind, bytes, parts, found });
    return { index };
  },
);

async function requirePlan(target: string, backup: string, proof: string): Promise<ProofPlan> {
  const plan = await getJson(bucket(), proofPlanKey(target, backup, proof), proofPlanSchema);
  if (plan !== undefined) return plan;
  throw new SafehouseError(ERROR_NAMES.incomplete, {
    what: `The plan of the proof ${proof} of ${backup} is not there.`,
    remedy: 'Somebody removes objects under proofs/. Start the proof again.',
  });
}

async function readItem(
  engine: Prover,
  target: string,
  backup: string,
  plan: ProofPlan,
  item: ProofItem,
): Promise<ReadItem> {
  const started = await requireEvidence(bucket(), target, backup, 'started');
  const sourceOf = (id: string) => bucketSource(bucket(), bucketAddress(), target, id);
  const source = sourceOf(backup);
  const base = started.base === null ? undefined : sourceOf(started.base);
  return item.kind === 'check'
    ? readParts(engine, { source, base, checks: item.checks, manifestSha256: plan.manifestSha256 })
    : compareContents(source, base, plan, item);
}
