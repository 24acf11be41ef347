/** Keeps two restores from filling the same database. */
import { type Bucket, exists, getJson, listObjects, putOnce } from '../../clients/bucket.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { holdKey, holdReleasedKey, holdsPrefix } from '../../core/keys.ts';
import { holdSchema } from '../../core/restore-workflow.ts';
import type { RestoreName } from './pages.ts';

export interface HoldRequest extends RestoreName {
  readonly database: string;
  readonly execution: string;
  /** ISO 8601 */
  readonly lapsesAt: string;
}

const TRIES = 5;

/** @throws {SafehouseError} Refused, naming the restore that has the database */
export async function takeHold(bucket: Bucket, request: HoldRequest): Promise<void> {
  const { to, restore, database, execution, lapsesAt } = request;
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const number = await newestHold(bucket, to, database);
    const holder = number === 0 ? undefined : await holderOf(bucket, to, database, number);
    if (holder === restore) return;
    if (holder !== undefined)
      throw new SafehouseError(ERROR_NAMES.refused, {
        what: `The restore ${holder} is under way into the database ${database} of ${to}.`,
        remedy: `Wait for its end, or cancel it: safehouse cancel ${holder}.`,
        error: 'AnotherRestore',
      });
    const hold = { version: 1, restore, execution, lapsesAt };
    if (await putOnce(bucket, holdKey(to, database, number + 1), hold)) return;
  }
  throw new SafehouseError(ERROR_NAMES.unavailable, {
    what: `Several restores ask for the database ${database} of ${to} at once.`,
    remedy: 'It is tried again.',
  });
}

/** Lets go of what this restore holds; of nothing else. */
export async function releaseHold(
  bucket: Bucket,
  { to, restore, database }: RestoreName & { readonly database: string },
): Promise<void> {
  const number = await newestHold(bucket, to, database);
  if (number === 0 || (await holderOf(bucket, to, database, number)) !== restore) return;
  await putOnce(bucket, holdReleasedKey(to, database, number), { version: 1, restore });
}

async function newestHold(bucket: Bucket, to: string, database: string): Promise<number> {
  let newest = 0;
  const prefix = holdsPrefix(to, database);
  for await (const { key } of listObjects(bucket, prefix)) {
    // The end of a hold outlives it by a little in the bucket's lifecycle, and its number must not be given again.
    const [, number] = /^(\d+)(?:-released)?\.json$/.exec(key.slice(prefix.length)) ?? [];
    newest = Math.max(newest, Number(number ?? 0));
  }
  return newest;
}

/** Undefined when it was let go, or has lapsed. */
async function holderOf(
  bucket: Bucket,
  to: string,
  database: string,
  number: number,
): Promise<string | undefined> {
  if (await exists(bucket, holdReleasedKey(to, database, number))) return undefined;
  const hold = await getJson(bucket, holdKey(to, database, number), holdSchema);
  return hold === undefined || Date.parse(hold.lapsesAt) <= Date.now() ? undefined : hold.restore;
}
