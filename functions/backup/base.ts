/** Which full backup an incremental stands on. */
import { type Bucket, listObjects } from '../../clients/bucket.ts';
import { readEvidence, readLedger, requireEvidence } from '../../clients/ledger.ts';
import type { Kind } from '../../core/backup-id.ts';
import { PROOF_REFUTED } from '../../core/failure.ts';
import { backupPrefix } from '../../core/keys.ts';
import { isGood, type LedgerEntry } from '../../core/ledger.ts';

export interface ChosenKind {
  readonly kind: Kind;
  readonly base: string | null;
  /** Why it is not the kind that was asked for. */
  readonly reason: string | null;
}

/**
 * Chooses the newest good full backup, and looks whether it is still what was verified: ClickHouse itself reads only the
 * base's manifest and would report success over a base whose data is gone (ClickHouse#112395).
 */
export async function chooseKind(bucket: Bucket, target: string, asked: Kind): Promise<ChosenKind> {
  if (asked === 'full') return { kind: 'full', base: null, reason: null };
  const { entries } = await readLedger(bucket, target);
  const base = entries.findLast(({ kind, states }) => kind === 'full' && isGood(states));
  if (base === undefined)
    return { kind: 'full', base: null, reason: 'there is no good full backup to stand on' };
  const doubt = await findDoubt(bucket, target, base, entries);
  if (doubt !== undefined) return { kind: 'full', base: null, reason: doubt };
  const verified = await requireEvidence(bucket, target, base.id, 'verified');
  const found = { objects: 0, bytes: 0 };
  for await (const { size } of listObjects(bucket, backupPrefix(target, base.id))) {
    found.objects += 1;
    found.bytes += size;
  }
  if (found.objects !== verified.objects || found.bytes !== verified.bytes)
    return {
      kind: 'full',
      base: null,
      reason: `the newest full backup ${base.id} is damaged: it has ${found.objects} objects of ${found.bytes} bytes, and ${verified.objects} of ${verified.bytes} were verified`,
    };
  return { kind: 'incremental', base: base.id, reason: null };
}

/** What was found wrong with an incremental may lie in its base: then nothing more is built on that base. */
const DOUBTS: ReadonlySet<string> = new Set([PROOF_REFUTED, 'VerificationFailed']);

/** Verified once, and refuted since: what damaged it may have reached the ones before it. */
const isRefuted = ({ states }: LedgerEntry): boolean =>
  states.verified !== undefined && states.failed !== undefined;

async function findDoubt(
  bucket: Bucket,
  target: string,
  base: LedgerEntry,
  entries: readonly LedgerEntry[],
): Promise<string | undefined> {
  const refuted = entries.findLast(
    (entry) => entry.kind === 'full' && entry.startedAt >= base.startedAt && isRefuted(entry),
  );
  if (refuted !== undefined) return `the proof of the newer full backup ${refuted.id} failed`;
  for (const { id, kind, startedAt, states } of entries) {
    if (kind !== 'incremental' || startedAt < base.startedAt || states.failed === undefined) continue;
    const failed = await readEvidence(bucket, target, id, 'failed');
    if (failed === undefined || !DOUBTS.has(failed.error)) continue;
    const started = await readEvidence(bucket, target, id, 'started');
    if (started?.base === base.id)
      return `the incremental ${id} on the newest full backup ${base.id} is damaged`;
  }
  return undefined;
}
