/** Removes what the plan lets go, as far as the time of one invocation reaches; the state machine calls it until it is done. */
import { readLedger, record, requireEvidence } from '../../clients/ledger.ts';
import { readPins } from '../../clients/pins.ts';
import { removeObjects } from '../../clients/removal.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { backupPrefix, MANIFEST } from '../../core/keys.ts';
import type { LedgerEntry } from '../../core/ledger.ts';
import { METRICS } from '../../core/metrics.ts';
import type { RetentionPin } from '../../core/retention.ts';
import { type Removal, removalSchema } from '../../core/workflow.ts';
import { bucket } from '../environment.ts';
import { measure } from '../measure.ts';
import { logger, step } from '../step.ts';

/** After this the rest is left to the next invocation: well before Lambda's 15 minutes. */
const WORKING_MILLISECONDS = 10 * 60_000;

export const handler = step('remove', removalSchema, async (removal, { signal }): Promise<Removal> => {
  const end = Date.now() + WORKING_MILLISECONDS;
  const remove = [...removal.remove];
  const bases = new Map<string, string | null>();
  const removed = [...removal.removed];
  for (let next = remove[0]; next !== undefined && Date.now() < end; next = remove[0]) {
    const gone = await removeBackup(removal, next, bases, end, signal);
    if (gone === 'not finished') break;
    if (gone !== 'spared') removed.push({ id: next.id, ...gone });
    remove.shift();
  }
  return { ...removal, remove, removed, done: remove.length === 0 };
});

/**
 * One backup. Minutes may lie between the plan and this: whatever came to need the backup since then spares it.
 */
async function removeBackup(
  { target, execution }: Removal,
  { id, reason }: Removal['remove'][number],
  bases: Map<string, string | null>,
  end: number,
  signal: AbortSignal,
): Promise<{ objects: number; bytes: number } | 'spared' | 'not finished'> {
  const sparing = await whatSpares(target, id, bases);
  if (sparing !== undefined) {
    logger.warn('spared', { id, because: sparing });
    return 'spared';
  }
  await record(bucket(), target, id, 'removing', { by: execution, reason });
  // A restore pins first and then looks whether the removal has begun; this looks for pins once more after it has said so. One of
  // the two sees the other, also when both are at it in the same second, or when an earlier run of this step has begun.
  const pin = await findPin(target, id);
  if (pin !== undefined) {
    logger.warn('spared', { id, because: `it is pinned by ${pin.holder}` });
    return 'spared';
  }
  const gone = await removeObjects(bucket(), backupPrefix(target, id), MANIFEST, { end, signal });
  if (!gone.empty) return 'not finished';
  await record(bucket(), target, id, 'removed', {
    by: execution,
    reason,
    objects: gone.objects,
    bytes: gone.bytes,
  });
  measure(target, [
    [METRICS.backupsRemoved, 'Count', 1],
    [METRICS.bytesRemoved, 'Bytes', gone.bytes],
  ]);
  logger.info('removed', { id, ...gone });
  return { objects: gone.objects, bytes: gone.bytes };
}

/** Why a backup may not go after all; undefined when nothing speaks for it. */
async function whatSpares(
  target: string,
  id: string,
  bases: Map<string, string | null>,
): Promise<string | undefined> {
  const now = Date.now();
  const { entries } = await readLedger(bucket(), target);
  const entry = entries.find((candidate) => candidate.id === id);
  if (entry === undefined)
    throw new SafehouseError(ERROR_NAMES.unsafe, {
      what: `${id} was to be removed, and the ledger of ${target} does not know it.`,
      remedy: 'Nothing was removed. Somebody removes objects of the ledger: find out who.',
    });
  if (entry.states.removed !== undefined) return 'it is removed already';
  if (entry.states.removing !== undefined) return undefined;
  if (entry.states.kept !== undefined) return 'it was kept by hand';
  if (entry.states.expiring === undefined) return 'its mark was taken away';
  const mark = await requireEvidence(bucket(), target, id, 'expiring');
  if (Date.parse(mark.removeAfter) > now) return `its grace lasts until ${mark.removeAfter}`;
  const pin = await findPin(target, id);
  if (pin !== undefined) return `it is pinned by ${pin.holder}`;
  const dependent = await findDependent(target, entry, entries, bases);
  return dependent === undefined ? undefined : `${dependent} stands on it`;
}

async function findPin(target: string, id: string): Promise<RetentionPin | undefined> {
  const pins = await readPins(bucket(), target, id);
  return pins.find(({ lapsesAt }) => lapsesAt > Date.now());
}

/**
 * An incremental that stands on a full backup and is not removed yet. A base never changes, so each incremental's evidence is
 * read once in an invocation, and only those that are new since the last backup went are read again.
 */
async function findDependent(
  target: string,
  { id, kind }: LedgerEntry,
  entries: readonly LedgerEntry[],
  bases: Map<string, string | null>,
): Promise<string | undefined> {
  if (kind !== 'full') return undefined;
  for (const { id: other, kind: otherKind, states } of entries) {
    if (otherKind !== 'incremental' || states.removed !== undefined || states.started === undefined) continue;
    const base = bases.get(other) ?? (await requireEvidence(bucket(), target, other, 'started')).base;
    bases.set(other, base);
    if (base === id) return other;
  }
  return undefined;
}
