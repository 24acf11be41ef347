/** What a restore has left in the bucket: its plan, what stood on the server before it, and what became of it. */
import { createHash } from 'node:crypto';
import { type Bucket, exists, getJson, listObjects } from '../clients/bucket.ts';
import { parseBackupId } from '../core/backup-id.ts';
import { LEDGER, ledgerPrefix, RESTORES, restoreKey, restoreReportKey } from '../core/keys.ts';
import {
  type Before,
  beforeSchema,
  cleanedSchema,
  type Dropped,
  type RestorePlan,
  type RestoreReport,
  restorePlanSchema,
  restoreReportSchema,
  roomSchema,
} from '../core/restore.ts';
import { isRestoreId, restoreTime } from '../core/restore-id.ts';

const PLAN = new RegExp(`^${RESTORES}([^/]+)/([^/]+)/plan\\.json$`);

/**
 * The plan of a restore that was started to a target, by its execution; undefined as long as none is written. The id of a
 * restore ends with a digest of its execution, so that one listing and one object are enough.
 */
export async function findPlan(
  bucket: Bucket,
  to: string,
  execution: string,
): Promise<RestorePlan | undefined> {
  const ending = `-restore-${createHash('sha256').update(execution).digest('hex').slice(0, 6)}`;
  for await (const { key } of listObjects(bucket, `${RESTORES}${to}/`)) {
    const restore = PLAN.exec(key)?.[2];
    if (restore === undefined || !isRestoreId(restore) || !restore.endsWith(ending)) continue;
    const plan = await readPlan(bucket, to, restore);
    if (plan?.execution === execution) return plan;
  }
  return undefined;
}

export const readPlan = (bucket: Bucket, to: string, restore: string): Promise<RestorePlan | undefined> =>
  getJson(bucket, restoreKey(to, restore, 'plan'), restorePlanSchema);

/** Undefined until the preflight has looked at the server. */
export const readBefore = (
  bucket: Bucket,
  { to, restore }: Pick<RestorePlan, 'to' | 'restore'>,
): Promise<Before | undefined> => getJson(bucket, restoreKey(to, restore, 'before'), beforeSchema);

/** Undefined until the restore has come to an end, good or bad. */
export const readReport = (
  bucket: Bucket,
  { target, backup, restore }: Pick<RestorePlan, 'target' | 'backup' | 'restore'>,
): Promise<RestoreReport | undefined> =>
  getJson(bucket, restoreReportKey(target, backup, restore), restoreReportSchema);

/** Whether nothing of it is open any more: a report can say that cleaning up failed. */
export const hasEnded = (bucket: Bucket, { to, restore }: RestorePlan): Promise<boolean> =>
  exists(bucket, restoreKey(to, restore, 'ended'));

/** The report, with what was taken away after it was written. */
export async function readFinalReport(bucket: Bucket, plan: RestorePlan): Promise<RestoreReport | undefined> {
  const report = await readReport(bucket, plan);
  const cleaned = await getJson(bucket, restoreKey(plan.to, plan.restore, 'cleaned'), cleanedSchema);
  return report && cleaned ? { ...report, dropped: cleaned.dropped, left: cleaned.left } : report;
}

/** What `replace` dropped to make room; empty also when it did not come to that. */
export async function readReplaced(
  bucket: Bucket,
  { to, restore, mode }: RestorePlan,
): Promise<readonly Dropped[]> {
  if (mode !== 'replace') return [];
  return (await getJson(bucket, restoreKey(to, restore, 'room'), roomSchema))?.dropped ?? [];
}

const REPORT = new RegExp(`^${LEDGER}([^/]+)/([^/]+)/restore@([^/]+)\\.json$`);

/** A report as the listing alone shows it. */
export interface ReportReference {
  readonly target: string;
  readonly backup: string;
  readonly restore: string;
}

/** Undefined for the key of anything else. */
export function parseReportKey(key: string): ReportReference | undefined {
  const [, target, backup, restore] = REPORT.exec(key) ?? [];
  if (target === undefined || backup === undefined || restore === undefined) return undefined;
  return parseBackupId(backup) !== undefined && isRestoreId(restore)
    ? { target, backup, restore }
    : undefined;
}

/**
 * Whether nothing was to be changed, or the preflight saw to it: then it says nothing of a backup. A drill that was refused says
 * that it is none.
 */
export const wasBegun = ({ outcome, drill, failure }: RestoreReport): boolean =>
  outcome !== 'dry run' && (drill || failure?.error !== 'PreflightRefused');

/** The restores of one backup that have left a report, the oldest first. */
export async function listReports(
  bucket: Bucket,
  target: string,
  backup: string,
): Promise<ReportReference[]> {
  const references: ReportReference[] = [];
  for await (const { key } of listObjects(bucket, `${ledgerPrefix(target)}${backup}/restore@`)) {
    const reference = parseReportKey(key);
    if (reference !== undefined) references.push(reference);
  }
  return references.sort((a, b) => restoreTime(a.restore) - restoreTime(b.restore));
}
