import { mapConcurrently } from '../../clients/concurrently.ts';
import { ageText } from '../../core/alert.ts';
import { SafehouseError } from '../../core/errors.ts';
import type { Examination, Installation } from '../../core/installation.ts';
import { type AlarmHealth, examineAlarms } from '../alarm-health.ts';
import { examineAlerts } from '../alert-health.ts';
import { bytesText, countOf, isoTime } from '../amounts.ts';
import { bucketOf } from '../bucket-of.ts';
import { EXIT } from '../exit-codes.ts';
import { coverageText, type ProofHealth } from '../proof-health.ts';
import { reportOf } from '../report.ts';
import type { RestoreHealth } from '../restore-health.ts';
import {
  bad,
  doubtful,
  EMPTY_LINE,
  faint,
  good,
  type Line,
  line,
  paragraph,
  type Span,
  strong,
} from '../screen.ts';
import { type Column, table } from '../table.ts';
import { examineTarget, type TargetHealth } from '../target-health.ts';
import { uploadDocument, uploadLines } from '../upload-health.ts';
import type { Answer, Call, Verb } from '../verb.ts';

export const status: Verb = {
  name: 'status',
  summary: 'one screen: the last good backups, and what is wrong',
  flags: {},
  about: [
    'Shows for each target its last good backup, how old and how large it is, when the next one is due, which one was proven last and how many are covered by a proof, which one was last restored or drilled, and what is wrong, with what to do about it; on AWS also which alarms ring, and whether anybody hears the alerts. Exit code 4 when anything is wrong.',
  ],
  examples: ['status', 'status --local', 'status --json'],
  run,
};

/** Targets that are looked at together. */
const AT_ONCE = 8;

async function run({ open, now, command, where }: Call): Promise<Answer> {
  const installation = await open();
  const bucket = bucketOf(installation);
  const at = now();
  const examined = await mapConcurrently(await installation.targets(), AT_ONCE, (name) =>
    healthOf(name, async () =>
      examineTarget(bucket, name, await installation.target(name), { now: at, command }),
    ),
  );
  // Nothing starts by itself on this machine.
  const healths = examined.map((health) => (where.local ? { ...health, next: null } : health));
  const [alerts, alarms] = await Promise.all([examineAlerts(installation), examineAlarms(installation)]);
  const findings = { healths, alerts, alarms };
  const allGood = healths.every(({ problems }) => problems.length === 0) && badOf(findings).length === 0;
  return {
    exitCode: allGood ? EXIT.good : EXIT.failed,
    json: {
      installation: installation.title,
      good: allGood,
      alerts: alerts === undefined ? null : examinationDocument(alerts),
      alarms: alarms === undefined ? null : alarmDocument(alarms),
      targets: healths.map((health) => document(health, at)),
    },
    screen: (width) => statusScreen(installation, findings, at, width),
  };
}

/** A target that cannot be looked at is shown as wrong, next to the others; never left out. */
async function healthOf(target: string, examine: () => Promise<TargetHealth>): Promise<TargetHealth> {
  try {
    return await examine();
  } catch (error) {
    if (!(error instanceof SafehouseError)) throw error;
    const problems = [reportOf(error).error];
    return {
      target,
      lastGood: null,
      bytes: null,
      goodBackups: 0,
      running: [],
      next: null,
      proof: null,
      restores: null,
      uploads: null,
      problems,
    };
  }
}

const examinationDocument = ({ result, what, remedy }: Examination) => ({ result, what, remedy });

const alarmDocument = ({ examination, ringing }: AlarmHealth): Record<string, unknown> => ({
  ...examinationDocument(examination),
  ringing: ringing.map(({ name, since, meaning, runbook }) => ({
    name,
    since: since === null ? null : isoTime(since),
    meaning,
    runbook,
  })),
});

function document(health: TargetHealth, now: number): Record<string, unknown> {
  const { target, lastGood, bytes, goodBackups, running, next, proof, restores, uploads, problems } = health;
  return {
    target,
    good: problems.length === 0,
    lastGood:
      lastGood === null
        ? null
        : {
            id: lastGood.id,
            kind: lastGood.kind,
            startedAt: isoTime(lastGood.startedAt),
            ageSeconds: Math.round((now - lastGood.startedAt) / 1000),
            bytes,
          },
    goodBackups,
    running: running.map(({ id }) => id),
    next:
      next === null
        ? null
        : { kind: next.kind, at: next.at === null ? null : isoTime(next.at), schedule: next.expression },
    proof: proof === null ? null : proofDocument(proof, now),
    restores: restores === null ? null : restoreDocument(restores, now),
    unfinishedUploads: uploads === null ? null : uploadDocument(uploads),
    problems,
  };
}

function proofDocument(proof: ProofHealth, now: number): Record<string, unknown> {
  const { wanted, newestProofAt, newestProven, covered, good: provable, withinDays, refuted } = proof;
  return {
    wanted,
    newestAt: newestProofAt === null ? null : isoTime(newestProofAt),
    ageSeconds: newestProofAt === null ? null : Math.round((now - newestProofAt) / 1000),
    newestBackup: newestProven?.id ?? null,
    covered,
    of: provable,
    withinDays,
    refuted: refuted.map(({ id }) => id),
  };
}

function restoreDocument(
  { lastGood, failedSince, drills }: RestoreHealth,
  now: number,
): Record<string, unknown> {
  return {
    drills,
    lastGood:
      lastGood === null
        ? null
        : {
            restore: lastGood.restore,
            backup: lastGood.backup,
            to: lastGood.to,
            drill: lastGood.drill,
            at: lastGood.at,
            ageSeconds: Math.round((now - Date.parse(lastGood.at)) / 1000),
          },
    failedSince: failedSince?.restore ?? null,
  };
}

const COLUMNS: readonly Column[] = [
  { heading: 'TARGET', fit: 'cut' },
  { heading: '' },
  { heading: 'LAST GOOD BACKUP' },
  { heading: 'AGE', align: 'right' },
  { heading: 'SIZE', align: 'right' },
  { heading: 'NEXT RUN', fit: 'cut' },
];

interface Findings {
  readonly healths: readonly TargetHealth[];
  readonly alerts: Examination | undefined;
  readonly alarms: AlarmHealth | undefined;
}

/** What is looked at beside the targets. */
const examinationsOf = ({ alerts, alarms }: Findings): Examination[] =>
  [alerts, alarms?.examination].filter((examination) => examination !== undefined);

const badOf = (findings: Findings): Examination[] =>
  examinationsOf(findings).filter(({ result }) => result === 'bad');

function statusScreen(
  { title, bucketName }: Installation,
  findings: Findings,
  now: number,
  width: number,
): Line[] {
  const { healths } = findings;
  const wrong = healths.filter(({ problems }) => problems.length > 0);
  return [
    line(faint(`Safehouse on ${title}, bucket ${bucketName}`)),
    EMPTY_LINE,
    ...table(
      COLUMNS,
      healths.map((health) => row(health, now)),
      width,
    ),
    ...proofTable(healths, now, width),
    ...restoreTable(healths, now, width),
    ...healths.flatMap(({ target, proof }) => refutedLines(target, proof, width)),
    ...healths.flatMap(({ target, uploads }) => uploadLines(target, uploads, now, width)),
    ...healths.flatMap(({ target, running }) => runningLines(target, running, now)),
    ...wrong.flatMap((health) => problemLines(health, width)),
    ...examinationsOf(findings).flatMap((examination) => examinationLines(examination, width)),
    EMPTY_LINE,
    line(verdict(wrong.length, findings)),
  ];
}

function verdict(wrong: number, findings: Findings): Span {
  if (wrong > 0)
    return bad(
      `${countOf(wrong, 'target')} of ${findings.healths.length} ${wrong === 1 ? 'needs' : 'need'} somebody.`,
    );
  const needing = badOf(findings).map(({ check }) => check);
  if (needing.length > 0) return bad(`The backups are well; their ${needing.join(' and ')} need somebody.`);
  return examinationsOf(findings).some(({ result }) => result === 'not checked')
    ? doubtful('The backups are well.')
    : good('All is well.');
}

function examinationLines({ check, result, what, remedy }: Examination, width: number): Line[] {
  const label = `${check.replace(/^./, (first) => first.toUpperCase())}: `;
  if (result === 'good') return [EMPTY_LINE, line(faint(label), what)];
  return [
    EMPTY_LINE,
    ...paragraph(result === 'bad' ? bad(label) : doubtful(label), what, width),
    ...paragraph('To do:  ', remedy, width),
  ];
}

function row({ target, lastGood, bytes, next, problems }: TargetHealth, now: number): Span[] {
  return [
    target,
    problems.length === 0 ? good('good') : bad('WRONG'),
    lastGood === null ? bad('none') : lastGood.id,
    lastGood === null ? '' : ageText(now - lastGood.startedAt),
    bytes === null ? '' : bytesText(bytes),
    next === null ? '' : next.at === null ? next.expression : `in ${ageText(next.at - now)}`,
  ];
}

const PROOF_COLUMNS: readonly Column[] = [
  { heading: 'PROOFS', fit: 'cut' },
  { heading: 'NEWEST PROVEN BACKUP' },
  { heading: 'LAST PROOF' },
  { heading: 'BACKUPS PROVEN', fit: 'wrap' },
];

function proofTable(healths: readonly TargetHealth[], now: number, width: number): Line[] {
  const rows = healths.flatMap(({ target, proof }) => (proof === null ? [] : [proofRow(target, proof, now)]));
  return rows.length === 0 ? [] : [EMPTY_LINE, ...table(PROOF_COLUMNS, rows, width)];
}

function proofRow(target: string, proof: ProofHealth, now: number): Span[] {
  const { wanted, newestProven, newestProofAt, covered, good: provable } = proof;
  const coverage = coverageText(proof);
  return [
    target,
    newestProven?.id ?? (wanted ? doubtful('none') : faint('not wanted')),
    newestProofAt === null ? '' : `${ageText(now - newestProofAt)} ago`,
    provable === 0 ? '' : covered === provable ? good(coverage) : doubtful(coverage),
  ];
}

const RESTORE_COLUMNS: readonly Column[] = [
  { heading: 'RESTORES', fit: 'cut' },
  { heading: 'LAST RESTORED BACKUP' },
  { heading: 'WHEN' },
  { heading: 'HOW', fit: 'wrap' },
];

function restoreTable(healths: readonly TargetHealth[], now: number, width: number): Line[] {
  const rows = healths.flatMap(({ target, restores, goodBackups }) =>
    restores === null || goodBackups === 0 ? [] : [restoreRow(target, restores, now)],
  );
  return rows.length === 0 ? [] : [EMPTY_LINE, ...table(RESTORE_COLUMNS, rows, width)];
}

function restoreRow(target: string, { lastGood, failedSince, drills }: RestoreHealth, now: number): Span[] {
  const since =
    failedSince === null
      ? ''
      : `; ${failedSince.drill ? 'a drill' : 'a restore'} since: ${failedSince.outcome}`;
  if (lastGood === null)
    return [
      target,
      doubtful('never restored'),
      '',
      doubtful(`nobody ever did${drills ? '; drills are on' : ''}${since}`),
    ];
  const how = `${lastGood.drill ? 'drill' : 'restore'} to ${lastGood.to}`;
  return [
    target,
    lastGood.backup,
    `${ageText(now - Date.parse(lastGood.at))} ago`,
    since === '' ? how : doubtful(`${how}${since}`),
  ];
}

/** They do not make a target wrong for as long as retention keeps them: there are good ones, and a person was told. */
function refutedLines(target: string, proof: ProofHealth | null, width: number): Line[] {
  const refuted = proof?.refuted ?? [];
  const newest = refuted.slice(-3).map(({ id }) => id);
  return refuted.length === 0
    ? []
    : paragraph(
        bad('Refuted: '),
        `${target}: ${countOf(refuted.length, 'backup')} verified and found damaged later, ${refuted.length > newest.length ? 'the newest ' : ''}${newest.join(', ')}.`,
        width,
      );
}

const runningLines = (target: string, running: TargetHealth['running'], now: number): Line[] =>
  running.map(({ id, startedAt }) =>
    line(faint('Running: '), `${target}  ${id}  for ${ageText(now - startedAt)}`),
  );

function problemLines({ target, problems }: TargetHealth, width: number): Line[] {
  return [
    EMPTY_LINE,
    line(strong(target)),
    ...problems.flatMap(({ what, remedy }) => [
      ...paragraph(bad('  Wrong: '), what.trimEnd(), width),
      ...paragraph('  To do: ', remedy, width),
    ]),
  ];
}
