/** Follows what ClickHouse does by itself, a backup or a restore: asks how it stands, judges the answer, and ends it. */
import { setTimeout as wait } from 'node:timers/promises';
import { type ClickHouse, tell } from '../clients/clickhouse.ts';
import { type BackupAnswer, everyReplica, observeBackup } from '../clients/observation.ts';
import type { Target } from '../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Failure } from '../core/failure.ts';
import { quoteIdentifier } from '../core/identifiers.ts';
import {
  type Judgement,
  judgePoll,
  LOOKED_AT_CLOSELY_SECONDS,
  nextWaitSeconds,
  type PollLimits,
  type PollMemory,
} from '../core/poll.ts';
import type { Poll, PollOutcome } from '../core/workflow.ts';
import { logger } from './step.ts';

export interface Look {
  /** What the server answered, or why it did not. */
  readonly answer: BackupAnswer | SafehouseError;
  readonly judgement: Judgement;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Then the state machine, and whoever watches it, is told how far it is. */
const LOOKS_FOR_MILLISECONDS = 5000;
const LOOKS_EVERY_MILLISECONDS = 500;
const LOOKS = 1 + LOOKS_FOR_MILLISECONDS / LOOKS_EVERY_MILLISECONDS;

/** @throws {SafehouseError} when the server refuses: that is neither an answer nor silence */
export async function look(
  clickhouse: ClickHouse,
  target: Target,
  id: string,
  poll: Poll,
  limits: PollLimits,
): Promise<Look> {
  // A server that takes seconds for each answer is asked less often: this function's own time is limited.
  const end = performance.now() + LOOKS_FOR_MILLISECONDS;
  const isTime = (looks: number): boolean => looks < LOOKS && performance.now() < end;
  let seen = await lookOnce(clickhouse, target, id, poll, limits);
  for (let looks = 1; isTime(looks) && isWorthAnother(seen, poll); looks += 1) {
    await wait(LOOKS_EVERY_MILLISECONDS);
    seen = await lookOnce(clickhouse, target, id, poll, limits);
  }
  return seen;
}

const isWorthAnother = ({ answer, judgement, at }: Look, { submittedAt }: Poll): boolean =>
  judgement.outcome === 'running' &&
  !(answer instanceof SafehouseError) &&
  at - Date.parse(submittedAt) < LOOKED_AT_CLOSELY_SECONDS * 1000;

async function lookOnce(
  clickhouse: ClickHouse,
  target: Target,
  id: string,
  poll: Poll,
  limits: PollLimits,
): Promise<Look> {
  const answer = await observe(clickhouse, target, id);
  const at = Date.now();
  if (!(answer instanceof SafehouseError))
    return { answer, judgement: judgePoll(remember(poll), answer, at, limits), at };
  const silence = judgePoll(remember(poll), null, at, limits);
  return { answer, judgement: { ...silence, because: `${silence.because} (${answer.failure.what})` }, at };
}

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

/** What the next poll has to know. */
export function nextPoll(
  { submittedAt, polls }: Poll,
  { memory }: Judgement,
  at: number,
  outcome: PollOutcome,
  failure: Failure | null,
): Poll {
  return {
    outcome,
    submittedAt,
    waitSeconds: nextWaitSeconds((at - memory.submittedAt) / 1000, polls + 1),
    server: memory.server,
    progress: { files: memory.files, bytes: memory.bytes },
    movedAt: new Date(memory.movedAt).toISOString(),
    silentSince: memory.silentSince === null ? null : new Date(memory.silentSince).toISOString(),
    polls: polls + 1,
    failure,
  };
}

const remember = (poll: Poll): PollMemory => ({
  submittedAt: Date.parse(poll.submittedAt),
  server: poll.server,
  ...poll.progress,
  movedAt: Date.parse(poll.movedAt),
  silentSince: poll.silentSince === null ? null : Date.parse(poll.silentSince),
});

/** As `submit` leaves it for the first poll. */
export const submittedPoll = (submittedAt: string): Poll => ({
  outcome: 'running',
  submittedAt,
  waitSeconds: nextWaitSeconds(0),
  server: null,
  progress: { files: 0, bytes: 0 },
  movedAt: submittedAt,
  silentSince: null,
  polls: 0,
  failure: null,
});

/** Asks for the end and does not wait for it: `SYNC` can block, and cancelling takes effect only between files. */
export async function cancelOperation(clickhouse: ClickHouse, target: Target, id: string): Promise<void> {
  const onCluster = target.cluster === undefined ? '' : ` ON CLUSTER ${quoteIdentifier(target.cluster)}`;
  await tell(clickhouse, {
    query: `KILL QUERY${onCluster} WHERE query_id IN (SELECT query_id FROM ${everyReplica(target, 'system.backups')} WHERE id = {id:String}) ASYNC`,
    parameters: { id },
  }).catch((error: unknown) => {
    // It is given up either way; that its query may still run belongs into the log, not in the way of the alert.
    logger.warn('not cancelled', { id, because: error instanceof Error ? error.message : String(error) });
  });
}
