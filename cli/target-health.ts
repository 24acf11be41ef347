/** How a target stands: its last good backup, what runs, what comes next, and what is wrong, in words. */
import { type Bucket, type BucketObject, listObjects } from '../clients/bucket.ts';
import { readEvidence } from '../clients/ledger.ts';
import { ageText } from '../core/alert.ts';
import type { Kind } from '../core/backup-id.ts';
import type { Target } from '../core/config.ts';
import { SafehouseError } from '../core/errors.ts';
import { ledgerPrefix } from '../core/keys.ts';
import { foldLedger, isGood, type LedgerEntry } from '../core/ledger.ts';
import { largestGapHours, nextRuns } from '../core/schedule.ts';
import { type ProofHealth, proofHealth, proofProblems } from './proof-health.ts';
import { type RestoreHealth, restoreHealth, restoreProblems } from './restore-health.ts';
import { examineUploads, type UploadHealth } from './upload-health.ts';
import type { ReportedError } from './verb.ts';

const HOUR = 3_600_000;

export interface NextRun {
  readonly kind: Kind;
  /** Milliseconds since 1970; null for a rate, whose beginning only the scheduler knows. */
  readonly at: number | null;
  readonly expression: string;
}

export interface TargetHealth {
  readonly target: string;
  readonly lastGood: LedgerEntry | null;
  /** Of the last good one. */
  readonly bytes: number | null;
  readonly goodBackups: number;
  /** Begun, not ended, and still within their time; oldest first. */
  readonly running: readonly LedgerEntry[];
  readonly next: NextRun | null;
  /** Null when the target cannot be looked at. */
  readonly proof: ProofHealth | null;
  /** Null when the target cannot be looked at. */
  readonly restores: RestoreHealth | null;
  /** Null when nothing was left behind, or the target cannot be looked at. */
  readonly uploads: UploadHealth | null;
  readonly problems: readonly ReportedError[];
}

export interface Examiner {
  readonly now: number;
  /** A command line to be copied. */
  readonly command: (words: string) => string;
}

export async function examineTarget(
  bucket: Bucket,
  name: string,
  target: Target,
  examiner: Examiner,
): Promise<TargetHealth> {
  const { now, command } = examiner;
  const listing: BucketObject[] = [];
  for await (const object of listObjects(bucket, ledgerPrefix(name))) listing.push(object);
  const { entries } = foldLedger(listing);
  const good = entries.filter(({ states, startedAt }) => isGood(states) && startedAt <= now);
  const lastGood = good.at(-1) ?? null;
  const verified = lastGood === null ? undefined : await evidenceOrProblem(bucket, lastGood, 'verified');
  const proof = proofHealth(entries, target, now);
  const restores = await restoreHealth(
    bucket,
    listing.map(({ key }) => key),
    target.drill !== undefined,
  );
  return {
    target: name,
    lastGood,
    bytes: verified?.evidence?.bytes ?? null,
    goodBackups: good.length,
    running: entries.filter((entry) => isRunning(entry, target, now)),
    next: nextRun(target, now),
    proof,
    restores,
    uploads: await examineUploads(bucket, name, entries),
    problems: [
      ...ageProblems(name, lastGood, good.length, target, examiner),
      ...(await chainProblems(bucket, lastGood, entries, command)),
      ...(await failureProblems(bucket, entries, lastGood, examiner)),
      ...unfinishedProblems(entries, target, now),
      ...proofProblems(proof, entries, {
        name,
        target,
        staleAfterHours: staleAfterHours(target, now),
        now,
        command,
      }),
      ...restoreProblems(restores, now),
      ...(verified?.problem === undefined ? [] : [verified.problem]),
    ],
  };
}

/** When the newest good backup is too old: as set, or the longest pause of the schedules and two hours. */
export function staleAfterHours({ staleAfterHours: set, schedule }: Target, now: number): number {
  const { full, incremental, timeZone } = schedule;
  const expressions = incremental === undefined ? [full] : [full, incremental];
  return set ?? largestGapHours(expressions, timeZone, now) + 2;
}

function ageProblems(
  name: string,
  lastGood: LedgerEntry | null,
  count: number,
  target: Target,
  { now, command }: Examiner,
): ReportedError[] {
  if (lastGood === null)
    return [
      {
        name: 'NoGoodBackup',
        what: 'There is no good backup.',
        remedy: `Make one:\n${command(`backup ${name}`)}`,
      },
    ];
  const allowed = staleAfterHours(target, now) * HOUR;
  const age = now - lastGood.startedAt;
  if (age <= allowed) return [];
  return [
    {
      name: 'Stale',
      what: `The newest good backup is ${ageText(age)} old; it may be ${ageText(allowed)}. ${count === 1 ? 'It is the only one.' : `There are ${count} good ones.`}`,
      remedy: `Find out why none came about since, or make one:\n${command(`backup ${name}`)}`,
    },
  ];
}

/** A good incremental whose base is not good any more cannot be restored, however good it is itself. */
async function chainProblems(
  bucket: Bucket,
  lastGood: LedgerEntry | null,
  entries: readonly LedgerEntry[],
  command: Examiner['command'],
): Promise<ReportedError[]> {
  if (lastGood === null || lastGood.kind === 'full') return [];
  const { evidence, problem } = await evidenceOrProblem(bucket, lastGood, 'started');
  if (problem !== undefined) return [problem];
  const base = entries.find(({ id }) => id === evidence?.base);
  // A base that is only marked is still whole.
  const whole =
    base?.states.verified !== undefined &&
    !['failed', 'removing', 'removed'].some((state) => state in base.states);
  if (whole) return [];
  return [
    {
      name: 'BrokenChain',
      what: `${lastGood.id} stands on ${evidence?.base ?? 'a base that the ledger does not name'}, which is not there any more or never was good: it cannot be restored.`,
      remedy: `Make a full backup now:\n${command(`backup ${lastGood.target} --kind full`)}`,
    },
  ];
}

/** The newest failure, as long as nothing good came after it. */
async function failureProblems(
  bucket: Bucket,
  entries: readonly LedgerEntry[],
  lastGood: LedgerEntry | null,
  { now, command }: Examiner,
): Promise<ReportedError[]> {
  const since = entries.filter(
    ({ startedAt, states }) =>
      states.failed !== undefined && startedAt > (lastGood?.startedAt ?? Number.NEGATIVE_INFINITY),
  );
  const newest = since.at(-1);
  if (newest === undefined) return [];
  const { evidence, problem } = await evidenceOrProblem(bucket, newest, 'failed');
  if (problem !== undefined) return [problem];
  const ago = ageText(now - (newest.states.failed ?? newest.startedAt));
  const others = since.length === 1 ? '' : ` (and ${since.length - 1} before it)`;
  return [
    {
      name: evidence?.error ?? 'Failed',
      what: `${newest.id} failed ${ago} ago${others}: ${evidence?.what ?? 'the ledger does not say why'}`,
      remedy: evidence?.remedy ?? command(`show ${newest.id}`),
    },
  ];
}

function unfinishedProblems(entries: readonly LedgerEntry[], target: Target, now: number): ReportedError[] {
  return entries.filter(isOpen).flatMap((entry): ReportedError[] => {
    const { written } = entry.states;
    if (written !== undefined && now - written > HOUR)
      return [
        {
          name: 'Unverified',
          what: `ClickHouse finished ${entry.id} ${ageText(now - written)} ago, and nobody has verified it.`,
          remedy: 'Look at its execution in Step Functions; until it is verified it does not count.',
        },
      ];
    if (written !== undefined || isRunning(entry, target, now)) return [];
    return [
      {
        name: 'Abandoned',
        what: `${entry.id} began ${ageText(now - entry.startedAt)} ago and never came to an end.`,
        remedy: 'Look at its execution in Step Functions; retention sweeps its leftovers away.',
      },
    ];
  });
}

const isOpen = ({ states }: LedgerEntry): boolean =>
  [states.verified, states.proven, states.failed, states.expiring, states.removing, states.removed].every(
    (at) => at === undefined,
  );

/** Its time is `maxHours`, and an hour to be noticed and verified. */
const isRunning = (entry: LedgerEntry, { maxHours }: Target, now: number): boolean =>
  isOpen(entry) && now - begunAt(entry) <= (maxHours + 1) * HOUR;

/** An adopted backup has the time at which it was made, long before its page was opened. */
const begunAt = ({ startedAt, states }: LedgerEntry): number => Math.max(startedAt, states.started ?? 0);

/** The earliest of the schedules; a full before an incremental of the same minute. */
function nextRun({ schedule }: Target, now: number): NextRun | null {
  const { full, incremental, timeZone } = schedule;
  const of = (kind: Kind, expression: string): NextRun => ({
    kind,
    expression,
    at: expression.startsWith('rate') ? null : (nextRuns(expression, timeZone, now, 1)[0] ?? null),
  });
  const runs = [of('full', full), ...(incremental === undefined ? [] : [of('incremental', incremental)])];
  return (
    runs.sort((a, b) => (a.at ?? Number.POSITIVE_INFINITY) - (b.at ?? Number.POSITIVE_INFINITY))[0] ?? null
  );
}

type Readable = 'started' | 'verified' | 'failed';

/** Evidence that cannot be read is a thing that is wrong with the target, and hides nothing else of it. */
async function evidenceOrProblem<Name extends Readable>(
  bucket: Bucket,
  { target, id }: LedgerEntry,
  state: Name,
) {
  try {
    return { evidence: await readEvidence(bucket, target, id, state), problem: undefined };
  } catch (error) {
    if (!(error instanceof SafehouseError)) throw error;
    const { what, remedy } = error.failure;
    return { evidence: undefined, problem: { name: error.name, what, remedy } };
  }
}
