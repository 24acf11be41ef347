/** Tells ClickHouse to restore, once: a second statement would find half-filled tables. */
import type * as z from 'zod';
import { getJson, putOnce } from '../../clients/bucket.ts';
import { ask, openClickHouse } from '../../clients/clickhouse.ts';
import { carriesSecrets, restoreLocations } from '../../clients/destination.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { restoreKey } from '../../core/keys.ts';
import { submittedSchema } from '../../core/restore.ts';
import { MOST_QUERY_BYTES, restoreStatementOf } from '../../core/restore-statement.ts';
import { restoreRunSchema } from '../../core/restore-workflow.ts';
import { restoreSubmission } from '../../core/statements.ts';
import type { Poll } from '../../core/workflow.ts';
import { bucket, bucketAddress, target as readTarget } from '../environment.ts';
import { submittedPoll } from '../follow.ts';
import { logger, step } from '../step.ts';
import { requireBefore, requireOpen, requirePlan, restorer } from './pages.ts';

export const handler = step('submit', restoreRunSchema, async (run): Promise<Poll> => {
  const plan = await requirePlan(run);
  await requireOpen(run);
  const { server } = await requireBefore(run);
  const settings = restorer(await readTarget(plan.to));
  const clickhouse = await openClickHouse(settings);
  try {
    const at = new Date().toISOString();
    const key = restoreKey(run.to, run.restore, 'submitted');
    // Before the statement: a repeat cannot know whether it got through, and leaves that to the poll.
    if (!(await putOnce(bucket(), key, { version: 1, at }))) {
      const standing = await getJson(bucket(), key, submittedSchema);
      // The SDK repeats a write whose answer was lost, and finds its own mark: nobody else has it to the millisecond.
      if (standing?.at !== at) return followStanding(standing, plan.restore, at);
    }
    const locate = await restoreLocations(bucketAddress(), plan.target, settings.s3);
    const { query, query_params } = restoreSubmission({
      ...restoreStatementOf(plan, settings, server.version, locate),
      id: plan.restore,
    });
    await ask(clickhouse, {
      query,
      parameters: query_params,
      settings: { max_query_size: MOST_QUERY_BYTES },
      operation: 'restore',
      secret: carriesSecrets(settings.s3),
    }).catch((error: unknown) => {
      if (error instanceof SafehouseError && error.failure.class === 'already done') return;
      throw error;
    });
    logger.info('submitted', { restore: plan.restore });
    return submittedPoll(at);
  } finally {
    await clickhouse.client.close();
  }
});

function followStanding(
  standing: z.infer<typeof submittedSchema> | undefined,
  restore: string,
  at: string,
): Poll {
  if (standing?.never === true)
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `The restore ${restore} was cancelled before its statement was sent.`,
      remedy: 'It may be started again.',
      error: 'RestoreCancelled',
    });
  return submittedPoll(standing?.at ?? at);
}
