/** The report of a restore, out of what its steps have left. */
import { exists, getJson, putOnce } from '../../clients/bucket.ts';
import type { Failure } from '../../core/failure.ts';
import { restoreKey, restoreReportKey } from '../../core/keys.ts';
import {
  beforeSchema,
  cleanedSchema,
  comparisonSchema,
  type RestoreOutcome,
  type RestorePlan,
  type RestoreReport,
  restoreReportSchema,
} from '../../core/restore.ts';
import { swapStatements } from '../../core/restore-swap.ts';
import { bucket, target as readTarget } from '../environment.ts';

/**
 * Written once: a repeat gets what stands.
 *
 * @param by the execution that ended it, which is another one where it was cancelled
 */
export async function writeReport(
  plan: RestorePlan,
  by: string,
  outcome: RestoreOutcome,
  failure: Failure | null,
): Promise<RestoreReport> {
  const key = restoreReportKey(plan.target, plan.backup, plan.restore);
  const report = await makeReport(plan, by, outcome, failure);
  if (await putOnce(bucket(), key, report)) return report;
  return (await getJson(bucket(), key, restoreReportSchema)) ?? report;
}

async function makeReport(
  plan: RestorePlan,
  by: string,
  outcome: RestoreOutcome,
  failure: Failure | null,
): Promise<RestoreReport> {
  const at = (object: 'before' | 'compared' | 'cleaned') => restoreKey(plan.to, plan.restore, object);
  const before = await getJson(bucket(), at('before'), beforeSchema);
  const compared = await getJson(bucket(), at('compared'), comparisonSchema);
  const cleaned = await getJson(bucket(), at('cleaned'), cleanedSchema);
  const { cluster } = await readTarget(plan.to);
  const { restore, target, to, backup, mode, drill, leftOut, covers } = plan;
  return {
    version: 1,
    at: new Date().toISOString(),
    by,
    restore,
    target,
    to,
    backup,
    mode,
    drill,
    outcome,
    seconds: (Date.now() - Date.parse(plan.at)) / 1000,
    restoreSeconds: compared?.restoreSeconds ?? null,
    bytes: before?.bytes ?? 0,
    statement: before?.statement ?? '',
    tables: compared?.tables ?? [],
    replicas: compared?.replicas ?? [],
    assertions: compared?.assertions ?? [],
    leftOut,
    isWhole: await exists(bucket(), restoreKey(to, restore, 'restored')),
    dropped: cleaned?.dropped ?? [],
    left: cleaned?.left ?? [],
    findings: before?.findings ?? [],
    covers,
    ...swapStatements(plan, outcome === 'restored' ? (before?.live ?? []) : [], cluster),
    failure,
  };
}
