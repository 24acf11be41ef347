/** Finds the backup that a person means: by its id, by a beginning of it, or as the latest. */
import type { Bucket } from '../clients/bucket.ts';
import { readLedger } from '../clients/ledger.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { isGood, type LedgerEntry } from '../core/ledger.ts';

export const LATEST = 'latest';

export interface FoundBackup {
  readonly entry: LedgerEntry;
  /** Every backup of its target, oldest first. */
  readonly entries: readonly LedgerEntry[];
}

/**
 * @param given `20260402T020000Z-full-k3f9`, `20260402`, `latest`, or any of them after `<target>/`
 * @throws {SafehouseError} NotFound; InvalidInput, when several match
 */
export async function findBackup(bucket: Bucket, given: string): Promise<FoundBackup> {
  const slash = given.indexOf('/');
  const target = slash < 0 ? undefined : given.slice(0, slash);
  const name = given.slice(slash + 1);
  if (name === '' || name.includes('/') || target === '')
    throw new SafehouseError(ERROR_NAMES.input, {
      what: `${JSON.stringify(given)} is not a backup.`,
      remedy: 'Write an id, the beginning of one, or `latest`; each may follow a target: TARGET/latest.',
    });
  const { entries } = await readLedger(bucket, target);
  const entry = name === LATEST ? latestOf(entries, target) : matchOf(entries, name);
  return { entry, entries: entries.filter((other) => other.target === entry.target) };
}

function latestOf(entries: readonly LedgerEntry[], target: string | undefined): LedgerEntry {
  const targets = [...new Set(entries.map((entry) => entry.target))];
  if (targets.length > 1)
    throw new SafehouseError(ERROR_NAMES.input, {
      what: `There are ${targets.length} targets, each with a latest backup of its own.`,
      remedy: `Say which: ${targets.map((name) => `${name}/${LATEST}`).join(', ')}.`,
    });
  const newest = entries.findLast(({ states }) => isGood(states));
  if (newest !== undefined) return newest;
  throw new SafehouseError(ERROR_NAMES.notFound, {
    what: `There is no good backup${target === undefined ? '' : ` of ${JSON.stringify(target)}`}.`,
    remedy: '`list` shows those that there are, and their states.',
  });
}

function matchOf(entries: readonly LedgerEntry[], name: string): LedgerEntry {
  const exact = entries.filter(({ id }) => id === name);
  const matches = exact.length > 0 ? exact : entries.filter(({ id }) => id.startsWith(name));
  const [match, ...others] = matches;
  if (match === undefined)
    throw new SafehouseError(ERROR_NAMES.notFound, {
      what: `There is no backup ${JSON.stringify(name)}.`,
      remedy: '`list --all` shows every backup, also those that retention has removed.',
    });
  if (others.length === 0) return match;
  const named = matches.slice(-5).map(({ target, id }) => `${target}/${id}`);
  throw new SafehouseError(ERROR_NAMES.input, {
    what: `${JSON.stringify(name)} is the beginning of ${matches.length} backups: ${matches.length > named.length ? '…, ' : ''}${named.join(', ')}.`,
    remedy: 'Write one of them, or more of its beginning.',
  });
}
