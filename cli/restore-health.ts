/** When backups of a target were last brought back well, by a drill or in earnest, and what has gone wrong since. */
import type { Bucket } from '../clients/bucket.ts';
import { mapConcurrently } from '../clients/concurrently.ts';
import { ageText } from '../core/alert.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { RestoreReport } from '../core/restore.ts';
import { restoreTime } from '../core/restore-id.ts';
import { parseReportKey, readReport, wasBegun } from './restore-evidence.ts';
import type { ReportedError } from './verb.ts';

export interface RestoreHealth {
  /** The newest that brought back what the backup holds; null where there never was one. */
  readonly lastGood: RestoreReport | null;
  /** The newest that did not, if it came after that. */
  readonly failedSince: RestoreReport | null;
  /** Reports that are there and cannot be read, of those that were looked at. */
  readonly unreadable: readonly string[];
  /** Whether the target asks for drills. */
  readonly drills: boolean;
}

/** How many reports are read at once: usually the newest decides. */
const AT_ONCE = 8;

/** @param keys the listing of the target's ledger */
export async function restoreHealth(
  bucket: Bucket,
  keys: readonly string[],
  drills: boolean,
): Promise<RestoreHealth> {
  const references = keys
    .flatMap((key) => parseReportKey(key) ?? [])
    .sort((a, b) => restoreTime(b.restore) - restoreTime(a.restore));
  const unreadable: string[] = [];
  let failedSince: RestoreReport | null = null;
  for (let from = 0; from < references.length; from += AT_ONCE) {
    const some = references.slice(from, from + AT_ONCE);
    const reports = await mapConcurrently(some, AT_ONCE, async (reference) => {
      try {
        return await readReport(bucket, reference);
      } catch (error) {
        if (!(error instanceof SafehouseError) || error.name !== ERROR_NAMES.incomplete) throw error;
        unreadable.push(error.failure.what);
        return undefined;
      }
    });
    for (const report of reports) {
      if (report === undefined || !wasBegun(report)) continue;
      if (report.outcome === 'restored') return { lastGood: report, failedSince, unreadable, drills };
      if (report.outcome === 'failed' || report.outcome === 'different') failedSince ??= report;
    }
  }
  return { lastGood: null, failedSince, unreadable, drills };
}

export const restoreProblems = (health: RestoreHealth, now: number): ReportedError[] => [
  ...drillProblems(health, now),
  ...unreadableProblems(health),
];

/** A drill that fails says that the day it matters would fail too. Of a restore somebody at a screen was told already. */
function drillProblems({ failedSince }: RestoreHealth, now: number): ReportedError[] {
  if (failedSince === null || !failedSince.drill) return [];
  const { backup, restore, failure, at } = failedSince;
  return [
    {
      name: 'DrillFailed',
      what: `The drill ${restore} of ${backup} failed ${ageText(now - Date.parse(at))} ago: ${failure?.what ?? 'what it restored is not what the backup holds.'}`,
      remedy: failure?.remedy ?? 'Its report names the tables.',
    },
  ];
}

function unreadableProblems({ unreadable: [first, ...others] }: RestoreHealth): ReportedError[] {
  if (first === undefined) return [];
  return [
    {
      name: 'UnreadableReport',
      what: `${first}${others.length === 0 ? '' : ` And ${others.length} more reports of restores.`}`,
      remedy: 'Nothing was concluded from it. Find out who writes there.',
    },
  ];
}
