/** Starts the proofs of the day: every retained backup is read again within the days that its target sets. */
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { readLedger } from '../../clients/ledger.ts';
import { storageError } from '../../clients/storage-errors.ts';
import { compactTime } from '../../core/backup-id.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { walkOf } from '../../core/proof-walk.ts';
import { bucket, target as readTarget, requireEnvironment } from '../environment.ts';
import { logger, step } from '../step.ts';

export interface Walked {
  readonly started: readonly string[];
}

export const handler = step('walk', z.unknown(), async (): Promise<Walked> => {
  const now = Date.now();
  const machine = requireEnvironment(ENVIRONMENT.proveMachine);
  const sfn = new SFNClient({ maxAttempts: 5 });
  const started: string[] = [];
  const unread: string[] = [];
  for (const target of requireEnvironment(ENVIRONMENT.targets).split(',')) {
    try {
      const { prove } = await readTarget(target);
      if (prove.level === 'none') continue;
      const { entries } = await readLedger(bucket(), target);
      for (const { id } of walkOf(entries, prove.againWithinDays, now))
        if (await start(sfn, machine, target, id, now)) started.push(id);
    } catch (error) {
      // The other targets are walked all the same; the failure of this one is thrown when they are.
      logger.error('not walked', { target, because: error instanceof Error ? error.message : String(error) });
      unread.push(target);
    }
  }
  logger.info('walked', { started: started.length });
  if (unread.length > 0)
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `The daily proofs of ${unread.join(', ')} were not started.`,
      remedy: 'The log of this function says why; the age of the newest proof has its own alarm.',
      error: 'NotWalked',
    });
  return { started };
});

/** The name makes a day's proof of a backup start once, however often the schedule is delivered. */
async function start(
  sfn: SFNClient,
  machine: string,
  target: string,
  backup: string,
  now: number,
): Promise<boolean> {
  // At most 80 characters: the day and the backup tell it apart, so the end of the target is what may be missing.
  const name = `${compactTime(now).slice(0, 8)}-${backup}-${target}`.slice(0, 80);
  try {
    await sfn.send(
      new StartExecutionCommand({
        stateMachineArn: machine,
        name,
        input: JSON.stringify({ target, backup, occasion: 'again' }),
      }),
    );
    return true;
  } catch (cause) {
    if (cause instanceof ExecutionAlreadyExists) return false;
    throw storageError(cause, `start the proof ${name}`);
  }
}
