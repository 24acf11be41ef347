/** Asks ClickHouse how the backup stands, and judges the answer. */
import { exists } from '../../clients/bucket.ts';
import { type ClickHouse, openClickHouse, tell } from '../../clients/clickhouse.ts';
import { record } from '../../clients/ledger.ts';
import { type BackupAnswer, everyReplica, observeBackup } from '../../clients/observation.ts';
import { classifyClickHouseError, parseClickHouseError } from '../../core/clickhouse-errors.ts';
import type { Target } from '../../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { Failure } from '../../core/failure.ts';
import { quoteIdentifier } from '../../core/identifiers.ts';
import { backupPrefix, MANIFEST } from '../../core/keys.ts';
import { type Judgement, judgePoll, nextWaitSeconds, type PollMemory } from '../../core/poll.ts';
import { type Poll, type PreparedRun, pollInputSchema } from '../../core/workflow.ts';
import { bucket, target as readTarget } from '../environment.ts';
import { logger, step } from '../step.ts';

export const handler = step('poll', pollInputSchema, async (run): Promise<Poll> => {
  const target = await readTarget(run.target);
  const clickhouse = await openClickHouse(target);
  try {
    const answer = await observe(clickhouse, target, run.prepared.backup.id);
    const now = Date.now();
    const judgement = judge(run.poll, answer, now, target);
    return await settle(clickhouse, target, run, judgement, answer, now);
  } finally {
    await clickhouse.client.close();
  }
});

/** What the server answers, or why it does not answer: a refusal is neither, and is thrown. */
async function observe(
  clickhouse: ClickHouse,
  target: Target,
  id: string,
): Promise<BackupAnswer | SafehouseError> {
  try {
    return await observeBackup(clickhouse, target, id);
  } catch (error) {
    if (error instanceof SafehouseError && error.name === ERROR_NAMES.unavailable) return error;
    throw error;
  }
}

function judge(poll: Poll, answer: BackupAnswer | SafehouseError, now: number, target: Target): Judgement {
  if (!(answer instanceof SafehouseError)) return judgePoll(remember(poll), answer, now, target);
  const silence = judgePoll(remember(poll), null, now, target);
  return { ...silence, because: `${silence.because} (${answer.failure.what})` };
}

async function settle(
  clickhouse: ClickHouse,
  target: Target,
  run: PreparedRun & { poll: Poll },
  judgement: Judgement,
  answer: BackupAnswer | SafehouseError,
  now: number,
): Promise<Poll> {
  const { id } = run.prepared.backup;
  logger.info('judged', { id, outcome: judgement.outcome, because: judgement.because });
  let { outcome } = judgement;
  // Whatever became of the server: the manifest is written last, so with it the data is complete.
  const inBucket =
    (outcome === 'lost' || outcome === 'stalled') &&
    (await exists(bucket(), `${backupPrefix(run.target, id)}${MANIFEST}`));
  if (inBucket) outcome = 'finished';
  if (outcome === 'stalled' || outcome === 'over time') await cancel(clickhouse, target, id);
  if (outcome === 'finished')
    await recordWritten(run, target, inBucket || answer instanceof SafehouseError ? null : answer);
  const { memory } = judgement;
  return {
    outcome,
    submittedAt: run.poll.submittedAt,
    waitSeconds: nextWaitSeconds((now - memory.submittedAt) / 1000),
    server: memory.server,
    progress: { files: memory.files, bytes: memory.bytes },
    movedAt: new Date(memory.movedAt).toISOString(),
    silentSince: memory.silentSince === null ? null : new Date(memory.silentSince).toISOString(),
    polls: run.poll.polls + 1,
    failure:
      outcome === 'running' || outcome === 'finished'
        ? null
        : explain(outcome, judgement.because, id, target),
  };
}

const remember = (poll: Poll): PollMemory => ({
  submittedAt: Date.parse(poll.submittedAt),
  server: poll.server,
  ...poll.progress,
  movedAt: Date.parse(poll.movedAt),
  silentSince: poll.silentSince === null ? null : Date.parse(poll.silentSince),
});

async function recordWritten(run: PreparedRun, target: Target, answer: BackupAnswer | null): Promise<void> {
  await record(bucket(), run.target, run.prepared.backup.id, 'written', {
    by: run.execution,
    seenIn: answer === null ? 'bucket' : 'system.backups',
    startTime: answer?.row?.startTime ?? null,
    endTime: answer?.row?.endTime ?? null,
    files: answer?.row?.files ?? 0,
    bytes: answer?.row?.bytes ?? 0,
    settings: target.settings,
  });
}

/** Asks for the end and does not wait for it: `SYNC` can block, and cancelling takes effect only between files. */
async function cancel(clickhouse: ClickHouse, target: Target, id: string): Promise<void> {
  const onCluster = target.cluster === undefined ? '' : ` ON CLUSTER ${quoteIdentifier(target.cluster)}`;
  await tell(clickhouse, {
    query: `KILL QUERY${onCluster} WHERE query_id IN (SELECT query_id FROM ${everyReplica(target, 'system.backups')} WHERE id = {id:String}) ASYNC`,
    parameters: { id },
  }).catch((error: unknown) => {
    // The backup is given up either way; that its query may still run belongs into the log, not in the way of the alert.
    logger.warn('not cancelled', { id, because: error instanceof Error ? error.message : String(error) });
  });
}

const EXPLANATIONS: Readonly<Record<string, Omit<Failure, 'what'>>> = {
  cancelled: {
    class: 'fix and stop',
    error: 'QUERY_WAS_CANCELLED',
    remedy:
      'Find out who cancelled it (system.query_log); start the backup by hand when nothing speaks against it.',
  },
  lost: {
    class: 'new attempt',
    error: 'BackupLost',
    remedy: 'If ClickHouse was restarted on purpose, nothing; otherwise find out why it stopped.',
  },
  stalled: {
    class: 'new attempt',
    error: 'BackupStalled',
    remedy:
      "Look at the server's log around that time for a memory limit or a lost disk (ClickHouse#92649, #65551).",
  },
  'over time': {
    class: 'fix and stop',
    error: 'BackupOverTime',
    remedy:
      'Raise `maxHours` of the target if the data has grown; otherwise look for a slow disk, network or S3 on the server.',
  },
};

function explain(outcome: Poll['outcome'], because: string, id: string, { user }: Target): Failure {
  const known = EXPLANATIONS[outcome];
  if (known !== undefined)
    return { ...known, what: `The backup ${id} was ${outcomeText(outcome)}: ${because}.` };
  const parsed = parseClickHouseError(because);
  if (parsed !== undefined)
    return classifyClickHouseError(parsed, { operation: 'backup', seenIn: 'system.backups', user });
  return {
    class: 'new attempt',
    error: 'BACKUP_FAILED',
    what: `ClickHouse says that the backup ${id} failed: ${because || 'without a reason'}.`,
    remedy: "Look at the server's log around that time.",
  };
}

const outcomeText = (outcome: Poll['outcome']): string => (outcome === 'over time' ? 'given up' : outcome);
