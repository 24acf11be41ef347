/** Which full backup an incremental stands on. */
import { type Bucket, listObjects } from '../../clients/bucket.ts';
import { readLedger, requireEvidence } from '../../clients/ledger.ts';
import type { Kind } from '../../core/backup-id.ts';
import { backupPrefix } from '../../core/keys.ts';
import { isGood } from '../../core/ledger.ts';

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
