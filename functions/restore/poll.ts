/** Asks ClickHouse how the restore stands, and judges the answer. */
import { putOnce } from '../../clients/bucket.ts';
import { openClickHouse } from '../../clients/clickhouse.ts';
import { classifyClickHouseError, parseClickHouseError } from '../../core/clickhouse-errors.ts';
import type { Failure } from '../../core/failure.ts';
import { restoreKey } from '../../core/keys.ts';
import { restorePollInputSchema } from '../../core/restore-workflow.ts';
import type { Poll, PollOutcome } from '../../core/workflow.ts';
import { bucket, target as readTarget } from '../environment.ts';
import { look, nextPoll } from '../follow.ts';
import { logger, step } from '../step.ts';
import { restorer } from './pages.ts';

export const handler = step('poll', restorePollInputSchema, async ({ to, restore, poll }): Promise<Poll> => {
  const settings = restorer(await readTarget(to));
  const clickhouse = await openClickHouse(settings);
  try {
    const { judgement, at } = await look(clickhouse, settings, restore, poll, settings.restore);
    const { outcome, because } = judgement;
    logger.info('judged', { restore, outcome, because });
    // From here on it is whole: whatever follows, nothing of it is dropped without being asked.
    if (outcome === 'finished')
      await putOnce(bucket(), restoreKey(to, restore, 'restored'), {
        version: 1,
        at: new Date(at).toISOString(),
      });
    const isFine = outcome === 'running' || outcome === 'finished';
    const failure = isFine ? null : explain(outcome, because, restore, settings.user);
    return nextPoll(poll, judgement, at, outcome, failure);
  } finally {
    await clickhouse.client.close();
  }
});

/** What was created is taken away again, so a restore may be started anew. */
const EXPLANATIONS: Readonly<Record<string, Omit<Failure, 'what'>>> = {
  cancelled: {
    class: 'fix and stop',
    error: 'QUERY_WAS_CANCELLED',
    remedy:
      'Find out who cancelled it (system.query_log), and start it again when nothing speaks against it.',
  },
  lost: {
    class: 'new attempt',
    error: 'RestoreLost',
    remedy: 'If ClickHouse was restarted on purpose, start it again; otherwise find out why it stopped.',
  },
  stalled: {
    class: 'new attempt',
    error: 'RestoreStalled',
    remedy:
      "Look at the server's log around that time for a memory limit or a lost disk, and start it again.",
  },
  'over time': {
    class: 'fix and stop',
    error: 'RestoreOverTime',
    remedy: 'Raise `restore.maxHours` of the target, or restore less at a time.',
  },
};

function explain(outcome: PollOutcome, because: string, restore: string, user: string): Failure {
  const known = EXPLANATIONS[outcome];
  if (known !== undefined)
    return {
      ...known,
      what: `The restore ${restore} was ${outcome === 'over time' ? 'given up' : outcome}: ${because}.`,
    };
  const parsed = parseClickHouseError(because);
  if (parsed !== undefined)
    return classifyClickHouseError(parsed, { operation: 'restore', seenIn: 'system.backups', user });
  return {
    class: 'new attempt',
    error: 'RESTORE_FAILED',
    what: `ClickHouse says that the restore ${restore} failed: ${because || 'without a reason'}.`,
    remedy: "Look at the server's log around that time.",
  };
}
