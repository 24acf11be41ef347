/** Finds restores whose execution was stopped or died before they came to their end, and has them ended. */
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { getJson, listObjects } from '../../clients/bucket.ts';
import { storageError } from '../../clients/storage-errors.ts';
import { compactTime } from '../../core/backup-id.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { RESTORES, restoreKey } from '../../core/keys.ts';
import { restorePlanSchema } from '../../core/restore.ts';
import { isRestoreId } from '../../core/restore-id.ts';
import { parseRestoreMachines } from '../../core/restore-machines.ts';
import { bucket, requireEnvironment } from '../environment.ts';
import { logger, step } from '../step.ts';

export interface Swept {
  readonly started: readonly string[];
}

export const handler = step('sweep', z.unknown(), async (): Promise<Swept> => {
  const machines = parseRestoreMachines(requireEnvironment(ENVIRONMENT.restoreMachines));
  const sfn = new SFNClient({ maxAttempts: 5 });
  const started: string[] = [];
  const unread: string[] = [];
  for (const [to, { cancelRestore }] of Object.entries(machines)) {
    try {
      for (const restore of await openRestores(to))
        if (!(await isRunning(sfn, to, restore)) && (await end(sfn, cancelRestore, to, restore)))
          started.push(restore);
    } catch (error) {
      // The other targets are looked after all the same; the failure of this one is thrown when they are.
      logger.error('not swept', { to, because: error instanceof Error ? error.message : String(error) });
      unread.push(to);
    }
  }
  logger.info('swept', { started });
  if (unread.length > 0)
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `It is not known whether dead restores to ${unread.join(', ')} have left anything behind.`,
      remedy: 'The log of this function says why. It is tried again within the hour.',
      error: 'NotSwept',
    });
  return { started };
});

/** Restores that were planned and have not ended, off one listing. */
async function openRestores(to: string): Promise<string[]> {
  const prefix = `${RESTORES}${to}/`;
  const planned = new Set<string>();
  const ended = new Set<string>();
  for await (const { key } of listObjects(bucket(), prefix)) {
    const [restore = '', object] = key.slice(prefix.length).split('/');
    if (!isRestoreId(restore)) continue;
    if (object === 'plan.json') planned.add(restore);
    if (object === 'ended.json') ended.add(restore);
  }
  return [...planned].filter((restore) => !ended.has(restore));
}

async function isRunning(sfn: SFNClient, to: string, restore: string): Promise<boolean> {
  const plan = await getJson(bucket(), restoreKey(to, restore, 'plan'), restorePlanSchema);
  if (plan === undefined) return false;
  try {
    const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn: plan.execution }));
    return status === 'RUNNING' || status === 'PENDING_REDRIVE';
  } catch (cause) {
    // Step Functions forgets an execution 90 days after its end.
    if (cause instanceof ExecutionDoesNotExist) return false;
    throw storageError(cause, `look at the execution ${plan.execution}`);
  }
}

/** The name makes it start once an hour, however often the event and the schedule are delivered. */
async function end(sfn: SFNClient, machine: string, to: string, restore: string): Promise<boolean> {
  const name = `${restore}-${compactTime(Date.now()).slice(0, 11)}`;
  try {
    const input = JSON.stringify({ target: to, restore });
    await sfn.send(new StartExecutionCommand({ stateMachineArn: machine, name, input }));
    return true;
  } catch (cause) {
    if (cause instanceof ExecutionAlreadyExists) return false;
    throw storageError(cause, `end the restore ${restore}`);
  }
}
