import { type Bucket, exists } from '../../clients/bucket.ts';
import { mapConcurrently } from '../../clients/concurrently.ts';
import { type Evidence, type RecordedState, readEvidence } from '../../clients/ledger.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { backupPrefix, MANIFEST } from '../../core/keys.ts';
import { isGood, type LedgerEntry, STATES } from '../../core/ledger.ts';
import type { RestoreReport } from '../../core/restore.ts';
import { isoTime } from '../amounts.ts';
import { AT_ONCE, type BackupRow, readRowOrProblem } from '../backup-row.ts';
import { bucketOf } from '../bucket-of.ts';
import { PROOF_REFUTED } from '../execution-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { findBackup } from '../find-backup.ts';
import { proofOf, type ReadProof, readProof, readProofs } from '../proof-evidence.ts';
import { listReports, readReport, wasBegun } from '../restore-evidence.ts';
import type { Answer, Call, Verb } from '../verb.ts';
import { showScreen } from './show-screen.ts';

export const show: Verb = {
  name: 'show',
  summary: 'all about one backup, its RESTORE statement too',
  argument: { name: 'BACKUP', required: true },
  flags: {},
  about: [
    'Shows a backup: its tables and what is saved of each, sizes, the chain it stands in, the settings it was made with, what is known of each of its states, its newest proof, its restores, and the plain RESTORE statement, which works without Safehouse.',
  ],
  examples: ['show latest --local', 'show 20260402T020000Z-full-k3f9', 'show shop/latest --json'],
  run,
};

export interface ShownTable {
  readonly database: string;
  readonly name: string;
  readonly engine: string;
  readonly coverage: string;
  /** Null before the backup was verified. */
  readonly files: number | null;
  readonly bytes: number | null;
}

export interface ShownBackup {
  readonly entry: LedgerEntry;
  readonly row: BackupRow;
  readonly tables: readonly ShownTable[];
  readonly base: LedgerEntry | undefined;
  readonly dependents: readonly LedgerEntry[];
  /** Of its states; of `proven` the newest. */
  readonly evidence: { readonly [Name in RecordedState]?: Evidence<Name> };
  /** How many proofs it has passed; null when that cannot be read. */
  readonly proofs: number | null;
  /** The proof that condemned it, by its parts; null when none did, or when nothing is left of it. */
  readonly refuted: ReadProof | null;
  /** Its restores that have ended, the oldest first. */
  readonly restores: readonly RestoreReport[];
  /** Evidence that is there and cannot be read. */
  readonly unreadable: readonly string[];
  /** Verified, and yet its manifest is not in the bucket: whoever removed it did so behind Safehouse's back. */
  readonly isGone: boolean;
  /** When this is the newest good backup of its target: later ones that failed, or have not ended. */
  readonly newerNotGood: readonly LedgerEntry[];
}

async function run({ argument, open, now, command }: Call): Promise<Answer> {
  const bucket = bucketOf(await open());
  const { entry, entries } = await findBackup(bucket, argument);
  const { row } = await readRowOrProblem(bucket, entry);
  const { unreadable, ...read } = await readAllEvidence(bucket, entry);
  const proofs = await orUnreadable(unreadable, () => readProofs(bucket, entry));
  const proven = proofs?.at(-1);
  const evidence = { ...read.evidence, ...(proven !== undefined && { proven }) };
  const refuted = await orUnreadable(unreadable, () => readRefutation(bucket, entry, evidence.failed));
  const restores = await readRestores(bucket, entry, unreadable);
  const shown: ShownBackup = {
    entry,
    row,
    tables: tablesOf(evidence),
    base: entries.find(({ id }) => id === evidence.started?.base),
    dependents: await dependentsOf(bucket, entry, entries),
    evidence,
    proofs: proofs?.length ?? null,
    refuted: refuted ?? null,
    restores,
    unreadable,
    isGone:
      isGood(entry.states) && !(await exists(bucket, `${backupPrefix(entry.target, entry.id)}${MANIFEST}`)),
    newerNotGood: newerNotGood(entry, entries),
  };
  return {
    exitCode: EXIT.good,
    json: document(shown),
    screen: (width) => showScreen(shown, { now: now(), command, width }),
  };
}

function document({
  entry,
  row,
  tables,
  dependents,
  evidence,
  proofs,
  refuted,
  restores,
  isGone,
}: ShownBackup): Record<string, unknown> {
  return {
    backup: row,
    kept: entry.states.kept !== undefined,
    isGone,
    reason: evidence.started?.reason ?? null,
    scheduledTime: evidence.started?.scheduledTime ?? null,
    clickhouse: evidence.started?.clickhouse ?? null,
    tables,
    chain: { base: row.base, dependents: dependents.map(({ id }) => id) },
    settings: evidence.written?.settings ?? null,
    logicalBytes: evidence.verified?.logicalBytes ?? null,
    restore: evidence.verified?.restore ?? null,
    states: Object.fromEntries(
      STATES.flatMap((state) => {
        const at = entry.states[state];
        return at === undefined ? [] : [[state, isoTime(at)]];
      }),
    ),
    proofs,
    restores: restores.map(({ restore, at, to, mode, drill, outcome, seconds }) => ({
      restore,
      at,
      to,
      mode,
      drill,
      outcome,
      seconds,
    })),
    findings: refuted?.verdict.verdict === 'refuted' ? refuted.verdict.findings : [],
    evidence,
  };
}

async function readAllEvidence(
  bucket: Bucket,
  { target, id, states }: LedgerEntry,
): Promise<Pick<ShownBackup, 'evidence'> & { unreadable: string[] }> {
  // A backup can be proven more than once, so its proofs are read apart from this.
  const recorded = STATES.filter((state) => state !== 'proven' && states[state] !== undefined);
  const unreadable: string[] = [];
  const read = await mapConcurrently(
    recorded,
    AT_ONCE,
    async (state) =>
      [
        state,
        await orUnreadable<unknown>(unreadable, () => readEvidence(bucket, target, id, state)),
      ] as const,
  );
  return { evidence: Object.fromEntries(read.filter(([, found]) => found !== undefined)), unreadable };
}

async function readRestores(
  bucket: Bucket,
  { target, id }: LedgerEntry,
  unreadable: string[],
): Promise<RestoreReport[]> {
  const reports = await mapConcurrently(await listReports(bucket, target, id), AT_ONCE, (reference) =>
    orUnreadable(unreadable, () => readReport(bucket, reference)),
  );
  return reports.filter((report) => report !== undefined).filter(wasBegun);
}

/** Evidence that cannot be read is told, and does not hide the rest. */
async function orUnreadable<Read>(
  unreadable: string[],
  read: () => Promise<Read>,
): Promise<Read | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof SafehouseError) || error.name !== ERROR_NAMES.incomplete) throw error;
    unreadable.push(error.failure.what);
    return undefined;
  }
}

/** The name of its execution leads from the failure to the proof. */
async function readRefutation(
  bucket: Bucket,
  { target, id }: LedgerEntry,
  failed: Evidence<'failed'> | undefined,
): Promise<ReadProof | undefined> {
  return failed?.error === PROOF_REFUTED ? readProof(bucket, target, id, proofOf(failed.by)) : undefined;
}

function newerNotGood(entry: LedgerEntry, entries: readonly LedgerEntry[]): LedgerEntry[] {
  const newer = entries.filter(({ startedAt }) => startedAt > entry.startedAt);
  if (!isGood(entry.states) || newer.some(({ states }) => isGood(states))) return [];
  return newer.filter(({ states }) => states.failed !== undefined || states.verified === undefined);
}

/** As verified, with sizes; before that, as they were in scope when the backup began. */
function tablesOf({ verified, started }: ShownBackup['evidence']): ShownTable[] {
  if (verified !== undefined) return verified.tables;
  return (started?.tables ?? []).map((table) => ({ ...table, files: null, bytes: null }));
}

/** The incrementals that stand on a full backup: only what began after it can. */
async function dependentsOf(
  bucket: Bucket,
  entry: LedgerEntry,
  entries: readonly LedgerEntry[],
): Promise<LedgerEntry[]> {
  if (entry.kind !== 'full') return [];
  const candidates = entries.filter(
    ({ kind, startedAt, states }) =>
      kind === 'incremental' && startedAt >= entry.startedAt && states.removed === undefined,
  );
  const bases = await mapConcurrently(candidates, AT_ONCE, ({ target, id }) => readBase(bucket, target, id));
  return candidates.filter((_, index) => bases[index] === entry.id);
}

/** Null when it cannot be read: one broken page of the ledger must not hide a backup that is needed. */
async function readBase(bucket: Bucket, target: string, id: string): Promise<string | null> {
  try {
    return (await readEvidence(bucket, target, id, 'started'))?.base ?? null;
  } catch (error) {
    if (!(error instanceof SafehouseError) || error.name !== ERROR_NAMES.incomplete) throw error;
    return null;
  }
}
