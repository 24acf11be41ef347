/** Reads the bytes of one item of the plan. */
import { getJson, putOnce } from '../../clients/bucket.ts';
import { requireEvidence } from '../../clients/ledger.ts';
import type { Prover } from '../../clients/prover.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { proofItemKey, proofPlanKey } from '../../core/keys.ts';
import {
  type ProofFinding,
  type ProofItem,
  type ProofPlan,
  type ProofResult,
  proofPlanSchema,
  proofResultSchema,
} from '../../core/proof.ts';
import { proveItemInputSchema } from '../../core/workflow.ts';
import { bucket, bucketAddress } from '../environment.ts';
import { logger, step } from '../step.ts';
import { runCheck } from './checks.ts';
import { compareContents, compareParts } from './contents.ts';
import { NAMED } from './findings.ts';
import { mountDatabases } from './mount.ts';
import { prover } from './open-prover.ts';
import { testProver } from './self-test.ts';
import { bucketSource, type ProofSource } from './source.ts';

export interface ReadItem {
  readonly bytes: number;
  readonly parts: number;
  readonly files: number;
  readonly findings: readonly ProofFinding[];
  /** Of all findings, named above or not. */
  readonly found: number;
}

export const handler = step('prove-item', proveItemInputSchema, async (input): Promise<{ index: number }> => {
  const { execution, target, backup, proof, index } = input;
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
  const engine = await prover();
  const selfTest = await testProver(engine);
  const read = await readItem(engine, target, backup, plan, item);
  const result: ProofResult = {
    version: 1,
    at: new Date().toISOString(),
    by: execution,
    engine: engine.version,
    selfTest,
    index,
    ...read,
    findings: read.findings.slice(0, NAMED),
    seconds: (Date.now() - began) / 1000,
  };
  await putOnce(bucket(), key, result);
  logger.info('read', {
    index,
    kind: item.kind,
    bytes: result.bytes,
    parts: result.parts,
    found: result.found,
  });
  return { index };
});

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
  const { base } = await requireEvidence(bucket(), target, backup, 'started');
  const source = bucketSource(bucket(), bucketAddress(), target, backup);
  const standsOn = base === null ? undefined : bucketSource(bucket(), bucketAddress(), target, base);
  return item.kind === 'check'
    ? readParts(engine, source, standsOn, item)
    : compareContents(source, standsOn, plan, item);
}

async function readParts(
  engine: Prover,
  source: ProofSource,
  base: ProofSource | undefined,
  { checks }: Extract<ProofItem, { kind: 'check' }>,
): Promise<ReadItem> {
  const databases = [...new Set(checks.map(({ database }) => database))];
  const findings: ProofFinding[] = await mountDatabases(engine, source, databases);
  let [parts, bytes] = [0, 0];
  for (const check of checks) {
    const checked = await runCheck(engine, check);
    parts += checked.parts;
    bytes += checked.bytes;
    findings.push(...checked.findings);
  }
  findings.push(...(await compareParts(source, base, findings)));
  return { bytes, parts, files: 0, findings, found: findings.length };
}
