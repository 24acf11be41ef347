/** How the proofs of a target stand: when the newest was made, how many backups are covered, and what is wrong, in words. */
import { ageText } from '../core/alert.ts';
import type { Target } from '../core/config.ts';
import { isGood, type LedgerEntry } from '../core/ledger.ts';
import { type ProofCoverage, proofCoverage } from '../core/proof-walk.ts';
import { countOf, countText } from './amounts.ts';
import type { ReportedError } from './verb.ts';

const HOUR = 3_600_000;

export interface ProofHealth extends ProofCoverage {
  /** False where the target asks for none. */
  readonly wanted: boolean;
  readonly withinDays: number;
  /** Verified once and failed since, because a proof of theirs or of their base failed; those that are still there. */
  readonly refuted: readonly LedgerEntry[];
}

export function proofHealth(entries: readonly LedgerEntry[], { prove }: Target, now: number): ProofHealth {
  return {
    ...proofCoverage(entries, prove.againWithinDays, now),
    wanted: prove.level !== 'none',
    withinDays: prove.againWithinDays,
    refuted: entries.filter(isRefuted),
  };
}

const isRefuted = ({ states }: LedgerEntry): boolean =>
  states.verified !== undefined && states.failed !== undefined && states.removed === undefined;

/** `3 of 14 in the last 30 days` */
export const coverageText = ({ covered, good, withinDays }: ProofHealth): string =>
  `${countText(covered)} of ${countText(good)} in the last ${countOf(withinDays, 'day')}`;

export interface ProofRules {
  readonly name: string;
  readonly target: Target;
  /** How old the newest good backup may be. */
  readonly staleAfterHours: number;
  readonly now: number;
  readonly command: (words: string) => string;
}

/** The newest proof may be a day older than the newest good backup may be: the alarm's rule. */
const DAY_MORE = 24;

export function proofProblems(
  { wanted, newestProofAt }: ProofHealth,
  entries: readonly LedgerEntry[],
  { name, target, staleAfterHours, now, command }: ProofRules,
): ReportedError[] {
  if (!wanted) return [];
  const allowed = (target.prove.staleAfterHours ?? staleAfterHours + DAY_MORE) * HOUR;
  // Where none was ever made, that has been so since the first backup that could have been proven.
  const oldest = entries.find(({ states }) => isGood(states));
  const since = newestProofAt ?? oldest?.states.verified;
  if (since === undefined || now - since <= allowed) return [];
  const remedy = `Find out why the proofs do not come about, or prove the newest backup now:\n${command(`prove ${name}/latest`)}`;
  return newestProofAt === null
    ? [
        {
          name: 'NeverProven',
          what: `No good backup is proven, and there has been one to prove for ${ageText(now - since)}. Until then there is ClickHouse's word and the sizes of the objects.`,
          remedy,
        },
      ]
    : [
        {
          name: 'ProofStale',
          what: `The newest proof is ${ageText(now - since)} old; it may be ${ageText(allowed)}.`,
          remedy,
        },
      ];
}
