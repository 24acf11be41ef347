/** Asks ClickHouse how the backup stands, and judges the answer. */
import { exists } from '../../clients/bucket.ts';
import { type ClickHouse, openClickHouse } from '../../clients/clickhouse.ts';
import { record } from '../../clients/ledger.ts';
import type { BackupAnswer } from '../../clients/observation.ts';
import { classifyClickHouseError, parseClickHouseError } from '../../core/clickhouse-errors.ts';
import type { Target } from '../../core/config.ts';
import { SafehouseError } from '../../core/errors.ts';
import type { Failure } from '../../core/failure.ts';
import { backupPrefix, MANIFEST } from '../../core/keys.ts';
import { type Poll, type PreparedRun, pollInputSchema } from '../../core/workflow.ts';
import { bucket, target as readTarget } from '../environment.ts';
import { cancelOperation, type Look, look, nextPoll } from '../follow.ts';
import { logger, step } from '../step.ts';

export const handler = step('poll', pollInputSchema, async (run): Promise<Poll> => {
  const target = await readTarget(run.target);
  const clickhouse = await openClickHouse(target);
  try {
    const seen = await look(clickhouse, target, run.prepared.backup.id, run.poll, target);
    return await settle(clickhouse, target, run, seen);
  } finally {
    await clickhouse.client.close();
  }
});

async function settle(
  clickhouse: ClickHouse,
  target: Target,
  run: PreparedRun & { poll: Poll },
  { answer, judgement, at }: Look,
): Promise<Poll> {
  const { id } = run.prepared.backup;
  logger.info('judged', { id, outcome: judgement.outcome, because: judgement.because });
  let { outcome } = judgement;
  // Whatever became of the server: the manifest is written last, so with it the data is complete.
  const inBucket =
    (outcome === 'lost' || outcome === 'stalled') &&
    (await exists(bucket(), `${backupPrefix(run.target, id)}${MANIFEST}`));
  if (inBucket) outcome = 'finished';
  if (outcome === 'stalled' || outcome === 'over time') await cancelOperation(clickhouse, target, id);
  if (outcome === 'finished')
    await recordWritten(run, target, inBucket || answer instanceof SafehouseError ? null : answer);
  const isFine = outcome === 'running' || outcome === 'finished';
  const failure = isFine ? null : explain(outcome, judgement.because, id, target);
  return nextPoll(run.poll, judgement, at, outcome, failure);
}

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
