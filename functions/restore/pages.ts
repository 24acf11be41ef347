/** What the steps of a restore have written down for each other. */
import { exists, getJson } from '../../clients/bucket.ts';
import type { Target } from '../../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { restoreKey } from '../../core/keys.ts';
import { type Before, beforeSchema, type RestorePlan, restorePlanSchema } from '../../core/restore.ts';
import { bucket } from '../environment.ts';

export interface RestoreName {
  readonly to: string;
  readonly restore: string;
}

/** @throws {SafehouseError} IncompleteReading */
export async function requirePlan({ to, restore }: RestoreName): Promise<RestorePlan> {
  const plan = await getJson(bucket(), restoreKey(to, restore, 'plan'), restorePlanSchema);
  return plan ?? gone(restoreKey(to, restore, 'plan'));
}

/** @throws {SafehouseError} IncompleteReading */
export async function requireBefore({ to, restore }: RestoreName): Promise<Before> {
  const before = await getJson(bucket(), restoreKey(to, restore, 'before'), beforeSchema);
  return before ?? gone(restoreKey(to, restore, 'before'));
}

/**
 * For the steps that begin something: an execution that was stopped and ended by another one may be redriven, and would then work
 * without pins and holds, and nobody would clean up after it.
 *
 * @throws {SafehouseError} RefusedForSafety
 */
export async function requireOpen({ to, restore }: RestoreName): Promise<void> {
  for (const object of ['cleaned', 'ended'] as const)
    if (await exists(bucket(), restoreKey(to, restore, object)))
      throw new SafehouseError(ERROR_NAMES.unsafe, {
        what: `The restore ${restore} was brought to its end already.`,
        remedy: 'Start a new one, rather than going on with this one.',
      });
}

function gone(key: string): never {
  throw new SafehouseError(ERROR_NAMES.incomplete, {
    what: `${key} was there a moment ago and is gone.`,
    remedy: 'Somebody removes objects under restores/. Find out who, and start the restore again.',
  });
}

/** The settings of the target that is restored to, with the user that restores. */
export function restorer(settings: Target): Target {
  const { user, password, s3 } = settings.restore;
  const { password: own, ...rest } = settings;
  // A user of its own has a password of its own, or none: never that of the other user.
  const secret = user === undefined ? (password ?? own) : password;
  return {
    ...rest,
    user: user ?? settings.user,
    ...(secret !== undefined && { password: secret }),
    s3: s3 ?? settings.s3,
  };
}
