/** Ends what ClickHouse may still be doing, before anything is dropped under its hands. */
import { getJson, putOnce } from '../../clients/bucket.ts';
import { ask, openClickHouse } from '../../clients/clickhouse.ts';
import { everyReplica } from '../../clients/observation.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { restoreKey } from '../../core/keys.ts';
import { nextWaitSeconds } from '../../core/poll.ts';
import { submittedSchema } from '../../core/restore.ts';
import { type Stopped, stopInputSchema } from '../../core/restore-workflow.ts';
import { bucket, target as readTarget } from '../environment.ts';
import { cancelOperation } from '../follow.ts';
import { logger, step } from '../step.ts';
import { restorer } from './pages.ts';

/** Cancelling takes effect between files, and one file can be large. */
const LONGEST_MINUTES = 120;

export const handler = step('stop', stopInputSchema, async ({ to, restore, stopped }): Promise<Stopped> => {
  const since = stopped?.since ?? new Date().toISOString();
  const done: Stopped = { stopped: true, waitSeconds: 1, since };
  // Stopping an execution does not stop the function that runs at that moment: with the mark taken, it sends no statement.
  const mark = { version: 1, at: since, never: true };
  const key = restoreKey(to, restore, 'submitted');
  if (await putOnce(bucket(), key, mark)) return done;
  if ((await getJson(bucket(), key, submittedSchema))?.never === true) return done;
  const settings = restorer(await readTarget(to));
  const clickhouse = await openClickHouse(settings);
  try {
    const rows = await ask<{ id: string }>(clickhouse, {
      query: `SELECT id FROM ${everyReplica(settings, 'system.backups')}
              WHERE id = {restore:String} AND status = 'RESTORING'
                AND query_id IN (SELECT query_id FROM ${everyReplica(settings, 'system.processes')}) LIMIT 1`,
      parameters: { restore },
    });
    if (rows.length === 0) return done;
    const waited = (Date.now() - Date.parse(since)) / 1000;
    if (waited > LONGEST_MINUTES * 60)
      throw new SafehouseError(ERROR_NAMES.refused, {
        what: `ClickHouse still works on the restore ${restore}, ${LONGEST_MINUTES} minutes after it was told to end.`,
        remedy: `Look at the query in system.processes; when it has ended: safehouse cancel ${restore}, which drops what it had created.`,
        error: 'RestoreNotStopped',
      });
    await cancelOperation(clickhouse, settings, restore);
    logger.info('told to end', { restore, waited });
    return { stopped: false, waitSeconds: nextWaitSeconds(waited), since };
  } finally {
    await clickhouse.client.close();
  }
});
