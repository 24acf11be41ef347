/** Which good backups the retention rules want, and why. */
import { BUCKETS, type Bucket, bucketName, bucketNumber, type Calendar, DAY } from './calendar.ts';
import type { LedgerEntry } from './ledger.ts';
import type { RetentionRules, Rule } from './retention-rules.ts';

/** One rule's word for one backup. */
export interface Claim {
  readonly rule: Rule;
  readonly reason: string;
}

const NONE: readonly Claim[] = [];

/** Every claim on each backup, by its id, the strongest first. */
export class Claims {
  readonly #claims = new Map<string, Claim[]>();

  add(id: string, rule: Rule, reason: string): void {
    const known = this.#claims.get(id);
    if (known === undefined) this.#claims.set(id, [{ rule, reason }]);
    else known.push({ rule, reason });
  }

  of(id: string): readonly Claim[] {
    return this.#claims.get(id) ?? NONE;
  }
}

/**
 * Lets every rule claim what it wants. Windows and counts start at the newest good backup and not at the clock: when
 * backups stop, nothing expires.
 *
 * @param good the good backups, newest first, without those dated in the future
 */
export function claimSlots(
  good: readonly LedgerEntry[],
  rules: RetentionRules,
  calendar: Calendar,
  claims: Claims,
): void {
  claimLast(good, rules.last ?? 0, claims);
  claimWithin(good, rules.withinDays ?? 0, claims);
  for (const bucket of BUCKETS) claimBuckets(good, bucket, rules[bucket] ?? 0, calendar, claims);
  for (const { id } of good.slice(0, rules.minimum))
    claims.add(id, 'minimum', `one of the last ${rules.minimum} good backups (minimum)`);
  const newestFull = good.find(({ kind }) => kind === 'full');
  if (newestFull !== undefined) claims.add(newestFull.id, 'last full', 'the newest good full backup');
}

function claimLast(good: readonly LedgerEntry[], last: number, claims: Claims): void {
  for (const [index, { id }] of good.slice(0, last).entries())
    claims.add(id, 'last', `one of the newest (last ${index + 1} of ${last})`);
}

function claimWithin(good: readonly LedgerEntry[], withinDays: number, claims: Claims): void {
  const [newest] = good;
  if (newest === undefined || withinDays === 0) return;
  const reason = `within ${withinDays} ${withinDays === 1 ? 'day' : 'days'} of the newest good backup, ${newest.id}`;
  for (const { id, startedAt } of good) {
    if (startedAt < newest.startedAt - withinDays * DAY) return;
    claims.add(id, 'within', reason);
  }
}

/** The newest good backup of each of the last `count` buckets that hold one: an empty bucket uses nothing up. */
function claimBuckets(
  good: readonly LedgerEntry[],
  bucket: Bucket,
  count: number,
  calendar: Calendar,
  claims: Claims,
): void {
  // A set, not the last one seen: a clock set back over midnight returns to the day before.
  const seen = new Set<number>();
  for (const { id, startedAt } of good) {
    if (seen.size === count) return;
    const wallClock = calendar.wallClock(startedAt);
    const number = bucketNumber(bucket, wallClock);
    if (seen.has(number)) continue;
    seen.add(number);
    claims.add(id, bucket, `newest of ${bucketName(bucket, wallClock)} (${bucket} ${seen.size} of ${count})`);
  }
}
