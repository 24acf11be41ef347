/** The table and the figures of `docs/reliability.md`, out of the list of faults and a run of its tests. */
import fuzzed from '../security/figures.json' with { type: 'json' };
import { type FaultRow, MATRIX, type ShownBy } from './matrix.ts';
import { type Results, shownRows } from './results.ts';

export const PAGE = 'docs/reliability.md';

const BEGIN = '<!-- faults: written by `npm run test:faults` from test/faults/ -->';
const END = '<!-- end of faults -->';

/** @throws Error when the page has no place for it */
export function withFaults(page: string, results: Results): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`${PAGE} has no place for the table: ${BEGIN} … ${END}`);
  return `${before}${BEGIN}\n\n${summary(results)}\n\n${table(results)}\n\n${END}${after}`;
}

function summary(results: Results): string {
  const shown = shownRows(results);
  const whole = MATRIX.filter(({ number, lacks }) => shown.includes(number) && lacks === undefined);
  const inPart = MATRIX.filter(({ number, lacks }) => shown.includes(number) && lacks !== undefined);
  const passed = results.tests.filter(({ isPassed }) => isPassed).length;
  return [
    '| Figure | Measured |',
    '|---|---|',
    `| faults of the ${MATRIX.length} that a test of its own shows | ${shown.length} |`,
    `| … of which in whole | ${whole.length} |`,
    `| … of which with something missing, which the table names | ${inPart.length} |`,
    `| tests of the suite: passed, of all | ${passed} of ${results.tests.length} |`,
    ...figureRows(results),
    `| bad inputs that the fuzzers have tried (\`npm run test:fuzz\`), of which crashes | ${fuzzed.badInputs}, ${fuzzed.crashes} |`,
  ].join('\n');
}

function figureRows({ figures }: Results): string[] {
  const {
    requests,
    requestsAmiss,
    bodies,
    bodiesCut,
    backups,
    attempts,
    walkRuns,
    walkDays,
    walkBackups,
    walkFaults,
    walkRestores,
    walkViolations,
    alarmAfterHours,
    alarmThresholdHours,
  } = figures;
  return [
    ...(requests === undefined
      ? []
      : [
          `| one full and ten incremental backups, 1 % of requests amiss and 0.1 % of bodies cut: good ones, each restored to the fingerprint of its night | ${backups} of 11 |`,
          `| … requests to S3, of which amiss | ${requests}, ${requestsAmiss} |`,
          `| … bodies read, of which cut | ${bodies}, ${bodiesCut} |`,
          `| … attempts that they took | ${attempts} |`,
        ]),
    ...(walkRuns === undefined
      ? []
      : [
          `| random walks, simulated days in them, backups made | ${walkRuns}, ${walkDays}, ${walkBackups} |`,
          `| … faults in them, restores by the real engine | ${walkFaults}, ${walkRestores} |`,
          `| … promises that were broken | ${walkViolations} |`,
        ]),
    ...(alarmAfterHours === undefined
      ? []
      : [
          `| a daily schedule stops: from the first backup that does not come to the alarm, by a simulated clock | ${hoursText(alarmAfterHours)} |`,
          `| … of which the age at which a backup is late, as the stack sets it for that schedule | ${hoursText((alarmThresholdHours ?? 0) - 24)} |`,
        ]),
  ];
}

function hoursText(hours: number): string {
  const minutes = Math.round((hours % 1) * 60);
  return `${Math.floor(hours)} h${minutes === 0 ? '' : ` ${minutes} min`}`;
}

function table(results: Results): string {
  return [
    '| # | Fault | What must come of it | Shown by | Missing |',
    '|---|---|---|---|---|',
    ...MATRIX.map((row) => tableRow(row, results)),
  ].join('\n');
}

function tableRow({ number, fault, must, files, also = [], lacks }: FaultRow, results: Results): string {
  const own = files.map((file) => {
    const tests = results.tests.filter((test) => test.row === number && test.file === file);
    const passed = tests.filter(({ isPassed }) => isPassed).length;
    return `[${file}](../test/faults/${file}): ${passed} of ${tests.length}`;
  });
  const others = also.map(otherTest);
  return `| ${number} | ${fault} | ${must} | ${[...own, ...others].join('; ')} | ${lacks ?? ''} |`;
}

const otherTest = ({ file }: ShownBy): string => `[${file}](../test/${file})`;
