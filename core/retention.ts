/**
 * Retention: from the ledger, the rules, the pins and the time to one decision for every backup, with its reasons.
 *
 * Whether a backup is wanted never depends on its being marked: the plan is made as if no mark existed, and the mark
 * then decides between keep and restore, expire and remove. So planning twice changes nothing, and a mark set by a rule
 * that has since been widened is taken back.
 */
import * as z from 'zod';
import { calendarOf, DAY } from './calendar.ts';
import { type RetentionRules, type Rule, retentionSchema } from './retention-rules.ts';
import { Claims, claimSlots } from './retention-slots.ts';
import { isFuture, type Judged, judge, type RetentionBackup, type Standing } from './retention-standing.ts';

export { type RetentionRules, RULES, type Rule, retentionSchema } from './retention-rules.ts';
export type { RetentionBackup } from './retention-standing.ts';

const HOUR = 3_600_000;
/** A backup whose target sets no `maxHours` may run for a week, and has an hour to be verified. */
export const DEFAULT_RUNNING_HOURS = 7 * 24 + 1;

export interface RetentionPin {
  /** The backup that must stay; its base stays with it. */
  readonly id: string;
  readonly holder: string;
  /** Milliseconds since 1970. */
  readonly lapsesAt: number;
}

export interface RetentionInput {
  /** The backups of one target, in any order, the removed ones too: an incremental must be told of its lost base. */
  readonly backups: readonly RetentionBackup[];
  readonly rules: RetentionRules;
  readonly pins: readonly RetentionPin[];
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly timeZone: string;
  /** Whether ledger and pins were listed to their end. */
  readonly complete: boolean;
  /** The evidence of each `expiring` mark, times in milliseconds since 1970. */
  readonly expiring: ReadonlyMap<string, { readonly removeAfter: number }>;
  /** How long a backup without an end may still be running: the target's `maxHours` and one more. */
  readonly runningHours?: number;
}

export type Action =
  | 'keep'
  /** Mark it now. */
  | 'expire'
  /** It stays marked; its time has not come. */
  | 'wait'
  /** Its grace is over. */
  | 'remove'
  /** It is wanted again: take the mark away. */
  | 'restore';

export interface Decision {
  readonly id: string;
  readonly action: Action;
  /** What the decision rests on; the strongest where several agree. */
  readonly rule: Rule;
  /** Sentences for a person, never none. */
  readonly reasons: readonly string[];
  /** With `expire`: the time to write into the mark. With `wait`: the time in the mark. Milliseconds since 1970. */
  readonly removeAfter?: number;
}

export interface RetentionPlan {
  /** One for every backup that is not removed yet, oldest first. */
  readonly decisions: readonly Decision[];
  /**
   * The ids of those that began and never ended, whatever else is decided about them: their pages are to be closed. Not where
   * nothing is good and one was written whole: verifying it after all may be all that is left.
   */
  readonly abandoned: readonly string[];
  /** Why nothing at all is marked or removed, when that is so. */
  readonly held?: string;
}

/** All backups but the removed ones, oldest first. */
type Ledger = readonly Judged[];

/**
 * Decides about every backup of one target.
 *
 * @throws RangeError when the rules, the time or the zone are not usable, when a backup is given twice, or when the
 * backups belong to several targets
 */
export function planRetention(input: RetentionInput): RetentionPlan {
  const rules = usable(input.rules);
  const ledger = readLedger(input);
  if (!input.complete) return holdAll(input, ledger);
  const claims = claimAll(input, rules, ledger);
  const decisions = ledger.map((backup) => decide(backup, input, rules, claims));
  return { decisions: limitShare(decisions, ledger, rules), abandoned: abandonedOf(ledger, claims) };
}

const abandonedOf = (ledger: Ledger, claims: Claims): string[] =>
  ledger
    .filter(({ standing }) => standing.is === 'abandoned')
    .map(({ entry }) => entry.id)
    .filter((id) => claims.of(id).every(({ rule }) => rule !== 'no good backup'));

/** The settings were checked when they were written; a NaN that came in since would keep nothing. */
function usable(given: RetentionRules): RetentionRules {
  const checked = retentionSchema.safeParse(given);
  if (checked.success) return checked.data;
  throw new RangeError(`retention cannot follow these rules:\n${z.prettifyError(checked.error)}`);
}

function readLedger(input: RetentionInput): Ledger {
  const { backups, now, runningHours = DEFAULT_RUNNING_HOURS } = input;
  if (!Number.isFinite(now)) throw new RangeError(`now must be milliseconds since 1970, got ${now}`);
  const ledger = judge([...backups].sort(byTime), { now, runningHours });
  for (const [index, { entry }] of ledger.entries()) {
    const before = ledger[index - 1]?.entry ?? entry;
    if (index > 0 && before.id === entry.id) throw new RangeError(`the ledger names ${entry.id} twice`);
    if (before.target !== entry.target)
      throw new RangeError(
        `retention plans one target at a time, got ${before.target} and ${entry.target}: they would take each other's slots`,
      );
  }
  return ledger.filter(({ standing }) => standing.is !== 'removed');
}

const byTime = (a: RetentionBackup, b: RetentionBackup): number =>
  a.entry.startedAt - b.entry.startedAt || (a.entry.id < b.entry.id ? -1 : a.entry.id > b.entry.id ? 1 : 0);

const INCOMPLETE =
  'the listing is incomplete: nothing is marked or removed, because what was not listed may need what was';

/** What was not listed could be the incremental on a full, a pin, or the newest good backup: nothing may change. */
function holdAll({ expiring }: RetentionInput, ledger: Ledger): RetentionPlan {
  const decisions = ledger.map(({ entry, removing }): Decision => {
    const isMarked = removing === true || entry.states.expiring !== undefined || expiring.has(entry.id);
    return { id: entry.id, action: isMarked ? 'wait' : 'keep', rule: 'incomplete', reasons: [INCOMPLETE] };
  });
  return { decisions, abandoned: [], held: INCOMPLETE };
}

function claimAll(input: RetentionInput, rules: RetentionRules, ledger: Ledger): Claims {
  const claims = new Claims();
  const good = ledger
    .filter(({ entry, standing }) => standing.is === 'good' && !isFuture(entry, input.now))
    .map(({ entry }) => entry)
    .reverse();
  claimProtected(input, ledger, good.length === 0, claims);
  claimSlots(good, rules, calendarOf(input.timeZone), claims);
  claimBases(ledger, claims);
  return claims;
}

/** What stays whatever the rules say. */
function claimProtected(input: RetentionInput, ledger: Ledger, noneIsGood: boolean, claims: Claims): void {
  const { now, pins } = input;
  for (const { entry, standing } of ledger) {
    const { id, states, startedAt } = entry;
    if (states.kept !== undefined) claims.add(id, 'kept', 'kept by hand');
    if (isFuture(entry, now))
      claims.add(id, 'future', `dated in the future, ${utc(startedAt)}: kept, but takes no slot`);
    if (standing.is === 'unfinished')
      claims.add(id, 'unfinished', `may still be running or being verified, until ${utc(standing.until)}`);
    if (standing.is === 'orphaned')
      claims.add(
        id,
        'orphaned',
        `cannot be restored as it stands, and takes no slot: ${standing.why}; look into it, then keep or remove it by hand`,
      );
    const isWritten = [states.written, states.verified, states.proven].some((at) => at !== undefined);
    if (noneIsGood && isWritten)
      claims.add(
        id,
        'no good backup',
        'no backup of this target is good, and this one was written whole: parts of it may be all there is',
      );
  }
  for (const { id, holder, lapsesAt } of [...pins].sort(byHolder))
    if (!hasPassed(lapsesAt, now)) claims.add(id, 'pinned', `pinned by ${holder} until ${utc(lapsesAt)}`);
}

const byHolder = (a: RetentionPin, b: RetentionPin): number =>
  a.holder === b.holder ? a.lapsesAt - b.lapsesAt : a.holder < b.holder ? -1 : 1;

/** A full lives as long as any incremental on it exists, be it good, running, failed, or marked: it may be restored. */
function claimBases(ledger: Ledger, claims: Claims): void {
  const incrementals = new Map<string, { readonly newest: string; readonly others: number }>();
  for (const { entry, base } of ledger) {
    if (base === null) continue;
    const known = incrementals.get(base);
    incrementals.set(base, { newest: entry.id, others: known === undefined ? 0 : known.others + 1 });
  }
  for (const [base, { newest, others }] of incrementals)
    claims.add(base, 'base', `base of incremental ${newest}${others === 0 ? '' : ` and ${others} more`}`);
}

function decide(
  { entry, standing }: Judged,
  input: RetentionInput,
  rules: RetentionRules,
  claims: Claims,
): Decision {
  const { id, states } = entry;
  const { now, expiring } = input;
  const mark = expiring.get(id);
  const isMarked = mark !== undefined || states.expiring !== undefined;
  const claimed = claims.of(id);
  const wanted = standing.is === 'removing' ? claimed.filter(({ rule }) => HOLDS_REMOVAL.has(rule)) : claimed;
  const [strongest] = wanted;
  if (strongest !== undefined) {
    const reasons = wanted.map(({ reason }) => reason);
    if (standing.is === 'removing')
      return { id, action: 'wait', rule: strongest.rule, reasons: [HALF_REMOVED, ...reasons] };
    return { id, action: isMarked ? 'restore' : 'keep', rule: strongest.rule, reasons };
  }
  const { rule, reason, since } = whyUnwanted(standing, now);
  if (!isMarked) {
    const removeAfter = since === undefined ? now + rules.graceDays * DAY : since + rules.graceDays * DAY;
    return { id, action: 'expire', rule, reasons: [reason], removeAfter: Math.max(now, removeAfter) };
  }
  return afterGrace(id, rule, reason, mark?.removeAfter, now);
}

/**
 * What stops a removal that has begun. A keep does not: without its `.backup` there is no backup to keep. A pin does,
 * for its holder may be reading, and it lapses; an incremental goes before its base; and where nothing is good, what is
 * left may still be worth a rescue.
 */
const HOLDS_REMOVAL: ReadonlySet<Rule> = new Set<Rule>(['pinned', 'base', 'no good backup']);
const HALF_REMOVED = 'its removal has begun, so it cannot be kept any more, but it goes on only later';

/** A marked backup that nothing wants: it waits, or it goes. */
function afterGrace(
  id: string,
  rule: Rule,
  reason: string,
  removeAfter: number | undefined,
  now: number,
): Decision {
  if (removeAfter === undefined || Number.isNaN(removeAfter))
    return {
      id,
      action: 'wait',
      rule: 'mark unread',
      reasons: [reason, 'its mark could not be read, so the end of its grace is not known'],
    };
  // Not at the very instant: a mark set by this run must not be carried out by the same run repeated.
  if (!hasPassed(removeAfter, now) || removeAfter === now)
    return {
      id,
      action: 'wait',
      rule,
      reasons: [reason, `its grace lasts until ${utc(removeAfter)}`],
      removeAfter,
    };
  return { id, action: 'remove', rule, reasons: [reason, `its grace ended at ${utc(removeAfter)}`] };
}

interface Unwanted {
  readonly rule: Rule;
  readonly reason: string;
  /** Where its grace is counted from, if not from being marked. */
  readonly since?: number;
}

function whyUnwanted(standing: Standing, now: number): Unwanted {
  switch (standing.is) {
    case 'failed':
      return {
        rule: 'failed',
        reason: `failed ${ago(standing.since, now)}: leftovers`,
        since: standing.since,
      };
    case 'abandoned':
      return {
        rule: 'abandoned',
        reason: `never finished, and its time was over ${ago(standing.since, now)}: leftovers`,
        since: standing.since,
      };
    case 'broken':
      return { rule: 'broken', reason: `cannot be restored: ${standing.why}` };
    case 'removing':
      return { rule: 'removing', reason: 'its removal has begun, so it cannot be kept any more' };
    default:
      return { rule: 'no rule', reason: 'no rule keeps it: newer good backups take every slot' };
  }
}

/** Lets the share of a run go, removals already begun first, then the oldest; the others wait for a later run. */
function limitShare(
  decisions: readonly Decision[],
  ledger: Ledger,
  { maxShare }: RetentionRules,
): readonly Decision[] {
  const most = Math.max(1, Math.floor(maxShare * ledger.length));
  const removals = decisions.filter(({ action }) => action === 'remove');
  if (removals.length <= most) return decisions;
  const begun = removals.filter(({ rule }) => rule === 'removing');
  const others = removals.filter(({ rule }) => rule !== 'removing');
  const now = new Set([...begun, ...others].slice(0, most).map(({ id }) => id));
  const limit = `one run removes at most ${most} of ${ledger.length} backups (maxShare ${maxShare}): goes in a later run`;
  return decisions.map((decision) =>
    decision.action !== 'remove' || now.has(decision.id)
      ? decision
      : { ...decision, action: 'wait', rule: 'share', reasons: [...decision.reasons, limit] },
  );
}

/** False also for a time that is not a number: what cannot be read has not passed. */
const hasPassed = (time: number, now: number): boolean => time <= now;

const utc = (milliseconds: number): string =>
  Math.abs(milliseconds) <= 8.64e15
    ? new Date(milliseconds).toISOString().replace(/\.\d+/, '')
    : 'a time that cannot be read';

function ago(since: number, now: number): string {
  const hours = Math.max(0, Math.floor((now - since) / HOUR));
  const [number, unit] = hours < 48 ? [hours, 'hour'] : [Math.floor(hours / 24), 'day'];
  return `${number} ${unit}${number === 1 ? '' : 's'} ago`;
}
