import type { Prover } from '../../clients/prover.ts';
import type { ProofFinding, ProofResult, SelfTest } from '../../core/proof.ts';

/** How many findings are named: enough to see what they have in common. All of them are counted. */
const NAMED = 50;

/** What a part of a proof found out. */
export interface Found {
  readonly findings: readonly ProofFinding[];
  /** Of all findings, where more were counted than are named. */
  readonly found?: number;
  readonly unjudged: readonly string[];
}

/** What was read for an item of the plan. */
export interface ReadItem extends Found {
  readonly bytes: number;
  readonly parts: number;
  readonly files: number;
  readonly found: number;
}

export interface Work {
  readonly execution: string;
  readonly engine: Prover;
  readonly selfTest: SelfTest;
  /** Milliseconds since 1970. */
  readonly began: number;
}

type Measures = Pick<
  ProofResult,
  | 'version'
  | 'at'
  | 'by'
  | 'engine'
  | 'selfTest'
  | 'seconds'
  | 'memoryMiB'
  | 'findings'
  | 'found'
  | 'unjudged'
>;

/** What the plan and every item say of themselves. */
export const measuresOf = (
  { execution, engine, selfTest, began }: Work,
  { findings, found = findings.length, unjudged }: Found,
): Measures => ({
  version: 1,
  at: new Date().toISOString(),
  by: execution,
  engine: engine.version,
  selfTest,
  seconds: (Date.now() - began) / 1000,
  memoryMiB: Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? 1024),
  findings: findings.slice(0, NAMED),
  found,
  unjudged: unjudged.slice(0, NAMED),
});
