/**
 * Publishes how old the newest good backup of each target is, how many scheduled times were skipped since one began, and
 * which uploads nobody will complete. Whatever cannot be read is not published at all: the alarms treat missing data as breaching, so silence is never taken for
 * health.
 */
import * as z from 'zod';
import type { Bucket } from '../../clients/bucket.ts';
import { readLedger } from '../../clients/ledger.ts';
import { surveyUploads } from '../../clients/uploads.ts';
import type { Target } from '../../core/config.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { isGood, type LedgerEntry } from '../../core/ledger.ts';
import { METRICS } from '../../core/metrics.ts';
import { proofCoverage } from '../../core/proof-walk.ts';
import type { UnfinishedUploads } from '../../core/uploads.ts';
import { bucket, target as readTarget, requireEnvironment } from '../environment.ts';
import { type Measurement, measure } from '../measure.ts';
import { logger, step } from '../step.ts';
import { countSkipped } from './skipped.ts';

export interface Watched {
  readonly published: readonly string[];
  readonly unreadable: readonly string[];
}

export const handler = step('publish-ages', z.unknown(), async (): Promise<Watched> => {
  const names = requireEnvironment(ENVIRONMENT.targets).split(',');
  const unreadable: string[] = [];
  for (const name of names) {
    try {
      await publish(bucket(), name, await readTarget(name), Date.now());
    } catch (error) {
      unreadable.push(name);
      logger.error('not published', {
        name,
        because: error instanceof Error ? error.message : String(error),
      });
    }
  }
  return { published: names.filter((name) => !unreadable.includes(name)), unreadable };
});

/** The ages first: claims or uploads that cannot be listed do not silence what the ledger says. */
async function publish(s3: Bucket, name: string, target: Target, now: number): Promise<void> {
  const { entries } = await readLedger(s3, name);
  measure(name, agesOf(entries, target, now));
  measure(name, [[METRICS.skippedInARow, 'Count', await countSkipped(s3, name, entries, now)]]);
  measure(name, uploadsOf(await surveyUploads(s3, name, entries), now));
}

const uploadsOf = (unfinished: UnfinishedUploads | null, now: number): Measurement[] => [
  [METRICS.unfinishedUploads, 'Count', unfinished?.count ?? 0],
  [METRICS.unfinishedUploadBytes, 'Bytes', unfinished?.bytes ?? 0],
  ...(unfinished === null
    ? []
    : [[METRICS.unfinishedUploadAge, 'Seconds', (now - unfinished.oldest) / 1000] as const]),
];

function agesOf(entries: readonly LedgerEntry[], target: Target, now: number): Measurement[] {
  const good = entries.filter(({ states, startedAt }) => isGood(states) && startedAt <= now);
  const measurements: Measurement[] = [
    [METRICS.goodBackups, 'Count', good.length],
    [METRICS.unverifiedBackups, 'Count', entries.filter((entry) => isUnverified(entry, now)).length],
  ];
  const newest = good.at(-1);
  if (newest !== undefined)
    measurements.push([METRICS.goodBackupAge, 'Seconds', (now - Math.max(...good.map(beganAt))) / 1000]);
  const { covered, newestProven } = proofCoverage(entries, target.prove.againWithinDays, now);
  if (newestProven !== null)
    measurements.push([METRICS.proofAge, 'Seconds', (now - beganAt(newestProven)) / 1000]);
  if (good.length > 0) measurements.push([METRICS.proofCoverage, 'Percent', (100 * covered) / good.length]);
  return measurements;
}

/** The id is by the clock of the function that made it; a page of the ledger by S3's. No backup began after it was verified. */
const beganAt = ({ startedAt, states }: LedgerEntry): number =>
  Math.min(startedAt, states.started ?? startedAt, states.verified ?? startedAt);

const HOUR = 3_600_000;

/** ClickHouse finished it, and an hour later nobody has said whether it is good. */
const isUnverified = ({ states }: LedgerEntry, now: number): boolean =>
  states.written !== undefined &&
  states.verified === undefined &&
  states.failed === undefined &&
  states.removed === undefined &&
  now - states.written > HOUR;
