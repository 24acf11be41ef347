/**
 * Where everything lies in the bucket. Both sides of every wall (infra's policies, the functions, the command line)
 * build keys here and nowhere else.
 */
import type { State } from './ledger.ts';

export const BACKUPS = 'backups/';
export const LEDGER = 'ledger/';
export const CLAIMS = 'claims/';
export const PINS = 'pins/';
export const PROOFS = 'proofs/';

/** What ClickHouse calls its manifest; written last, so its presence means that the backup is complete. */
export const MANIFEST = '.backup';
/** What ClickHouse holds while it writes; a crash leaves it behind for ever (ClickHouse#114109). */
export const LOCK = '.lock';

/** The prefix of everything that ClickHouse writes for one target. */
export const targetPrefix = (target: string): string => `${BACKUPS}${target}/`;

/** The prefix of one backup, with its slash at the end. */
export const backupPrefix = (target: string, id: string): string => `${BACKUPS}${target}/${id}/`;

export const ledgerPrefix = (target: string): string => `${LEDGER}${target}/`;

/** The object whose existence puts a backup into a state. */
export const ledgerKey = (target: string, id: string, state: State): string =>
  `${LEDGER}${target}/${id}/${state}.json`;

/** The object of a proof after the first: each is evidence of its own. `time` is `20260402T020000Z`. */
export const provenAgainKey = (target: string, id: string, time: string): string =>
  `${LEDGER}${target}/${id}/proven@${time}.json`;

/** The object that makes one scheduled time run exactly once. */
export const claimKey = (target: string, slot: string): string => `${CLAIMS}${target}/${slot}.json`;

/** What one attempt at a slot decided: its backup id, its kind and its base. Written once, adopted by a repeat. */
export const attemptKey = (target: string, slot: string, attempt: number): string =>
  `${CLAIMS}${target}/${slot}/attempt-${attempt}.json`;

/** Why a slot made no backup. */
export const skippedKey = (target: string, slot: string): string => `${CLAIMS}${target}/${slot}/skipped.json`;

/** Where `doctor` lets ClickHouse write, to see whether it can: under the target's own prefix, expired after a day. */
export const canaryPrefix = (target: string): string => `${BACKUPS}${target}/canary/`;

export const pinsPrefix = (target: string): string => `${PINS}${target}/`;

export const pinKey = (target: string, id: string, holder: string): string =>
  `${PINS}${target}/${id}/${holder}.json`;

/**
 * The part of a claim's key that names the scheduled time: `full/20260402T020000Z`, or `manual/<execution>` for a
 * start by hand, which needs no claim but whose attempts must still be found again by a repeated step.
 */
export const slotOf = (kind: string, scheduledTime: string | null, execution: string): string =>
  scheduledTime === null
    ? `manual/${execution.slice(execution.lastIndexOf(':') + 1)}`
    : `${kind}/${scheduledTime.replace(/[-:]|\.\d+/g, '')}`;

/** The backup and the holder that a pin's key names, or undefined when it is none of ours. */
export function parsePinKey(key: string): { target: string; id: string; holder: string } | undefined {
  const [, target, id, holder] = /^pins\/([^/]+)\/([^/]+)\/([^/]+)\.json$/.exec(key) ?? [];
  return target === undefined || id === undefined || holder === undefined
    ? undefined
    : { target, id, holder };
}

/** Where one proof of a backup keeps its plan and the results of its items. */
export const proofPrefix = (target: string, id: string, proof: string): string =>
  `${PROOFS}${target}/${id}/${proof}/`;

export const proofPlanKey = (target: string, id: string, proof: string): string =>
  `${proofPrefix(target, id, proof)}plan.json`;

export const proofItemKey = (target: string, id: string, proof: string, index: number): string =>
  `${proofPrefix(target, id, proof)}item-${index}.json`;
