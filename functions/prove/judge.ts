/** Judges all items of a proof together. Only a whole proof without a finding, by a prover that sees, ends well. */
import { publishAlert } from '../../clients/alerts.ts';
import { getJson } from '../../clients/bucket.ts';
import { mapConcurrently } from '../../clients/concurrently.ts';
import { type NewEvidence, record, recordProvenAgain } from '../../clients/ledger.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { proofItemKey, proofPlanKey } from '../../core/keys.ts';
import { METRICS } from '../../core/metrics.ts';
import {
  judgeProof,
  type ProofPlan,
  type ProofResult,
  proofPlanSchema,
  proofResultSchema,
  type Verdict,
} from '../../core/proof.ts';
import { composeAnomalyAlert } from '../../core/proof-alert.ts';
import { type JudgedProof, judgeProofInputSchema } from '../../core/workflow.ts';
import { bucket, requireEnvironment } from '../environment.ts';
import { measure } from '../measure.ts';
import { logger, step } from '../step.ts';
import { condemn } from './condemn.ts';

const AT_ONCE = 32;

export const handler = step(
  'judge-proof',
  judgeProofInputSchema,
  async ({ execution, target, backup, proof }): Promise<JudgedProof> => {
    const plan = await getJson(bucket(), proofPlanKey(target, backup, proof), proofPlanSchema);
    if (plan === undefined)
      throw unproven(backup, { verdict: 'incomplete', because: 'its plan is not there' });
    const results = await mapConcurrently(plan.items, AT_ONCE, async (_, index) =>
      getJson(bucket(), proofItemKey(target, backup, proof, index), proofResultSchema),
    );
    const verdict = judgeProof(plan, results);
    logger.info('judged', { backup, verdict: verdict.verdict });
    if (verdict.verdict !== 'proven') {
      const error = unproven(backup, verdict);
      if (verdict.verdict === 'refuted') await condemn(bucket(), target, backup, execution, error.failure);
      throw error;
    }
    const evidence = toEvidence(execution, plan, results);
    await recordProven(target, backup, evidence);
    if (plan.anomalies.length > 0)
      await publishAlert(
        requireEnvironment(ENVIRONMENT.topic),
        composeAnomalyAlert(target, backup, plan.anomalies),
      );
    measure(target, [
      [METRICS.backupsProven, 'Count', 1],
      [METRICS.bytesProven, 'Bytes', evidence.bytesRead],
    ]);
    return {
      verdict: 'proven',
      bytes: evidence.bytesRead,
      tables: plan.tables.length,
      anomalies: plan.anomalies,
    };
  },
);

async function recordProven(target: string, backup: string, evidence: NewEvidence<'proven'>): Promise<void> {
  const { written, evidence: standing } = await record(bucket(), target, backup, 'proven', evidence);
  if (!written && standing.by !== evidence.by) await recordProvenAgain(bucket(), target, backup, evidence);
}

/** x86, us-east-1, November 2026: a GB-second of Lambda. The engine is built for x86 and that is where it runs. */
const DOLLARS_A_GIGABYTE_SECOND = 0.0000166667;

function toEvidence(
  execution: string,
  plan: ProofPlan,
  results: readonly (ProofResult | undefined)[],
): NewEvidence<'proven'> {
  const seconds = results.reduce((sum, result) => sum + (result?.seconds ?? 0), plan.seconds);
  const gigabytes = Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? 1024) / 1024;
  return {
    by: execution,
    level: plan.level,
    engine: plan.engine,
    manifestSha256: plan.manifestSha256,
    tables: plan.tables,
    assertions: plan.assertions,
    anomalies: plan.anomalies,
    selfTest: plan.selfTest,
    items: plan.items.length,
    bytesRead: results.reduce((sum, result) => sum + (result?.bytes ?? 0), 0),
    seconds,
    dollars: Number((seconds * gigabytes * DOLLARS_A_GIGABYTE_SECOND).toFixed(6)),
  };
}

function unproven(backup: string, verdict: Exclude<Verdict, { verdict: 'proven' }>): SafehouseError {
  switch (verdict.verdict) {
    case 'refuted': {
      const named = verdict.findings.slice(0, 3).map(({ what }) => what);
      const more = verdict.found > named.length ? ` And ${verdict.found - named.length} more.` : '';
      return new SafehouseError(ERROR_NAMES.verification, {
        what: `The backup ${backup} is damaged: ${named.join(' ')}${more}`,
        remedy:
          'Do not restore from it. ClickHouse itself reported success. The next backup is a full one; find out what damages objects: storage, people, or the disk of the server.',
        error: 'ProofRefuted',
      });
    }
    case 'blind':
      return new SafehouseError(ERROR_NAMES.refused, {
        what: `The prover of ${backup} cannot tell good from bad: ${verdict.because}. This says nothing of the backup.`,
        remedy:
          'Deploy the stack again; if it stays, the engine of this release does not fit its control backup: a defect.',
        error: 'ProverBlind',
        class: 'fix and stop',
      });
    case 'incomplete':
      return new SafehouseError(ERROR_NAMES.incomplete, {
        what: `The proof of ${backup} is not complete: ${verdict.because}.`,
        remedy:
          'Start it again: what was read stays read. If an item runs out of time, lower `prover.gibibytesAnItem`.',
        error: 'ProofIncomplete',
        class: 'fix and stop',
      });
  }
}
