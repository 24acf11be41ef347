/** One backup that was made elsewhere becomes one backup here, however often it is asked for. */
import { createHash, randomUUID } from 'node:crypto';
import * as z from 'zod';
import { makeBackupId } from '../core/backup-id.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { adoptedKey } from '../core/keys.ts';
import type { LedgerEntry } from '../core/ledger.ts';
import { type Bucket, getJson, putOnce } from './bucket.ts';
import { readLedger } from './ledger.ts';

const adoptionClaimSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  source: z.string(),
  manifestSha256: z.string(),
  by: z.string(),
  at: z.iso.datetime(),
});
type AdoptionClaim = z.infer<typeof adoptionClaimSchema>;

export interface ClaimedAdoption {
  readonly id: string;
  /** What the ledger says of it already. */
  readonly states: LedgerEntry['states'];
}

export interface AdoptedSource {
  /** `s3://bucket/prefix` */
  readonly source: string;
  readonly manifestSha256: string;
  /** When the backup began, in milliseconds since 1970. */
  readonly startedAt: number;
}

/** The id under which a backup is taken in: the one that it has got already, unless that has failed or was removed. */
export async function claimAdoption(
  bucket: Bucket,
  target: string,
  { source, manifestSha256, startedAt }: AdoptedSource,
  by: string,
): Promise<ClaimedAdoption> {
  const { entries } = await readLedger(bucket, target);
  const digest = createHash('sha256').update(`${source}\n${manifestSha256}`).digest('hex');
  for (let number = 1; ; number += 1) {
    const key = adoptedKey(target, digest, number);
    const id = makeBackupId(startedAt, 'full', randomUUID().slice(0, 4));
    const claim: AdoptionClaim = {
      version: 1,
      id,
      source,
      manifestSha256,
      by,
      at: new Date().toISOString(),
    };
    if (await putOnce(bucket, key, claim)) return { id, states: {} };
    const standing = await getJson(bucket, key, adoptionClaimSchema);
    if (standing === undefined) throw claimGone(key);
    const states = entries.find((entry) => entry.id === standing.id)?.states ?? {};
    if (!isOver(states)) return { id: standing.id, states };
  }
}

const isOver = ({ failed, removing, removed }: LedgerEntry['states']): boolean =>
  [failed, removing, removed].some((at) => at !== undefined);

const claimGone = (key: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.incomplete, {
    what: `${key} was there a moment ago and is gone.`,
    remedy: 'Somebody removes claims. Find out who; without them a backup can be taken in twice.',
  });
