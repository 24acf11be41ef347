/**
 * The judgement on a running backup. `system.backups` is the memory of one server: a row can be missing because the server
 * was restarted, because another replica answered, or because it is too early. Each has its own name here, and none of
 * them is success.
 */
import type { PollOutcome } from './workflow.ts';

/** One row of `system.backups`. */
export interface BackupRow {
  readonly status: string;
  readonly error: string;
  /** Files and bytes done so far: ClickHouse gives no total. */
  readonly files: number;
  readonly bytes: number;
  /** Whether a query with the backup's query id is in `system.processes`. */
  readonly alive: boolean;
}

/** What one poll saw. */
export interface Observation {
  /** `serverUUID()` of the server that answered. */
  readonly server: string;
  /** Seconds since that server started. */
  readonly uptime: number;
  /** True when every replica of a cluster was asked. */
  readonly everywhere: boolean;
  readonly row: BackupRow | null;
}

/** What is known from `submit` and the polls before. Times are milliseconds since 1970. */
export interface PollMemory {
  readonly submittedAt: number;
  /** The server that was seen to know the backup; null until then. */
  readonly server: string | null;
  readonly files: number;
  readonly bytes: number;
  /** The last sign of life: the counters moved, or the query was alive. */
  readonly movedAt: number;
  readonly silentSince: number | null;
}

export interface PollLimits {
  /** After this, the backup is cancelled. */
  readonly maxHours: number;
}

export interface Judgement {
  readonly outcome: PollOutcome;
  /** For `running`: why it counts as running; for all others: what was seen. */
  readonly because: string;
  readonly memory: PollMemory;
}

/** A row that has not appeared after this long never will: submitting takes seconds. */
export const APPEARS_WITHIN_SECONDS = 120;
/** Counters may stand still while one large file is copied, but then a query is alive; without one, this is the end. */
export const STALLED_AFTER_SECONDS = 300;
/** A server that has not answered for this long is treated as gone: the bucket decides. */
export const SILENT_AFTER_SECONDS = 1800;

/**
 * What the answer of ClickHouse, or its silence (`null`), means.
 */
export function judgePoll(
  memory: PollMemory,
  observation: Observation | null,
  now: number,
  limits: PollLimits,
): Judgement {
  const overTime = now - memory.submittedAt > limits.maxHours * 3_600_000;
  if (observation === null) return judgeSilence(memory, now, overTime);
  const { row } = observation;
  if (row === null) return judgeMissing(memory, observation, now);
  const moved = row.files !== memory.files || row.bytes !== memory.bytes;
  const next: PollMemory = {
    ...memory,
    server: observation.server,
    files: row.files,
    bytes: row.bytes,
    movedAt: moved || row.alive ? now : memory.movedAt,
    silentSince: null,
  };
  switch (row.status) {
    case 'BACKUP_CREATED':
    case 'RESTORED':
      return { outcome: 'finished', because: `system.backups says ${row.status}`, memory: next };
    case 'BACKUP_FAILED':
    case 'RESTORE_FAILED':
      return { outcome: 'failed', because: row.error, memory: next };
    case 'BACKUP_CANCELLED':
    case 'RESTORE_CANCELLED':
      return { outcome: 'cancelled', because: row.error || 'somebody cancelled it', memory: next };
    case 'CREATING_BACKUP':
    case 'RESTORING':
      break;
    default:
      return {
        outcome: 'failed',
        because: `system.backups says ${row.status}, which this release of Safehouse does not know`,
        memory: next,
      };
  }
  if (overTime)
    return { outcome: 'over time', because: `it ran for more than ${limits.maxHours} hours`, memory: next };
  const still = (now - next.movedAt) / 1000;
  // ClickHouse#92649, #65551: after a memory limit or a lost disk the row says CREATING_BACKUP for ever.
  if (still > STALLED_AFTER_SECONDS)
    return {
      outcome: 'stalled',
      because: `the row has stood still for ${Math.round(still / 60)} minutes and no such query is running`,
      memory: next,
    };
  return { outcome: 'running', because: runningBecause(moved, row.alive), memory: next };
}

function runningBecause(moved: boolean, alive: boolean): string {
  if (moved) return 'it moves';
  return alive ? 'its query is alive' : 'it has not stood still for long';
}

function judgeSilence(memory: PollMemory, now: number, overTime: boolean): Judgement {
  const silentSince = memory.silentSince ?? now;
  const silent = (now - silentSince) / 1000;
  const next = { ...memory, silentSince };
  if (silent > SILENT_AFTER_SECONDS || overTime)
    return {
      outcome: 'lost',
      because: `ClickHouse has not answered for ${Math.round(silent / 60)} minutes${overTime ? ', and its time is over' : ''}`,
      memory: next,
    };
  return { outcome: 'running', because: 'ClickHouse does not answer at the moment', memory: next };
}

function judgeMissing(memory: PollMemory, observation: Observation, now: number): Judgement {
  const { server, uptime, everywhere } = observation;
  const next: PollMemory = { ...memory, silentSince: null };
  const sinceSubmit = (now - memory.submittedAt) / 1000;
  if (memory.server !== null && server !== memory.server && !everywhere)
    return judgeOtherReplica(next, server, now);
  // Five seconds of slack: uptime counts whole seconds, and the two clocks are not the same.
  const restarted = uptime + 5 < sinceSubmit;
  const forgotten = `the server was restarted ${Math.round(uptime)} s ago and has forgotten it`;
  if (restarted && server === memory.server) return { outcome: 'lost', because: forgotten, memory: next };
  if (sinceSubmit > APPEARS_WITHIN_SECONDS)
    return {
      outcome: 'lost',
      because: restarted && !everywhere ? forgotten : 'no server knows it',
      memory: next,
    };
  return { outcome: 'running', because: 'the row has not appeared yet', memory: next };
}

/** Behind a load balancer, for as long as the replica that knows the backup may merely not have been the one to answer. */
function judgeOtherReplica(memory: PollMemory, server: string, now: number): Judgement {
  const unseen = (now - memory.movedAt) / 1000;
  if (unseen > SILENT_AFTER_SECONDS)
    return {
      outcome: 'lost',
      because: `for ${Math.round(unseen / 60)} minutes only replicas answered that do not know it`,
      memory,
    };
  return { outcome: 'running', because: `another replica answered (${server})`, memory };
}

/**
 * Seconds until the next poll: a tenth of the time so far, at least 1 and at most 600, so that a backup is noticed within a
 * tenth of its duration, a short one costs a few transitions, and one of a week stays under half of the 25,000 events that
 * an execution's history can hold.
 *
 * @param polls so far. By a clock that is behind no time passes at all: then the wait grows with their number, later than it
 *   ever would by a clock that is right.
 */
export const nextWaitSeconds = (elapsedSeconds: number, polls = 0): number =>
  Math.round(Math.min(600, Math.max(1, elapsedSeconds / 10, 1.1 ** (polls - 20))));

/**
 * For so long a poll looks by itself again and again: until then a second of waiting is much of what is waited for, and later
 * the wait grows anyway.
 */
export const LOOKED_AT_CLOSELY_SECONDS = 20;
