import type { Bucket } from '../../clients/bucket.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { Execution, ExecutionView, Installation } from '../../core/installation.ts';
import { type LedgerEntry, type Proven, stateOf } from '../../core/ledger.ts';
import { PROOF_LEVELS, type ProofLevel, type Verdict } from '../../core/proof.ts';
import { bucketOf } from '../bucket-of.ts';
import { executionFailure, PROOF_REFUTED } from '../execution-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { findBackup } from '../find-backup.ts';
import { requirePresent } from '../present-backup.ts';
import { proofOf, type ReadProof, readProof, readProofs } from '../proof-evidence.ts';
import { proofProgress } from '../proof-progress.ts';
import { findingLines, provenFacts, unprovenFacts } from '../proof-screen.ts';
import { bad, doubtful, EMPTY_LINE, good, type Line, line, type Span, strong } from '../screen.ts';
import type { Answer, Call, ReportedError, Verb } from '../verb.ts';
import { watch } from '../watch.ts';
import { restore } from './restore.ts';

const DRILL = 'drill';

export const prove: Verb = {
  name: 'prove',
  summary: 'read a backup back with an engine that did not write it',
  argument: { name: 'BACKUP', required: true },
  flags: {
    level: {
      value: 'LEVEL',
      allowed: [...PROOF_LEVELS, DRILL],
      about:
        'bytes reads every byte, counts rows and parts alone; else what `prove.level` of the target says. drill restores it on the server that `drill.to` names, or its own, compares, and drops what it restored',
    },
  },
  about: [
    'Starts a proof and shows how far it is. The engine mounts the backup, counts it, reads it and runs the assertions of the target, after it has shown on a control backup that it can tell good from bad. Ctrl-C ends the watching, not the proof.',
    'Exit code 5: the backup is damaged, and does not count as good any more, nor does what stands on it. Exit code 4: nothing was proven, and nothing was said against the backup.',
  ],
  examples: [
    'prove latest --local',
    'prove shop/latest --level counts',
    'prove latest --level drill --local',
    'prove 20260402T020000Z-full-k3f9 --json',
  ],
  run,
};

async function run(call: Call): Promise<Answer> {
  const installation = await call.open();
  const bucket = bucketOf(installation);
  const { entry } = await findBackup(bucket, call.argument);
  requirePresent(entry);
  requireVerified(entry);
  if (call.flags.get('level') === DRILL) return drill(call, installation, entry);
  const execution = await start(call, installation, entry);
  const progress = proofProgress(bucket, entry.target, entry.id, proofOf(execution.id));
  const { view, interrupted } = await watch(call, {
    execution,
    title: `proof of ${entry.id}`,
    look: () => `show ${entry.id}`,
    detail: progress,
  });
  const same = { backup: entry.id, target: entry.target, execution: execution.id };
  if (view === null || interrupted)
    return { exitCode: EXIT.interrupted, json: { ...same, verdict: null }, screen: () => [] };
  const answer =
    view.status === 'succeeded'
      ? await proven(bucket, entry, execution)
      : await unproven(bucket, entry, execution, view);
  return { ...answer, json: { ...same, ...answer.json } };
}

/** A proof on a real server is a restore that nothing is left of. */
async function drill(call: Call, installation: Installation, { target, id }: LedgerEntry): Promise<Answer> {
  const settings = await installation.target(target);
  const values = new Map([
    ['backup', id],
    ['to', settings.drill?.to ?? target],
  ]);
  return restore.run({
    ...call,
    argument: target,
    flags: new Map<string, string | true>([...values, ['drill', true]]),
    all: (flag) => [values.get(flag) ?? []].flat(),
  });
}

function requireVerified({ id, states }: LedgerEntry): void {
  if (states.verified !== undefined) return;
  throw new SafehouseError(ERROR_NAMES.refused, {
    what: `The backup ${id} is ${stateOf(states)} and was never verified: there is nothing whole to prove.`,
    remedy: '`list` shows those that are verified.',
  });
}

async function start(
  { flags }: Call,
  installation: Installation,
  { target, id, states }: LedgerEntry,
): Promise<Execution> {
  const level = (flags.get('level') as ProofLevel | undefined) ?? (await levelOf(installation, target));
  return installation.start('prove', {
    target,
    backup: id,
    ...(level !== undefined && { level }),
    // Assertions over the age of the data, and the comparison with the backup before, are for a new one.
    occasion: states.proven === undefined ? 'new' : 'again',
  });
}

/** Whoever asks for a proof gets one, also where none is made by itself; undefined leaves it to the target's settings. */
async function levelOf(installation: Installation, target: string): Promise<ProofLevel | undefined> {
  const { prove } = await installation.target(target);
  return prove.level === 'none' ? 'bytes' : undefined;
}

async function proven(bucket: Bucket, entry: LedgerEntry, execution: Execution): Promise<Answer> {
  const proofs = await readProofs(bucket, entry);
  const proof = proofs.findLast(({ by }) => proofOf(by) === proofOf(execution.id));
  if (proof === undefined)
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `The proof of ${entry.id} ended well, but the ledger has no evidence of it.`,
      remedy: `Nothing was concluded from it. Look at the execution: ${execution.id}`,
    });
  return {
    exitCode: EXIT.good,
    json: { verdict: 'proven', ...proof },
    screen: (width) => provenScreen(entry, proof, width),
  };
}

const provenScreen = ({ id, states }: LedgerEntry, proof: Proven, width: number): Line[] => [
  heading(good('Proven'), id),
  ...provenFacts(proof, width),
  ...(states.failed === undefined
    ? []
    : [
        EMPTY_LINE,
        line(doubtful('Note: '), 'It stays failed: what the ledger says once is not taken back.'),
      ]),
];

const heading = (verdict: Span, id: string): Line => line(verdict, '  ', strong(id));

/** The execution failed: because of what the proof found, or because it could not be made. */
async function unproven(
  bucket: Bucket,
  { target, id }: LedgerEntry,
  execution: Execution,
  view: ExecutionView,
): Promise<Answer> {
  const { error, exitCode: failed } = executionFailure(view, execution.id);
  const read = await readProof(bucket, target, id, proofOf(execution.id));
  // Also when the proof broke off before its judgement: what was found is damage.
  const isDamaged = read?.verdict.verdict === 'refuted' || error.name === 'BACKUP_NOT_FOUND';
  const exitCode = isDamaged ? EXIT.unverified : failed;
  // A proof that would pass and whose execution failed all the same was not recorded: it says nothing.
  if (read === undefined || read.verdict.verdict === 'proven')
    return { exitCode, json: { verdict: null }, screen: () => [], error };
  const { verdict, plan } = read;
  return {
    exitCode,
    json: {
      verdict: verdict.verdict,
      level: plan.level,
      engine: plan.engine,
      selfTest: plan.selfTest,
      assertions: plan.assertions,
      anomalies: plan.anomalies,
      ...(verdict.verdict === 'refuted'
        ? { found: verdict.found, findings: verdict.findings }
        : { because: verdict.because }),
    },
    screen: (width) => unprovenScreen(id, read, verdict, width),
    error: shorter(id, error, verdict),
  };
}

type Unproven = Exclude<Verdict, { verdict: 'proven' }>;

const HEADINGS: Readonly<Record<Unproven['verdict'], Span>> = {
  refuted: bad('Refuted'),
  blind: doubtful('Not proven: the prover is blind'),
  incomplete: doubtful('Not proven: not everything was judged'),
};

const unprovenScreen = (id: string, read: ReadProof, verdict: Unproven, width: number): Line[] => [
  heading(HEADINGS[verdict.verdict], id),
  ...unprovenFacts(read, width),
  ...(verdict.verdict === 'refuted'
    ? [EMPTY_LINE, ...findingLines(verdict.findings, verdict.found, width)]
    : []),
  EMPTY_LINE,
];

/** The execution's own text names the first findings, which stand on the screen already. */
function shorter(id: string, error: ReportedError, verdict: Unproven): ReportedError {
  if (error.name !== PROOF_REFUTED || verdict.verdict !== 'refuted') return error;
  return {
    ...error,
    what: verdict.onlyAssertions
      ? `The backup ${id} is whole, and does not hold what its target says it must.`
      : `The backup ${id} is damaged.`,
  };
}
