import { exists } from '../../clients/bucket.ts';
import { record } from '../../clients/ledger.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { backupPrefix, MANIFEST } from '../../core/keys.ts';
import { isGood, type LedgerEntry } from '../../core/ledger.ts';
import { bucketOf } from '../bucket-of.ts';
import { byHand } from '../by-hand.ts';
import { EXIT } from '../exit-codes.ts';
import { findBackup } from '../find-backup.ts';
import { doubtful, type Line, line, paragraph } from '../screen.ts';
import type { Answer, Call, Verb } from '../verb.ts';

export const keep: Verb = {
  name: 'keep',
  summary: 'keep a backup whatever the retention rules say',
  argument: { name: 'BACKUP', required: true },
  flags: { reason: { value: 'TEXT', about: 'why, for whoever wonders later' } },
  about: [
    'Writes into the ledger that a backup stays until `unkeep`. With an incremental, the full backup that it stands on stays too. A mark of retention is taken back, for as long as the removal has not begun.',
  ],
  examples: ['keep latest --local --reason "before the migration"', 'keep 20260402T020000Z-full-k3f9'],
  run,
};

async function run({ argument, flags, open }: Call): Promise<Answer> {
  const bucket = bucketOf(await open());
  const { entry } = await findBackup(bucket, argument);
  const { target, id, states } = entry;
  refuseRemoved(entry);
  const reason = flags.get('reason');
  const { evidence, written } = await record(bucket, target, id, 'kept', {
    by: byHand('keep'),
    reason: typeof reason === 'string' ? reason : 'kept by hand',
  });
  const hasManifest = await exists(bucket, `${backupPrefix(target, id)}${MANIFEST}`);
  return {
    exitCode: EXIT.good,
    json: {
      kept: { id, target, by: evidence.by, at: evidence.at, reason: evidence.reason, written, hasManifest },
    },
    screen: (width) => [
      line(written ? `Kept: ${id}` : `It was kept already: ${id}, by ${evidence.by}: ${evidence.reason}`),
      ...remarks(states, hasManifest, width),
    ],
  };
}

/** A keep that comes too late must not look like one that helped. */
function refuseRemoved({ id, states }: LedgerEntry): void {
  const removed = states.removed !== undefined;
  if (!removed && states.removing === undefined) return;
  throw new SafehouseError(ERROR_NAMES.unsafe, {
    what: removed
      ? `${id} was removed; there is nothing left to keep.`
      : `The removal of ${id} has begun: its manifest is gone, and it cannot be kept any more.`,
    remedy: '`list` shows what there is.',
  });
}

function remarks(states: LedgerEntry['states'], hasManifest: boolean, width: number): Line[] {
  if (!hasManifest)
    return paragraph(
      doubtful('Note: '),
      states.verified === undefined
        ? 'ClickHouse has not finished this backup: there is no manifest. What is kept are its leftovers.'
        : 'It was verified, and now its manifest is not in the bucket: it cannot be restored.',
      width,
    );
  if (states.expiring !== undefined)
    return paragraph(
      '',
      'It was marked for removal; that is taken back with the next run of retention.',
      width,
    );
  return isGood(states)
    ? []
    : paragraph(doubtful('Note: '), 'This backup is not verified: do not count on it.', width);
}
