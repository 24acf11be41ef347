/**
 * A past for the demonstration: one real backup, copied to an earlier date for each of many nights. Every copy is complete
 * and can be restored; only its date is made up.
 */
import { CopyObjectCommand } from '@aws-sdk/client-s3';
import { type Bucket, listObjects, putOnce } from '../../clients/bucket.ts';
import { mapConcurrently } from '../../clients/concurrently.ts';
import { requireEvidence } from '../../clients/ledger.ts';
import { makeBackupId, parseBackupId } from '../../core/backup-id.ts';
import { backupPrefix, ledgerKey } from '../../core/keys.ts';

const DAY = 86_400_000;
const STATES = ['started', 'written', 'verified'] as const;
const COPIES_AT_ONCE = 16;

/** The ids of so many nights before today, at two in the morning, oldest first. */
export const pastNights = (nights: number, now: number): readonly string[] =>
  Array.from({ length: nights }, (_, index) => {
    const night = nights - index;
    return makeBackupId(startOf(night, now), 'full', `night${String(night).padStart(2, '0')}`);
  });

const startOf = (night: number, now: number): number =>
  Math.floor(now / DAY) * DAY - night * DAY + 2 * 3_600_000;

/**
 * Copies a backup and its evidence under each of the ids. The evidence comes last, so that a copy that was broken off is
 * made again.
 */
export async function makeHistory(
  bucket: Bucket,
  target: string,
  id: string,
  copies: readonly string[],
  onCopy: (made: number) => void,
): Promise<void> {
  const objects: string[] = [];
  for await (const { key } of listObjects(bucket, backupPrefix(target, id))) objects.push(key);
  for (const [made, copy] of copies.entries()) {
    onCopy(made + 1);
    await mapConcurrently(objects, COPIES_AT_ONCE, (key) => copyObject(bucket, key, key.replace(id, copy)));
    for (const state of STATES) await copyEvidence(bucket, target, id, copy, state);
  }
}

async function copyObject({ name, client }: Bucket, from: string, to: string): Promise<void> {
  const source = `${name}/${from.split('/').map(encodeURIComponent).join('/')}`;
  await client.send(new CopyObjectCommand({ Bucket: name, Key: to, CopySource: source }));
}

/** The same evidence under another id, as if it had been written that night. */
async function copyEvidence(
  bucket: Bucket,
  target: string,
  id: string,
  copy: string,
  state: (typeof STATES)[number],
): Promise<void> {
  const at = parseBackupId(copy)?.startedAt ?? 0;
  const evidence = await requireEvidence(bucket, target, id, state);
  const text = JSON.stringify({ ...evidence, at: new Date(at).toISOString(), by: 'npm start' });
  await putOnce(bucket, ledgerKey(target, copy, state), JSON.parse(text.replaceAll(id, copy)));
}
