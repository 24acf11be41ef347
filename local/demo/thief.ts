/** Takes one object out of every backup that ClickHouse has just finished, as a wrong rule on the bucket would. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Bucket, deleteObject, exists, listObjects } from '../../clients/bucket.ts';
import { readLedger } from '../../clients/ledger.ts';
import { backupPrefix, MANIFEST } from '../../core/keys.ts';

const LOOKS_EVERY_MILLISECONDS = 20;
/** What it takes from is large enough to be there in every backup. */
const TAKES_FROM = 'data/telemetry/events/';

/** @returns how many backups lost an object until the signal came */
export async function stealObjects(bucket: Bucket, target: string, signal: AbortSignal): Promise<number> {
  const seen = new Set(await unverified(bucket, target));
  const known = seen.size;
  while (!signal.aborted) {
    for (const id of await unverified(bucket, target))
      if (!seen.has(id) && (await steal(bucket, backupPrefix(target, id)))) seen.add(id);
    await pause(LOOKS_EVERY_MILLISECONDS);
  }
  return seen.size - known;
}

const unverified = async (bucket: Bucket, target: string): Promise<string[]> =>
  (await readLedger(bucket, target)).entries
    .filter(({ states }) => states.verified === undefined)
    .map(({ id }) => id);

/** Once the manifest is written, ClickHouse does not look any more. */
async function steal(bucket: Bucket, prefix: string): Promise<boolean> {
  if (!(await exists(bucket, `${prefix}${MANIFEST}`))) return false;
  for await (const { key } of listObjects(bucket, `${prefix}${TAKES_FROM}`)) {
    await deleteObject(bucket, key);
    return true;
  }
  return false;
}
