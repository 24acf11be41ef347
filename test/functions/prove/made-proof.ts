/** Plans and results as `plan` and `item` leave them, for tests of what follows. */
import { type Bucket, putOnce } from '../../../clients/bucket.ts';
import { proofItemKey, proofPlanKey } from '../../../core/keys.ts';
import {
  DAMAGES,
  type ProofFinding,
  type ProofPlan,
  type ProofResult,
  type SelfTest,
} from '../../../core/proof.ts';

export const PROVER_EXECUTION = 'arn:aws:states:eu-central-1:123456789012:execution:Prove:one';
export const PROOF = 'one';

const SEEING: SelfTest = {
  good: true,
  damages: DAMAGES.map((damage) => ({ damage, seen: true })),
  seconds: 0.5,
};

export const DAMAGE: ProofFinding = {
  table: 'shop.orders',
  part: '202604_1_1_0',
  file: 'data.bin',
  what: 'The part 202604_1_1_0 of shop.orders is damaged in data.bin: Checksum mismatch.',
};

const COMMON = {
  version: 1,
  at: '2026-04-02T02:10:00.000Z',
  by: PROVER_EXECUTION,
  engine: '26.7.2.1',
  selfTest: SEEING,
  seconds: 10,
  memoryMiB: 3072,
  findings: [],
  found: 0,
  unjudged: [],
};

export const planOf = (overrides: Partial<ProofPlan> = {}): ProofPlan => ({
  ...COMMON,
  version: 1,
  level: 'bytes',
  manifestSha256: 'a',
  tables: [
    {
      database: 'shop',
      name: 'orders',
      engine: 'MergeTree',
      coverage: 'data',
      reading: 'checked',
      rows: 10,
      parts: 1,
      bytes: 100,
      fingerprint: 'f',
    },
  ],
  items: [{ kind: 'contents', slice: 0, slices: 1, bytes: 100 }],
  assertions: [],
  anomalies: [],
  ...overrides,
});

export const resultOf = (overrides: Partial<ProofResult> = {}): ProofResult => ({
  ...COMMON,
  version: 1,
  index: 0,
  bytes: 100,
  parts: 0,
  files: 7,
  ...overrides,
});

/** Puts a proof of one item where it is looked for. */
export async function putProof(
  bucket: Bucket,
  target: string,
  backup: string,
  {
    proof = PROOF,
    plan = {},
    result = {},
  }: { proof?: string; plan?: Partial<ProofPlan>; result?: Partial<ProofResult> | null } = {},
): Promise<void> {
  await putOnce(bucket, proofPlanKey(target, backup, proof), planOf(plan));
  if (result !== null) await putOnce(bucket, proofItemKey(target, backup, proof, 0), resultOf(result));
}

export const BLIND: SelfTest = { ...SEEING, good: false };
