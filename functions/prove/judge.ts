/** Judges all items of a proof together. Only a whole proof without a finding, by a prover that sees, ends well. */
import { publishAlert } from '../../clients/alerts.ts';
import { getJson } from '../../clients/bucket.ts';
import { mapConcurrently } from '../../clients/concurrently.ts';
import { type NewEvidence, record, recordProvenAgain, requireEvidence } from '../../clients/ledger.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { type Failure, PROOF_REFUTED } from '../../core/failure.ts';
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
import { harmless } from '../../core/redaction.ts';
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
      if (verdict.verdict === 'refuted') await refute(target, backup, execution, error.failure, verdict);
      throw error;
    }
    const evidence = toEvidence(execution, plan, results);
    await recordProven(target, backup, evidence, Date.parse(plan.at));
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

type Refuted = Extract<Verdict, { verdict: 'refuted' }>;

/** What is damaged in the base is damaged for everything that stands on it. */
async function refute(
  target: string,
  backup: string,
  execution: string,
  failure: Failure,
  { findings }: Refuted,
): Promise<void> {
  await condemn(bucket(), target, backup, execution, failure);
  const inBase = findings.filter((finding) => finding.inBase === true);
  const { base } = await requireEvidence(bucket(), target, backup, 'started');
  if (base === null || inBase.length === 0) return;
  const found = unproven(base, {
    verdict: 'refuted',
    findings: inBase,
    found: inBase.length,
    onlyAssertions: false,
  });
  await condemn(bucket(), target, base, execution, {
    ...found.failure,
    what: `${found.failure.what} It was found by the proof of ${backup}.`,
  });
}

/**
 * The name of a proof after the first is the time of its plan, so that a repeat of this step writes the same object.
 */
async function recordProven(
  target: string,
  backup: string,
  evidence: NewEvidence<'proven'>,
  plannedAt: number,
): Promise<void> {
  const { written, evidence: standing } = await record(bucket(), target, backup, 'proven', evidence);
  if (!written && standing.by !== evidence.by)
    await recordProvenAgain(bucket(), target, backup, evidence, plannedAt);
}

/** x86, us-east-1, November 2026: a GB-second of Lambda. The engine is built for x86 and that is where it runs. */
const DOLLARS_A_GIGABYTE_SECOND = 0.0000166667;

function toEvidence(
  execution: string,
  plan: ProofPlan,
  results: readonly (ProofResult | undefined)[],
): NewEvidence<'proven'> {
  const parts = [plan, ...results.filter((result) => result !== undefined)];
  const gigabyteSeconds = parts.reduce((sum, part) => sum + (part.seconds * part.memoryMiB) / 1024, 0);
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
    seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
    dollars: Number((gigabyteSeconds * DOLLARS_A_GIGABYTE_SECOND).toFixed(6)),
  };
}

function unproven(backup: string, verdict: Exclude<Verdict, { verdict: 'proven' }>): SafehouseError {
  switch (verdict.verdict) {
    case 'refuted':
      return refuted(backup, verdict);
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
        what: `The proof of ${backup} is not complete: ${harmless(verdict.because.replace(/\.$/, ''))}. This says nothing against the backup.`,
        remedy:
          'When items are missing, redrive this execution: what was read stays read; if an item ran out of time, lower `prover.gibibytesAnItem`. When the engine does not understand something, the server is newer than the prover: upgrade Safehouse.',
        error: 'ProofIncomplete',
        class: 'fix and stop',
      });
  }
}

function refuted(backup: string, { findings, found, onlyAssertions }: Refuted): SafehouseError {
  const named = findings.slice(0, 3).map(({ what }) => harmless(what, 300));
  const more = found > named.length ? ` And ${found - named.length} more.` : '';
  if (onlyAssertions)
    return new SafehouseError(ERROR_NAMES.verification, {
      what: `The backup ${backup} does not hold what its target says it must: ${named.join(' ')}${more}`,
      remedy:
        'Its bytes are those that ClickHouse has written. Look for the cause on the server; if the assertion is wrong, correct `prove.assertions`. The next backup is a full one.',
      error: 'AssertionFailed',
      // The server would be asked for the same once more.
      class: 'fix and stop',
    });
  return new SafehouseError(ERROR_NAMES.verification, {
    what: `The backup ${backup} is damaged: ${named.join(' ')}${more}`,
    remedy:
      'Do not restore from it. ClickHouse itself reported success. The next backup is a full one; find out what damages objects: storage, people, or the disk of the server.',
    error: PROOF_REFUTED,
  });
}
