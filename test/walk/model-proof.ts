/**
 * A proof without an engine, for the walks in which hundreds of backups are made: it compares what lies in the bucket with what was
 * to be written, and says the result in the words of a real proof. What the proofs themselves find is the business of those walks
 * in which they are real.
 */
import { type NewEvidence, record } from '../../clients/ledger.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { PROOF_REFUTED } from '../../core/failure.ts';
import { condemn } from '../../functions/prove/condemn.ts';
import type { Invariants } from './invariants.ts';
import type { Handler } from './machine.ts';
import type { World } from './world.ts';

/** Throws VerificationFailed when the backup is damaged; the ledger says so, too. */
export const modelProof =
  ({ bucket, target, clickhouse }: World, invariants: Invariants): Handler =>
  async (event) => {
    const { execution, backup } = event as { execution: string; backup: string };
    const [damage] = invariants.damageIn(backup);
    if (damage === undefined)
      return (await record(bucket, target, backup, 'proven', { by: execution, ...EVIDENCE })).evidence;
    const error = new SafehouseError(ERROR_NAMES.verification, {
      what: `The backup ${backup} is damaged: ${damage}`,
      remedy: 'Do not restore from it.',
      error: PROOF_REFUTED,
    });
    await condemn(bucket, target, backup, execution, error.failure);
    const base = clickhouse.made.get(backup)?.base ?? null;
    if (base !== null && damage.includes(base)) await condemn(bucket, target, base, execution, error.failure);
    throw error;
  };

const EVIDENCE: Omit<NewEvidence<'proven'>, 'by'> = {
  level: 'bytes',
  engine: 'model',
  manifestSha256: 'model',
  tables: [],
  assertions: [],
  anomalies: [],
  selfTest: { good: true, damages: [], seconds: 0 },
  items: 1,
  bytesRead: 0,
  seconds: 0,
  dollars: 0,
};
