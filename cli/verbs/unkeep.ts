import { deleteObject } from '../../clients/bucket.ts';
import { ledgerKey } from '../../core/keys.ts';
import { bucketOf } from '../bucket-of.ts';
import { EXIT } from '../exit-codes.ts';
import { findBackup } from '../find-backup.ts';
import { line } from '../screen.ts';
import type { Answer, Call, Verb } from '../verb.ts';

export const unkeep: Verb = {
  name: 'unkeep',
  summary: 'leave a kept backup to the retention rules again',
  argument: { name: 'BACKUP', required: true },
  flags: {},
  about: [
    'Takes a keep back. Nothing is removed by it: the next run of retention decides, marks, and waits out the grace period.',
  ],
  examples: ['unkeep 20260402T020000Z-full-k3f9'],
  run,
};

async function run({ argument, open, command }: Call): Promise<Answer> {
  const bucket = bucketOf(await open());
  const { entry } = await findBackup(bucket, argument);
  const { target, id } = entry;
  const wasKept = entry.states.kept !== undefined;
  if (wasKept) await deleteObject(bucket, ledgerKey(target, id, 'kept'));
  return {
    exitCode: EXIT.good,
    json: { unkept: { id, target, wasKept } },
    screen: () => [
      line(wasKept ? `No longer kept: ${id}` : `It was not kept: ${id}`),
      ...(wasKept ? [line('What the rules make of it: ', command(`retention ${target}`))] : []),
    ],
  };
}
