/** What keeps the engine from reading, and says nothing of the backup. */
import type { Prover, ProverRefusal } from '../../clients/prover.ts';
import { isTrouble } from '../../core/engine-trouble.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';

export const isTroubled = ({ error, message }: ProverRefusal): boolean => isTrouble({ error, text: message });

/** Ends a step without a word about the backup: it is tried again. */
export const troubled = (said: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.unavailable, {
    what: `The proving engine could not read: ${said.slice(0, 400)}.`,
    remedy:
      'It is tried again. If it stays so: look for a policy or a key that keeps the prover from the bucket, and raise `prover.memoryMiB` when it speaks of memory.',
    error: 'ProverNotReading',
  });

/** Counters of this process that only grow. */
export interface Meter {
  /** Errors that the engine raised, whether or not anybody was told of them. */
  readonly errors: number;
  /** Reads from S3 that failed; each is tried four times. */
  readonly failedReads: number;
  /** Bytes that came from S3. */
  readonly bytes: number;
}

export async function readMeter(engine: Prover): Promise<Meter> {
  const [row] = await engine.ask<Record<keyof Meter, number>>(
    `SELECT (SELECT sum(value) FROM system.errors) AS errors,
            (SELECT sum(value) FROM system.events WHERE event = 'ReadBufferFromS3RequestsErrors') AS failedReads,
            (SELECT sum(value) FROM system.events WHERE event = 'ReadBufferFromS3Bytes') AS bytes
     SETTINGS output_format_json_quote_64bit_integers = 0`,
  );
  if (row === undefined) throw troubled('it does not say what it has read');
  return row;
}

/** Fewer than this many failed reads, and none of them was given up. */
const TRIES_OF_A_READ = 4;

/**
 * Whether the engine read everything that it passed. `CHECK TABLE` passes a part that it could not read, for want of memory or
 * of an answer from S3, and raises nothing that anybody sees (ClickHouse#112874): it shows in these counters alone.
 *
 * @param expected how many bytes had to come from S3 at least
 */
export function hasReadAll(before: Meter, after: Meter, expected: number): boolean {
  const failedReads = after.failedReads - before.failedReads;
  return (
    failedReads < TRIES_OF_A_READ &&
    after.errors - before.errors <= failedReads &&
    after.bytes - before.bytes >= expected
  );
}
