import { nearestText } from '../core/config-problems.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Installation } from '../core/installation.ts';

/** @throws {SafehouseError} NotFound, with the targets that there are */
export async function requireTarget(installation: Installation, name: string): Promise<string> {
  const targets = await installation.targets();
  if (targets.includes(name)) return name;
  throw new SafehouseError(ERROR_NAMES.notFound, {
    what: `There is no target ${JSON.stringify(name)}${nearestText(name, targets)}.`,
    remedy: `The targets of ${installation.title} are ${targets.join(', ')}.`,
  });
}
