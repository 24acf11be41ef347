/** Reading and writing the ledger in the bucket. */
import type * as z from 'zod';
import { compactTime } from '../core/backup-id.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { LEDGER, ledgerKey, ledgerPrefix, provenAgainKey } from '../core/keys.ts';
import { EVIDENCE_SCHEMAS, type FoldedLedger, foldLedger, LEDGER_VERSION } from '../core/ledger.ts';
import { type Bucket, getJson, listObjects, putOnce } from './bucket.ts';

export type RecordedState = keyof typeof EVIDENCE_SCHEMAS;
export type Evidence<Name extends RecordedState> = z.infer<(typeof EVIDENCE_SCHEMAS)[Name]>;

/** What the caller knows; version, target, id and time are added. */
export type NewEvidence<Name extends RecordedState> = Omit<
  Evidence<Name>,
  'version' | 'target' | 'id' | 'at'
>;

/** The state of every backup of a target, or of all targets, off one listing. */
export async function readLedger(bucket: Bucket, target?: string): Promise<FoldedLedger> {
  const listing: { key: string; lastModified: number }[] = [];
  for await (const object of listObjects(bucket, target === undefined ? LEDGER : ledgerPrefix(target)))
    listing.push(object);
  return foldLedger(listing);
}

/**
 * Puts a backup into a state, once.
 *
 * @returns the evidence that stands in the ledger, and whether this call wrote it: a repeat gets what was there
 */
export async function record<Name extends RecordedState>(
  bucket: Bucket,
  target: string,
  id: string,
  state: Name,
  evidence: NewEvidence<Name>,
): Promise<{ evidence: Evidence<Name>; written: boolean }> {
  const whole = complete(target, id, evidence);
  if (await putOnce(bucket, ledgerKey(target, id, state), whole)) return { evidence: whole, written: true };
  return { evidence: await requireEvidence(bucket, target, id, state), written: false };
}

/**
 * Adds the evidence of a proof after the first, once.
 *
 * @param time its name, milliseconds since 1970: whoever gives the same one again adds nothing
 */
export async function recordProvenAgain(
  bucket: Bucket,
  target: string,
  id: string,
  evidence: NewEvidence<'proven'>,
  time = Date.now(),
): Promise<void> {
  await putOnce(bucket, provenAgainKey(target, id, compactTime(time)), complete(target, id, evidence));
}

const complete = <Name extends RecordedState>(
  target: string,
  id: string,
  evidence: NewEvidence<Name>,
): Evidence<Name> =>
  ({
    version: LEDGER_VERSION,
    target,
    id,
    at: new Date().toISOString(),
    ...evidence,
  }) as unknown as Evidence<Name>;

/** The evidence for a state, or undefined when the backup never reached it. */
export async function readEvidence<Name extends RecordedState>(
  bucket: Bucket,
  target: string,
  id: string,
  state: Name,
): Promise<Evidence<Name> | undefined> {
  const schema = EVIDENCE_SCHEMAS[state] as unknown as z.ZodType<Evidence<Name>>;
  return getJson(bucket, ledgerKey(target, id, state), schema);
}

/** @throws {SafehouseError} IncompleteReading, when evidence that must exist does not */
export async function requireEvidence<Name extends RecordedState>(
  bucket: Bucket,
  target: string,
  id: string,
  state: Name,
): Promise<Evidence<Name>> {
  const found = await readEvidence(bucket, target, id, state);
  if (found === undefined)
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `${ledgerKey(target, id, state)} was there a moment ago and is gone.`,
      remedy: 'Somebody removes objects of the ledger. Find out who; nothing was concluded from it.',
    });
  return found;
}
