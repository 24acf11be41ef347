import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { LedgerEntry } from '../core/ledger.ts';
import { timeText } from './amounts.ts';

/** @throws {SafehouseError} NotFound, when retention has removed it, or is about to */
export function requirePresent({ id, states }: LedgerEntry): void {
  const gone = states.removed ?? states.removing;
  if (gone === undefined) return;
  throw new SafehouseError(ERROR_NAMES.notFound, {
    what: `The backup ${id} is not there any more: retention removed it at ${timeText(gone)}.`,
    remedy: '`list` shows those that there are.',
  });
}
