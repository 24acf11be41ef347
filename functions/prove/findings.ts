import type { ProofFinding } from '../../core/proof.ts';

/** How many findings are named: enough to see what they have in common. All of them are counted. */
export const NAMED = 50;

export const boundFindings = (
  findings: readonly ProofFinding[],
): { findings: ProofFinding[]; found: number } => ({
  findings: findings.slice(0, NAMED),
  found: findings.length,
});
