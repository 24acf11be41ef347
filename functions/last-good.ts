import type { Bucket } from '../clients/bucket.ts';
import { readLedger } from '../clients/ledger.ts';
import type { LastGood } from '../core/alert.ts';
import { isGood } from '../core/ledger.ts';
import { logger } from './step.ts';

/** The newest good backup of a target, for an alert: one that cannot be read is said to be unknown. */
export async function findLastGood(bucket: Bucket, target: string): Promise<LastGood | null | 'unknown'> {
  try {
    const { entries } = await readLedger(bucket, target);
    const good = entries.filter(({ states }) => isGood(states));
    const newest = good.at(-1);
    return newest === undefined ? null : { id: newest.id, startedAt: newest.startedAt, count: good.length };
  } catch (error) {
    logger.error('ledger not read', { because: error instanceof Error ? error.message : String(error) });
    return 'unknown';
  }
}
