/** Tells ClickHouse to begin. A repeat finds that it has begun and says so: a backup is never made twice. */
import { exists } from '../../clients/bucket.ts';
import { ask, type ClickHouse, openClickHouse } from '../../clients/clickhouse.ts';
import { carriesSecrets, s3Locations } from '../../clients/destination.ts';
import { requireEvidence } from '../../clients/ledger.ts';
import { everyReplica } from '../../clients/observation.ts';
import { isAtLeast } from '../../core/clickhouse-version.ts';
import type { Target } from '../../core/config.ts';
import { SafehouseError } from '../../core/errors.ts';
import { backupPrefix, LOCK, MANIFEST } from '../../core/keys.ts';
import { backupElements } from '../../core/scope.ts';
import { backupStatement } from '../../core/statements.ts';
import { type Poll, type PreparedRun, preparedRunSchema } from '../../core/workflow.ts';
import { bucket, bucketAddress, target as readTarget } from '../environment.ts';
import { submittedPoll } from '../follow.ts';
import { logger, step } from '../step.ts';
import { readAttempt } from './attempts.ts';
import { refuseGivenUp } from './given-up.ts';

export const handler = step('submit', preparedRunSchema, async (run): Promise<Poll> => {
  const target = await readTarget(run.target);
  const { id, joined } = run.prepared.backup;
  if (joined) {
    // Whoever claimed the attempt may not have come to its page in the ledger yet; the claim is there.
    const claim = await readAttempt(bucket(), run.target, run.slot, run.attempt);
    return submittedPoll(notAhead(claim?.at));
  }
  await refuseGivenUp(bucket(), run.target, id);
  const clickhouse = await openClickHouse(target);
  try {
    if (!(await isSubmitted(clickhouse, target, run))) await submit(clickhouse, target, run);
    logger.info('submitted', { id });
    return submittedPoll(new Date().toISOString());
  } finally {
    await clickhouse.client.close();
  }
});

/**
 * The other execution's time, unless its clock was ahead: counted from the future, no limit would ever be reached, and this
 * execution would ask every second until its history is full.
 */
function notAhead(time: string | undefined): string {
  const now = new Date();
  return time === undefined || Date.parse(time) > now.getTime() ? now.toISOString() : time;
}

/**
 * Whether an earlier run of this step got through. The server's own check of ids ends with its process and is its own, so
 * behind a load balancer a repeat could reach another replica: the lock in the bucket is seen from everywhere.
 */
async function isSubmitted(clickhouse: ClickHouse, target: Target, run: PreparedRun): Promise<boolean> {
  const { id } = run.prepared.backup;
  const prefix = backupPrefix(run.target, id);
  if ((await exists(bucket(), `${prefix}${LOCK}`)) || (await exists(bucket(), `${prefix}${MANIFEST}`)))
    return true;
  const rows = await ask(clickhouse, {
    query: `SELECT 1 FROM ${everyReplica(target, 'system.backups')} WHERE id = {id:String} LIMIT 1`,
    parameters: { id },
  });
  return rows.length > 0;
}

async function submit(clickhouse: ClickHouse, target: Target, run: PreparedRun): Promise<void> {
  const { id, base, settings } = run.prepared.backup;
  const started = await requireEvidence(bucket(), run.target, id, 'started');
  const locate = await s3Locations(bucketAddress(), run.target, target.s3);
  const { query, query_params } = backupStatement({
    elements: backupElements(target, started),
    ...(target.cluster !== undefined && { cluster: target.cluster }),
    destination: locate(id),
    ...(base !== null && { base: locate(base) }),
    settings: { ...contentChecksums(started.clickhouse.version), ...settings, ...target.settings },
    id,
  });
  try {
    // A choice by table names thousands of them: the statement must not be cut at the default of 256 KiB.
    await ask(clickhouse, {
      query,
      parameters: query_params,
      settings: { max_query_size: 64 * 1024 * 1024 },
      operation: 'backup',
      secret: carriesSecrets(target.s3),
    });
  } catch (error) {
    if (error instanceof SafehouseError && error.failure.class === 'already done') return;
    throw error;
  }
}

/**
 * For tables on remote disks, ClickHouse writes checksums of paths instead of contents into the manifest unless it is told not
 * to (ClickHouse#74729), and a proof would take a good backup for a damaged one. Servers older than 25.3 may not know the
 * setting and would refuse the statement; the oldest of them have no such checksums.
 */
const contentChecksums = (version: string): Record<string, number> =>
  isAtLeast(version, '25.3') ? { allow_checksums_from_remote_paths: 0 } : {};
