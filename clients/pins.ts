/** Pins: what keeps retention away from a backup in use. */
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { parsePinKey, pinsPrefix } from '../core/keys.ts';
import type { RetentionPin } from '../core/retention.ts';
import { pinSchema } from '../core/workflow.ts';
import { type Bucket, getJson, listObjects } from './bucket.ts';
import { mapConcurrently } from './concurrently.ts';

/** Each incremental leaves a lapsed pin behind on its base. */
const AT_ONCE = 32;

/**
 * The pins of a target, or of one of its backups; lapsed ones too. A pin that cannot be understood holds for ever: what it
 * says is not known, and what is not known never leads to a deletion.
 */
export async function readPins(bucket: Bucket, target: string, id?: string): Promise<RetentionPin[]> {
  const keys: string[] = [];
  const prefix = id === undefined ? pinsPrefix(target) : `${pinsPrefix(target)}${id}/`;
  for await (const { key } of listObjects(bucket, prefix)) keys.push(key);
  const pins = await mapConcurrently(keys, AT_ONCE, (key) => readPin(bucket, key));
  return pins.filter((pin) => pin !== undefined);
}

async function readPin(bucket: Bucket, key: string): Promise<RetentionPin | undefined> {
  const parsed = parsePinKey(key);
  if (parsed === undefined) return undefined;
  const pin = await getJson(bucket, key, pinSchema).catch((error: unknown) => {
    if (error instanceof SafehouseError && error.name === ERROR_NAMES.incomplete) return undefined;
    throw error;
  });
  const lapsesAt = pin === undefined ? Number.POSITIVE_INFINITY : Date.parse(pin.lapsesAt);
  return { id: parsed.id, holder: parsed.holder, lapsesAt };
}
