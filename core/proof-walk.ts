/** Which retained backups are read again today, so that each of them is within a set number of days. */
import { isGood, type LedgerEntry } from './ledger.ts';

const DAY = 86_400_000;

export interface ProofCoverage {
  /** Good backups, and how many of them have a proof that is not older than wanted. */
  readonly good: number;
  readonly covered: number;
  /** When the newest proof of a backup that is still good was made; null when there is none. Milliseconds since 1970. */
  readonly newestProofAt: number | null;
  /** The newest good backup that is proven: old ones are proven again every day, and say nothing of the new ones. */
  readonly newestProven: LedgerEntry | null;
}

export function proofCoverage(
  entries: readonly LedgerEntry[],
  againWithinDays: number,
  now: number,
): ProofCoverage {
  const good = entries.filter(({ states, startedAt }) => isGood(states) && startedAt <= now);
  const proven = good.filter(({ states }) => states.proven !== undefined);
  const newestProofAt = proven.reduce<number | null>(
    (newest, { states }) => Math.max(newest ?? 0, states.proven ?? 0),
    null,
  );
  return {
    good: good.length,
    covered: proven.filter(({ states }) => now - (states.proven ?? 0) <= againWithinDays * DAY).length,
    newestProofAt,
    newestProven: proven.at(-1) ?? null,
  };
}

/** For a walk that did not take place, and for proofs that take longer than the last time. */
const SPARE_DAYS = 1;

/**
 * The backups to read on this day, oldest proof first; one that was never proven is older than any. A day's share is taken
 * even before it is due, so that the work is even over the days; what is due today is always taken.
 */
export function walkOf(
  entries: readonly LedgerEntry[],
  againWithinDays: number,
  now: number,
): readonly LedgerEntry[] {
  const good = entries.filter(({ states }) => isGood(states));
  const order = [...good].sort(
    (a, b) => (a.states.proven ?? 0) - (b.states.proven ?? 0) || (a.id < b.id ? -1 : 1),
  );
  const ageOf = ({ states }: LedgerEntry): number => now - (states.proven ?? 0);
  // One that would be too old tomorrow is due today.
  const dueAge = Math.max(0, againWithinDays - 1 - SPARE_DAYS) * DAY;
  const share = Math.ceil(good.length / againWithinDays);
  const due = order.filter((entry) => ageOf(entry) > dueAge);
  // Proven within the last day: reading it again today would only be to fill the share.
  const idle = order.slice(0, share).filter((entry) => ageOf(entry) > DAY);
  return [...new Set([...due, ...idle])];
}
