/**
 * A past for the demonstration: one real backup, copied to an earlier date for each of many nights. Every copy is complete
 * and can be restored; only its date is made up.
 */
import { CopyObjectCommand } from '@aws-sdk/client-s3';
import { type Bucket, listObjects, putOnce } from '../clients/bucket.ts';
import { mapConcurrently } from '../clients/concurrently.ts';
import { requireEvidence } from '../clients/ledger.ts';
import { makeBackupId } from '../core/backup-id.ts';
import { backupPrefix, ledgerKey } from '../core/keys.ts';

const DAY = 86_400_000;
const STATES = ['started', 'written', 'verified'] as const;
const COPIES_AT_ONCE = 16;

/**
 * @param id the backup to copy
 * @param nights how many nights before today get one, at two in the morning
 * @returns the ids, oldest first
 */
export async function makeHistory(
  bucket: Bucket,
  target: string,
  id: string,
  nights: number,
  onNight: (made: number) => void,
): Promise<string[]> {
  const objects: string[] = [];
  for await (const { key } of listObjects(bucket, backupPrefix(target, id))) objects.push(key);
  const ids: string[] = [];
  for (let night = nights; night >= 1; night -= 1) {
    const at = Math.floor(Date.now() / DAY) * DAY - night * DAY + 2 * 3_600_000;
    const copy = makeBackupId(at, 'full', `night${String(night).padStart(2, '0')}`);
    await mapConcurrently(objects, COPIES_AT_ONCE, (key) => copyObject(bucket, key, key.replace(id, copy)));
    for (const state of STATES) await copyEvidence(bucket, target, id, copy, state, at);
    ids.push(copy);
    onNight(ids.length);
  }
  return ids;
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
  at: number,
): Promise<void> {
  const evidence = await requireEvidence(bucket, target, id, state);
  const text = JSON.stringify({ ...evidence, at: new Date(at).toISOString(), by: 'npm start' });
  await putOnce(bucket, ledgerKey(target, copy, state), JSON.parse(text.replaceAll(id, copy)));
}
