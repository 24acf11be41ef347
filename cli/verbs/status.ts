import { mapConcurrently } from '../../clients/concurrently.ts';
import { ageText } from '../../core/alert.ts';
import { SafehouseError } from '../../core/errors.ts';
import type { Installation } from '../../core/installation.ts';
import { bytesText, countOf, isoTime } from '../amounts.ts';
import { bucketOf } from '../bucket-of.ts';
import { EXIT } from '../exit-codes.ts';
import { reportOf } from '../report.ts';
import { bad, EMPTY_LINE, faint, good, type Line, line, paragraph, type Span, strong } from '../screen.ts';
import { type Column, table } from '../table.ts';
import { examineTarget, type TargetHealth } from '../target-health.ts';
import type { Answer, Call, Verb } from '../verb.ts';

export const status: Verb = {
  name: 'status',
  summary: 'one screen: the last good backups, and what is wrong',
  flags: {},
  about: [
    'Shows for each target its last good backup, how old and how large it is, when the next one is due, and what is wrong, with what to do about it. Exit code 4 when anything is wrong.',
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
  const allGood = healths.every(({ problems }) => problems.length === 0);
  return {
    exitCode: allGood ? EXIT.good : EXIT.failed,
    json: {
      installation: installation.title,
      good: allGood,
      targets: healths.map((health) => document(health, at)),
    },
    screen: (width) => statusScreen(installation, healths, at, width),
  };
}

/** A target that cannot be looked at is shown as wrong, next to the others; never left out. */
async function healthOf(target: string, examine: () => Promise<TargetHealth>): Promise<TargetHealth> {
  try {
    return await examine();
  } catch (error) {
    if (!(error instanceof SafehouseError)) throw error;
    const problems = [reportOf(error).error];
    return { target, lastGood: null, bytes: null, goodBackups: 0, running: [], next: null, problems };
  }
}

function document(health: TargetHealth, now: number): Record<string, unknown> {
  const { target, lastGood, bytes, goodBackups, running, next, problems } = health;
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
    problems,
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

function statusScreen(
  { title, bucketName }: Installation,
  healths: readonly TargetHealth[],
  now: number,
  width: number,
): Line[] {
  const wrong = healths.filter(({ problems }) => problems.length > 0);
  return [
    line(faint(`Safehouse on ${title}, bucket ${bucketName}`)),
    EMPTY_LINE,
    ...table(
      COLUMNS,
      healths.map((health) => row(health, now)),
      width,
    ),
    ...healths.flatMap(({ target, running }) => runningLines(target, running, now)),
    ...wrong.flatMap((health) => problemLines(health, width)),
    EMPTY_LINE,
    line(
      wrong.length === 0
        ? good('All is well.')
        : bad(
            `${countOf(wrong.length, 'target')} of ${healths.length} ${wrong.length === 1 ? 'needs' : 'need'} somebody.`,
          ),
    ),
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
