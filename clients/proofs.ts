/** The proofs that a backup has passed. */
import { ledgerKey } from '../core/keys.ts';
import { foldLedger, type LedgerEntry, type Proven, provenSchema } from '../core/ledger.ts';
import { type Bucket, getJson, listObjects } from './bucket.ts';
import { mapConcurrently } from './concurrently.ts';

const AT_ONCE = 32;

/** The evidence of every proof that a backup has passed, the oldest first. */
export async function readProofs(
  bucket: Bucket,
  { target, id }: Pick<LedgerEntry, 'target' | 'id'>,
): Promise<Proven[]> {
  const first = ledgerKey(target, id, 'proven');
  const keys: string[] = [];
  // `proven.json` is the first, `proven@<time>.json` those after it.
  for await (const { key } of listObjects(bucket, first.slice(0, -'.json'.length)))
    if (foldLedger([{ key, lastModified: 0 }]).entries.length > 0) keys.push(key);
  const proofs = await mapConcurrently(keys, AT_ONCE, (key) => getJson(bucket, key, provenSchema));
  return proofs.filter((proof) => proof !== undefined).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}
