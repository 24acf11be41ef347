/**
 * A ledger as a year of nightly backups leaves it: the steps read all of it each night, and an empty one would flatter
 * them.
 */
import type { Bucket } from '../../clients/bucket.ts';
import { mapConcurrently } from '../../clients/concurrently.ts';
import { record } from '../../clients/ledger.ts';
import type { Target } from '../../core/config.ts';
import { simulateRetention } from '../../core/retention-simulation.ts';

const DAY = 86_400_000;
const DAYS = 365;
const AT_ONCE = 32;

interface Past {
  readonly id: string;
  readonly kind: 'full' | 'incremental';
  readonly base: string | null;
  readonly removed: boolean;
}

/** @returns how many backups the ledger knows */
export async function writeYear(
  bucket: Bucket,
  name: string,
  { schedule, retention }: Target,
  now: number,
): Promise<number> {
  const past = pastBackups(schedule, retention, now);
  await mapConcurrently(past, AT_ONCE, (backup) => writeBackup(bucket, name, backup));
  return past.length;
}

function pastBackups(
  { full, incremental, timeZone }: Target['schedule'],
  rules: Target['retention'],
  now: number,
): Past[] {
  const { days } = simulateRetention({
    schedules: [
      { kind: 'full', expression: full },
      ...(incremental === undefined ? [] : [{ kind: 'incremental' as const, expression: incremental }]),
    ],
    rules,
    timeZone,
    start: now - DAYS * DAY,
    days: DAYS - 1,
  });
  const all = new Map(days.flatMap(({ backups }) => backups.map((backup) => [backup.id, backup] as const)));
  const kept = new Set(days.at(-1)?.backups.map(({ id }) => id));
  let base: string | null = null;
  return [...all.values()].map(({ id, kind }): Past => {
    if (kind === 'full') base = id;
    return { id, kind, base: kind === 'full' ? null : base, removed: !kept.has(id) };
  });
}

async function writeBackup(bucket: Bucket, target: string, { id, kind, base, removed }: Past): Promise<void> {
  const by = 'bench';
  await record(bucket, target, id, 'started', {
    by,
    kind,
    base,
    reason: null,
    scheduledTime: null,
    attempt: 1,
    clickhouse: { version: '26.7.2.1', server: 'bench', host: 'bench' },
    databases: [],
    tables: [],
  });
  await record(bucket, target, id, 'written', {
    by,
    seenIn: 'system.backups',
    startTime: null,
    endTime: null,
    files: 0,
    bytes: 0,
    settings: {},
  });
  await record(bucket, target, id, 'verified', {
    by,
    files: 0,
    objects: 0,
    bytes: 0,
    logicalBytes: 0,
    manifest: { bytes: 0, etag: '', sha256: '' },
    tables: [],
    restore: '',
    seconds: 0,
  });
  if (!removed) return;
  const reason = 'no rule keeps it';
  await record(bucket, target, id, 'expiring', { by, reason, removeAfter: new Date(0).toISOString() });
  await record(bucket, target, id, 'removing', { by, reason });
  await record(bucket, target, id, 'removed', { by, reason, objects: 0, bytes: 0 });
}
