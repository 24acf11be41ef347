/** How long it takes to decide about very many backups, and whether that grows in step with their number. */
import { type Kind, makeBackupId } from '../core/backup-id.ts';
import { DAY } from '../core/calendar.ts';
import type { LedgerEntry } from '../core/ledger.ts';
import {
  planRetention,
  type RetentionBackup,
  type RetentionInput,
  retentionSchema,
} from '../core/retention.ts';

const HOUR = 3_600_000;
const FIRST = Date.UTC(1990, 0, 1);
const ROUNDS = 5;

export interface RetentionPlanFigures {
  /** Seconds to plan 100,000 backups: the fastest of five rounds, the one that other work disturbed least. */
  readonly seconds100k: number;
  readonly seconds1m: number;
  /** Ten when the time grows in step with the number. */
  readonly ratio: number;
}

export function measureRetentionPlan(): RetentionPlanFigures {
  const seconds100k = secondsToPlan(100_000);
  const seconds1m = secondsToPlan(1_000_000);
  return { seconds100k, seconds1m, ratio: seconds1m / seconds100k };
}

function secondsToPlan(backups: number): number {
  const input = hourlyHistory(backups);
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = performance.now();
    const { decisions } = planRetention(input);
    const seconds = (performance.now() - before) / 1000;
    if (decisions.length !== backups) throw new Error(`${decisions.length} decisions for ${backups} backups`);
    return seconds;
  });
  return Math.min(...rounds);
}

/** An hourly backup in a zone with summer time, a full one each night, one in a hundred failed, one in ten marked. */
function hourlyHistory(length: number): RetentionInput {
  const backups: RetentionBackup[] = [];
  const expiring = new Map<string, { readonly removeAfter: number }>();
  const now = FIRST + length * HOUR;
  let full: string | null = null;
  for (let index = 0; index < length; index += 1) {
    const startedAt = FIRST + index * HOUR;
    const kind: Kind = index % 24 === 0 ? 'full' : 'incremental';
    const id = makeBackupId(startedAt, kind, (index % 46_656).toString(36).padStart(4, '0'));
    const isMarked = index % 10 === 3 && index < length / 2;
    const states: LedgerEntry['states'] = {
      started: startedAt,
      ...(index % 100 === 7 ? { failed: startedAt } : { written: startedAt, verified: startedAt }),
      ...(isMarked ? { expiring: now - 4 * DAY } : {}),
    };
    if (isMarked) expiring.set(id, { removeAfter: now - DAY });
    backups.push({
      entry: { id, startedAt, kind, target: 'bench', states },
      base: kind === 'full' ? null : full,
    });
    if (kind === 'full') full = id;
  }
  const rules = retentionSchema.parse({
    last: 100,
    withinDays: 30,
    daily: 10_000,
    weekly: 2000,
    monthly: 500,
    yearly: 100,
  });
  return { backups, rules, pins: [], now, timeZone: 'Europe/Berlin', complete: true, expiring };
}
