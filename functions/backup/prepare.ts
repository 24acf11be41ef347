/** Decides what this attempt backs up, under which id and on which base, and opens its page in the ledger. */
import { randomInt } from 'node:crypto';
import { putOnce } from '../../clients/bucket.ts';
import { type ClickHouse, openClickHouse } from '../../clients/clickhouse.ts';
import { readWrittenShards } from '../../clients/cluster.ts';
import { readLedger, record } from '../../clients/ledger.ts';
import { readScope, readServer } from '../../clients/server.ts';
import { makeBackupId } from '../../core/backup-id.ts';
import type { Target } from '../../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { pinKey, skippedKey } from '../../core/keys.ts';
import { METRICS } from '../../core/metrics.ts';
import { type AttemptClaim, type PreparedBackup, runSchema } from '../../core/workflow.ts';
import { bucket, target as readTarget } from '../environment.ts';
import { measure } from '../measure.ts';
import { logger, step } from '../step.ts';
import { claimAttempt, readAttempt, settingsOfAttempt } from './attempts.ts';
import { chooseKind } from './base.ts';
import { findRunning } from './overlap.ts';

export type Run = (typeof runSchema)['_output'];

export const handler = step('prepare', runSchema, async (run): Promise<PreparedBackup> => {
  const target = await readTarget(run.target);
  const clickhouse = await openClickHouse(target);
  try {
    const standing = await readAttempt(bucket(), run.target, run.slot, run.attempt);
    if (standing !== undefined) return await open(run, target, clickhouse, standing);
    const { entries } = await readLedger(bucket(), run.target);
    const running = await findRunning(clickhouse, target, entries);
    if (running !== undefined) return await giveWay(run, running);
    return await open(run, target, clickhouse, await decide(run));
  } finally {
    await clickhouse.client.close();
  }
});

/** One attempt, one decision: whoever claims it first is followed. */
async function decide(run: Run): Promise<AttemptClaim> {
  const now = Date.now();
  const chosen = await chooseKind(bucket(), run.target, run.kind);
  const settings = await settingsOfAttempt(bucket(), run.target, run.slot, run.attempt);
  return claimAttempt(bucket(), run.target, run.slot, run.attempt, {
    version: 1,
    id: makeBackupId(now, chosen.kind, randomLetters(4)),
    ...chosen,
    ...(settings !== undefined && { settings }),
    execution: run.execution,
    at: new Date(now).toISOString(),
  });
}

async function open(
  run: Run,
  target: Target,
  clickhouse: ClickHouse,
  claim: AttemptClaim,
): Promise<PreparedBackup> {
  const { id, kind, base, reason, settings } = claim;
  const joined = claim.execution !== run.execution;
  if (!joined) {
    if (base !== null) await pinBase(run.target, base, id, target.maxHours);
    const server = await readServer(clickhouse);
    const { databases, tables } = await readScope(clickhouse, target);
    await record(bucket(), run.target, id, 'started', {
      by: run.execution,
      kind,
      base,
      reason,
      scheduledTime: run.scheduledTime,
      attempt: run.attempt,
      settings,
      clickhouse: server,
      databases: [...databases],
      tables: [...tables],
      ...(target.cluster !== undefined && { shards: await shardsOf(clickhouse, target.cluster) }),
    });
  }
  logger.info('prepared', { id, kind, base, reason, joined, settings });
  return { outcome: 'go', reason, backup: { id, kind, base, joined, settings } };
}

async function shardsOf(clickhouse: ClickHouse, cluster: string): Promise<number[] | undefined> {
  const shards = await readWrittenShards(clickhouse, cluster);
  if (shards === undefined)
    logger.warn('shards not known: a backup that lacks one will not be noticed', { cluster });
  return shards;
}

/** Keeps retention away from the base until this backup must be over. */
async function pinBase(target: string, base: string, id: string, maxHours: number): Promise<void> {
  const lapsesAt = new Date(Date.now() + (maxHours + 1) * 3_600_000).toISOString();
  await putOnce(bucket(), pinKey(target, base, id), {
    version: 1,
    holder: id,
    reason: 'base of a backup',
    lapsesAt,
  });
}

/** Two backups at once slow each other down. A first attempt gives way quietly; after a failure that would hide the failure. */
function giveWay(run: Run, running: string): Promise<PreparedBackup> {
  if (run.attempt === 1) return skip(run, `${running} is still being written`);
  throw new SafehouseError(ERROR_NAMES.refused, {
    what: `Attempt ${run.attempt} was not begun, because ${running} is still being written.`,
    remedy: 'Wait for its end, and start the backup by hand if it does not take the place of this one.',
    error: 'BackupOverlap',
  });
}

async function skip(run: Run, reason: string): Promise<PreparedBackup> {
  await putOnce(bucket(), skippedKey(run.target, run.slot), {
    version: 1,
    execution: run.execution,
    at: new Date().toISOString(),
    reason,
  });
  measure(run.target, [[METRICS.backupsSkipped, 'Count', 1]]);
  logger.warn('skipped', { reason });
  return { outcome: 'skipped', reason, backup: null };
}

const LETTERS = '0123456789abcdefghijklmnopqrstuvwxyz';

const randomLetters = (length: number): string =>
  Array.from({ length }, () => LETTERS[randomInt(LETTERS.length)]).join('');
