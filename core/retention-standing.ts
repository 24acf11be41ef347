/** What each backup of a ledger is worth to retention, before any rule is asked. */
import type { LedgerEntry } from './ledger.ts';

const HOUR = 3_600_000;

/** A clock may be this far ahead before what it dated counts as dated in the future. */
export const CLOCK_TOLERANCE = 5 * 60_000;

export interface RetentionBackup {
  readonly entry: LedgerEntry;
  /** The id of the full backup that an incremental stands on; null for a full one. */
  readonly base: string | null;
  /** Carried for reports; no rule looks at it. */
  readonly bytes?: number;
  /** Its removal has begun. `.backup` goes first, so it is no backup any more, whatever else the ledger says. */
  readonly removing?: boolean;
}

export type Standing =
  /** Verified, and its base too. */
  | { readonly is: 'good' }
  /** Not verified yet, and until this time (milliseconds since 1970) it may still become good. */
  | { readonly is: 'unfinished'; readonly until: number }
  | { readonly is: 'failed'; readonly since: number }
  /** It began and never ended, and its time is over since then. */
  | { readonly is: 'abandoned'; readonly since: number }
  /** Verified, but on a base that is known to be lost. */
  | { readonly is: 'broken'; readonly why: string }
  /** Verified, but nothing is known of its base, so nothing is concluded. */
  | { readonly is: 'orphaned'; readonly why: string }
  | { readonly is: 'removing' }
  | { readonly is: 'removed' };

export interface StandingClock {
  readonly now: number;
  /** How long a backup may run and be verified before it counts as abandoned. */
  readonly runningHours: number;
}

const GOOD: Standing = { is: 'good' };
const REMOVING: Standing = { is: 'removing' };
const REMOVED: Standing = { is: 'removed' };

export const isFuture = (entry: LedgerEntry, now: number): boolean => entry.startedAt > now + CLOCK_TOLERANCE;

/** A backup, and what it is worth. */
export interface Judged extends RetentionBackup {
  readonly standing: Standing;
}

/** Judges each backup of a ledger, in the order given. Only full ones are looked up again: nothing else is a base. */
export function judge(backups: readonly RetentionBackup[], clock: StandingClock): Judged[] {
  const fulls = new Map<string, Standing>();
  const alone = backups.map((backup) => standsAlone(backup, clock));
  for (const [index, { entry }] of backups.entries())
    if (entry.kind === 'full') fulls.set(entry.id, alone[index] ?? REMOVED);
  return backups.map(({ entry, base, removing = false }, index) => {
    const standing = alone[index] ?? REMOVED;
    const isAlone = entry.kind === 'full' || standing !== GOOD;
    return { entry, base, removing, standing: isAlone ? standing : standsOnBase(base, fulls) };
  });
}

/** What the backup's own states say. */
function standsAlone({ entry, removing }: RetentionBackup, { now, runningHours }: StandingClock): Standing {
  const { states, startedAt } = entry;
  if (states.removed !== undefined) return REMOVED;
  if (removing === true) return REMOVING;
  if (states.failed !== undefined) return { is: 'failed', since: states.failed };
  if (states.verified !== undefined || states.proven !== undefined) return GOOD;
  // S3's clock speaks too: the later sign of life decides, for the sake of what may still be running.
  const lastSign = Math.max(startedAt, states.started ?? startedAt, states.written ?? startedAt);
  const until = lastSign + runningHours * HOUR;
  return now < until ? { is: 'unfinished', until } : { is: 'abandoned', since: until };
}

/** What is left of a verified incremental, given its base. A base that is merely marked is still whole. */
function standsOnBase(base: string | null, fulls: ReadonlyMap<string, Standing>): Standing {
  if (base === null) return { is: 'orphaned', why: 'the ledger names no base' };
  const standing = fulls.get(base);
  if (standing === undefined)
    return { is: 'orphaned', why: `its base ${base} is not among the full backups of the ledger` };
  switch (standing.is) {
    case 'good':
    case 'unfinished':
      return standing;
    case 'failed':
      return { is: 'broken', why: `its base ${base} failed` };
    case 'abandoned':
      return { is: 'broken', why: `its base ${base} was never finished` };
    default:
      return { is: 'broken', why: `its base ${base} was removed` };
  }
}
