/** How far a proof is, as its parts in the bucket show it. */
import { type Bucket, getJson, listObjects } from '../clients/bucket.ts';
import { SafehouseError } from '../core/errors.ts';
import { proofPlanKey, proofPrefix } from '../core/keys.ts';
import { type ProofItem, proofPlanSchema } from '../core/proof.ts';
import { bytesText, countOf, countText } from './amounts.ts';

export interface ProofProgress {
  /** Looks again; one look is a listing. What cannot be read leaves the figures as they were: they decide nothing. */
  look(): Promise<void>;
  /** `1.2 GB of 42.1 GB`, or `3 of 14 items` where hardly a byte is to be read; empty before there is a plan. */
  readonly text: string;
}

export function proofProgress(bucket: Bucket, target: string, id: string, proof: string): ProofProgress {
  let items: readonly ProofItem[] | undefined;
  let read: readonly number[] = [];
  const look = async (): Promise<void> => {
    items ??= (await getJson(bucket, proofPlanKey(target, id, proof), proofPlanSchema))?.items;
    if (items !== undefined) read = await readItems(bucket, proofPrefix(target, id, proof));
  };
  return {
    look: () =>
      look().catch((error: unknown) => {
        if (!(error instanceof SafehouseError)) throw error;
      }),
    get text() {
      return items === undefined ? '' : progressText(items, read);
    },
  };
}

const RESULT = /\/item-(\d+)\.json$/;

async function readItems(bucket: Bucket, prefix: string): Promise<number[]> {
  const read: number[] = [];
  for await (const { key } of listObjects(bucket, `${prefix}item-`)) {
    const index = RESULT.exec(key)?.[1];
    if (index !== undefined) read.push(Number(index));
  }
  return read;
}

function progressText(items: readonly ProofItem[], read: readonly number[]): string {
  const total = items.reduce((sum, { bytes }) => sum + bytes, 0);
  const done = read.reduce((sum, index) => sum + (items[index]?.bytes ?? 0), 0);
  return total === 0
    ? `${countText(read.length)} of ${countOf(items.length, 'item')}`
    : `${bytesText(done)} of ${bytesText(total)}`;
}
