/**
 * Where everything lies in the bucket. Both sides of every wall (infra's policies, the functions, the command line)
 * build keys here and nowhere else.
 */
import type { Kind } from './backup-id.ts';
import type { State } from './ledger.ts';

export const BACKUPS = 'backups/';
export const LEDGER = 'ledger/';
export const CLAIMS = 'claims/';
export const PINS = 'pins/';
export const PROOFS = 'proofs/';
export const RESTORES = 'restores/';

/** What ClickHouse calls its manifest; written last, so its presence means that the backup is complete. */
export const MANIFEST = '.backup';
/** What ClickHouse holds while it writes; a crash leaves it behind for ever (ClickHouse#114109). */
export const LOCK = '.lock';

/** The prefix of everything that ClickHouse writes for one target. */
export const targetPrefix = (target: string): string => `${BACKUPS}${target}/`;

/** The prefix of one backup, with its slash at the end. */
export const backupPrefix = (target: string, id: string): string => `${BACKUPS}${target}/${id}/`;

/** The backup whose prefix a key lies under, or undefined when it lies under none. */
export const backupIdOfKey = (key: string): string | undefined =>
  /^backups\/[^/]+\/(?<id>[^/]+)\//.exec(key)?.groups?.['id'];

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

const SKIPPED = '/skipped.json';

/** Why a slot made no backup. */
export const skippedKey = (target: string, slot: string): string => `${CLAIMS}${target}/${slot}${SKIPPED}`;

export const isSkippedKey = (key: string): boolean => key.endsWith(SKIPPED);

/** The claims of one schedule, in the order of their scheduled times. */
export const claimsPrefix = (target: string, kind: Kind): string => `${CLAIMS}${target}/${kind}/`;

/**
 * Which backup id a backup that was made elsewhere has got, so that it is taken in once. Numbered, because nothing is written
 * over: one that has failed or was removed may be taken in again. `digest` stands for its address and its manifest.
 */
export const adoptedKey = (target: string, digest: string, number: number): string =>
  `${CLAIMS}${target}/adopted/${digest}/${number}.json`;

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

/** Everything that one restore writes down, but for its report. `to` is the target that it restores to. */
export const restorePrefix = (to: string, restore: string): string => `${RESTORES}${to}/${restore}/`;

/** What the steps of a restore leave for those after them, each written once. */
export const RESTORE_OBJECTS = [
  'plan',
  'before',
  'room',
  'submitted',
  'restored',
  'compared',
  'cleaned',
  'ended',
] as const;

export const restoreKey = (to: string, restore: string, object: (typeof RESTORE_OBJECTS)[number]): string =>
  `${restorePrefix(to, restore)}${object}.json`;

/** What CHECK TABLE said of one table, so that a check that was interrupted goes on. */
export const restoreCheckKey = (to: string, restore: string, index: number): string =>
  `${restorePrefix(to, restore)}check-${index}.json`;

/** The report of a restore, beside the evidence for the backup. */
export const restoreReportKey = (target: string, id: string, restore: string): string =>
  `${LEDGER}${target}/${id}/restore@${restore}.json`;

/**
 * Who restores into a database, so that two restores never fill the same one. Numbered, because nothing is written over: a
 * hold that was let go or has lapsed is followed by the next.
 */
export const holdsPrefix = (to: string, database: string): string =>
  `${RESTORES}${to}/holds/${encodeURIComponent(database)}/`;

export const holdKey = (to: string, database: string, number: number): string =>
  `${holdsPrefix(to, database)}${number}.json`;

export const holdReleasedKey = (to: string, database: string, number: number): string =>
  `${holdsPrefix(to, database)}${number}-released.json`;
