import * as z from 'zod';
import type { Bucket } from '../../clients/bucket.ts';
import { readLedger } from '../../clients/ledger.ts';
import { ageText } from '../../core/alert.ts';
import { KINDS } from '../../core/backup-id.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { Execution, ExecutionView } from '../../core/installation.ts';
import type { BackupInput } from '../../core/workflow.ts';
import { bytesText, countOf } from '../amounts.ts';
import { type BackupRow, readRow } from '../backup-row.ts';
import { bucketOf } from '../bucket-of.ts';
import { executionFailure } from '../execution-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { requireTarget } from '../find-target.ts';
import { proofOf } from '../proof-evidence.ts';
import { type ProofProgress, proofProgress } from '../proof-progress.ts';
import { EMPTY_LINE, faint, good, type Line, line, paragraph, strong } from '../screen.ts';
import type { Answer, Call, Verb } from '../verb.ts';
import { type WatchedDetail, watch } from '../watch.ts';

export const backup: Verb = {
  name: 'backup',
  summary: 'make a backup now, and stay until it is proven',
  argument: { name: 'TARGET', required: true },
  flags: {
    kind: {
      value: 'KIND',
      allowed: KINDS,
      about: 'full, unless said otherwise; incremental stands on the newest good full one',
    },
  },
  about: [
    'Starts a backup and shows how it goes, its proof too where the target asks for one; the id stands at the end. Ctrl-C ends the watching, not the backup.',
    'ClickHouse does not say how much there is to do: the bytes and files are those that are done.',
  ],
  examples: ['backup demo --local', 'backup shop --kind incremental'],
  run,
};

async function run(call: Call): Promise<Answer> {
  const { argument, flags, open } = call;
  const installation = await open();
  const target = await requireTarget(installation, argument);
  const kind = flags.get('kind') === 'incremental' ? 'incremental' : 'full';
  const input: BackupInput & { readonly target: string } = { target, kind };
  const bucket = bucketOf(installation);
  const execution = await installation.start('backup', input);
  const { view, interrupted } = await watch(call, {
    execution,
    title: `${kind} backup of ${target}`,
    detail: proofDetail(bucket, target, execution),
    look: (seen) => (typeof seen?.backupId === 'string' ? `show ${seen.backupId}` : 'status'),
  });
  if (view === null || interrupted)
    return {
      exitCode: EXIT.interrupted,
      json: { backup: null, id: view?.backupId ?? null, execution: execution.id },
      screen: () => [],
    };
  if (view.status !== 'succeeded') return failed(bucket, target, execution, view);
  return succeeded(call, bucket, target, execution, view, kind);
}

/** The proof is a part of the backup's own execution, once there is a backup to prove. */
function proofDetail(bucket: Bucket, target: string, { id }: Execution): WatchedDetail {
  let progress: ProofProgress | undefined;
  let of: string | undefined;
  return {
    look: async ({ backupId, state }) => {
      // Another attempt is another backup.
      if ((backupId ?? undefined) !== of) progress = undefined;
      of = backupId ?? undefined;
      if (backupId !== null && PROVING.has(state ?? ''))
        progress ??= proofProgress(bucket, target, backupId, proofOf(id));
      await progress?.look();
    },
    get text() {
      return progress?.text ?? '';
    },
  };
}

const PROVING = new Set(['ProveItems', 'ProveItem', 'JudgeProof']);

const outputSchema = z.looseObject({
  outcome: z.string().optional(),
  reason: z.string().nullable().optional(),
  prepared: z
    .looseObject({
      outcome: z.string(),
      reason: z.string().nullable(),
      backup: z.looseObject({ id: z.string() }).nullable(),
    })
    .optional(),
});

/** An execution succeeds also when it made no backup: then it says why. */
async function succeeded(
  { command }: Call,
  bucket: Bucket,
  target: string,
  execution: Execution,
  view: ExecutionView,
  kind: string,
): Promise<Answer> {
  const { prepared, outcome, reason } = outputSchema.parse(view.output ?? {});
  if (prepared === undefined || prepared.outcome === 'skipped' || outcome === 'already ran')
    return noBackup(
      execution,
      command('status'),
      prepared?.reason ?? reason ?? 'the execution does not say why',
    );
  const id = prepared.backup?.id ?? view.backupId;
  const row = id === null ? undefined : await rowOf(bucket, target, id);
  if (row === undefined)
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `The execution succeeded, but the ledger has no backup ${id ?? 'of it'}.`,
      remedy: `Nothing was concluded from it. Look at the execution: ${execution.id}`,
    });
  return {
    exitCode: EXIT.good,
    json: { backup: row, id: row.id, execution: execution.id },
    screen: (width) => madeScreen(row, row.kind === kind ? null : prepared.reason, width),
  };
}

function madeScreen(row: BackupRow, reason: string | null, width: number): Line[] {
  const took =
    row.finishedAt === null ? '' : ` in ${ageText(Date.parse(row.finishedAt) - Date.parse(row.startedAt))}`;
  return [
    line(
      good(row.provenAt === null ? 'Verified' : 'Proven'),
      `  ${bytesText(row.bytes ?? 0)}, ${countOf(row.objects ?? 0, 'object')}, ${countOf(row.tables ?? 0, 'table')}${took}`,
    ),
    ...(reason === null ? [] : paragraph(`It is ${row.kind}: `, reason, width)),
    ...(row.base === null ? [] : [line(faint('Stands on '), row.base)]),
    EMPTY_LINE,
    line(strong(row.id)),
  ];
}

const noBackup = (execution: Execution, look: string, reason: string): Answer => ({
  exitCode: EXIT.failed,
  json: { backup: null, id: null, execution: execution.id },
  screen: () => [],
  error: {
    name: 'Skipped',
    what: `No backup was made: ${reason}.`,
    remedy: `${look} shows what is running; start it again when that has ended.`,
  },
});

async function failed(
  bucket: Bucket,
  target: string,
  execution: Execution,
  view: ExecutionView,
): Promise<Answer> {
  const { error, exitCode } = executionFailure(view, execution.id);
  const row = view.backupId === null ? undefined : await rowOf(bucket, target, view.backupId);
  return {
    exitCode,
    json: { backup: row ?? null, id: view.backupId, execution: execution.id },
    // What failed after it was verified leaves it as it is.
    screen: () =>
      view.backupId === null
        ? []
        : [line(strong(view.backupId), ...(row === undefined ? [] : ['  ', faint(row.state)]))],
    error,
  };
}

async function rowOf(bucket: Bucket, target: string, id: string): Promise<BackupRow | undefined> {
  const { entries } = await readLedger(bucket, target);
  const entry = entries.find((found) => found.id === id);
  return entry === undefined ? undefined : readRow(bucket, entry);
}
