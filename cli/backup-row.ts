/** A backup as `list` shows it: what the listing says, and the few figures that stand in the evidence. */
import type { Bucket } from '../clients/bucket.ts';
import { readEvidence } from '../clients/ledger.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { type LedgerEntry, type State, stateOf } from '../core/ledger.ts';
import { isoTime } from './amounts.ts';

/** The field names are those of `list --json`, and stable. */
export interface BackupRow {
  readonly id: string;
  readonly target: string;
  readonly kind: LedgerEntry['kind'];
  /** The full backup that an incremental stands on. */
  readonly base: string | null;
  readonly state: State;
  /** ISO 8601. */
  readonly startedAt: string;
  /** When it was verified, or failed; null while neither is so. By S3's clock. */
  readonly finishedAt: string | null;
  /** When its newest proof was recorded; null when it was never proven. By S3's clock. */
  readonly provenAt: string | null;
  /** Files, objects and bytes as they were verified; null before. */
  readonly files: number | null;
  readonly objects: number | null;
  readonly bytes: number | null;
  /** How many tables. */
  readonly tables: number | null;
}

/** How many backups have their evidence read at once. */
export const AT_ONCE = 32;

/** One object for a good full backup, two for an incremental or an unfinished one. */
export async function readRow(bucket: Bucket, entry: LedgerEntry): Promise<BackupRow> {
  const { target, id, kind, states } = entry;
  const [verified, started] = await Promise.all([
    states.verified === undefined ? undefined : readEvidence(bucket, target, id, 'verified'),
    states.started === undefined || (kind === 'full' && states.verified !== undefined)
      ? undefined
      : readEvidence(bucket, target, id, 'started'),
  ]);
  return {
    ...bareRow(entry),
    base: started?.base ?? null,
    files: verified?.files ?? null,
    objects: verified?.objects ?? null,
    bytes: verified?.bytes ?? null,
    tables: verified?.tables.length ?? started?.tables.length ?? null,
  };
}

/** A row whose evidence cannot be read still shows what the listing says, and does not hide the others. */
export async function readRowOrProblem(
  bucket: Bucket,
  entry: LedgerEntry,
): Promise<{ readonly row: BackupRow; readonly problem?: string }> {
  try {
    return { row: await readRow(bucket, entry) };
  } catch (error) {
    if (!(error instanceof SafehouseError) || error.name !== ERROR_NAMES.incomplete) throw error;
    return { row: bareRow(entry), problem: error.failure.what };
  }
}

function bareRow({ id, target, kind, states, startedAt }: LedgerEntry): BackupRow {
  const finished = states.verified ?? states.failed;
  return {
    id,
    target,
    kind,
    base: null,
    state: stateOf(states),
    startedAt: isoTime(startedAt),
    finishedAt: finished === undefined ? null : isoTime(finished),
    provenAt: states.proven === undefined ? null : isoTime(states.proven),
    files: null,
    objects: null,
    bytes: null,
    tables: null,
  };
}
