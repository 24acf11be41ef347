import * as z from 'zod';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { Examination } from '../../core/installation.ts';
import { examineAlarms } from '../alarm-health.ts';
import { examineAlerts } from '../alert-health.ts';
import { executionFailure } from '../execution-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { requireTarget } from '../find-target.ts';
import { bad, doubtful, EMPTY_LINE, good, line, type Span } from '../screen.ts';
import { type Column, table } from '../table.ts';
import type { Answer, Call, Verb } from '../verb.ts';
import { watch } from '../watch.ts';

export const doctor: Verb = {
  name: 'doctor',
  summary: 'try everything that a backup of a target needs',
  argument: { name: 'TARGET', required: true },
  flags: {},
  about: [
    'Connects as a backup does, and looks: is the server there, is its version new enough, are the databases and the grants there, can ClickHouse itself write to the bucket, does anybody hear the alerts, and does an alarm ring. Each finding has its remedy. Exit code 4 when one is bad.',
  ],
  examples: ['doctor demo --local', 'doctor shop'],
  run,
};

const outputSchema = z.looseObject({
  examinations: z
    .array(
      z.looseObject({
        check: z.string(),
        result: z.enum(['good', 'bad', 'not checked']),
        what: z.string(),
        remedy: z.string(),
      }),
    )
    .min(1),
});

async function run(call: Call): Promise<Answer> {
  const { argument, open } = call;
  const installation = await open();
  const target = await requireTarget(installation, argument);
  const execution = await installation.start('doctor', { target });
  const { view, interrupted } = await watch(call, {
    execution,
    title: `examination of ${target}`,
    look: () => `doctor ${target}`,
  });
  if (view === null || interrupted)
    return { exitCode: EXIT.interrupted, json: { target, examinations: [] }, screen: () => [] };
  if (view.status !== 'succeeded') {
    const { error, exitCode } = executionFailure(view, execution.id);
    return { exitCode, json: { target, examinations: [] }, screen: () => [], error };
  }
  const [alerts, alarms] = await Promise.all([examineAlerts(installation), examineAlarms(installation)]);
  const ofStack = [alerts, alarms?.examination].filter((examination) => examination !== undefined);
  return answer(target, [...readExaminations(view.output, execution.id), ...ofStack]);
}

function readExaminations(output: unknown, execution: string): Examination[] {
  const parsed = outputSchema.safeParse(output);
  if (parsed.success) return parsed.data.examinations;
  throw new SafehouseError(ERROR_NAMES.incomplete, {
    what: 'The doctor came to its end without saying what it found.',
    remedy: `Look at the execution: ${execution}`,
  });
}

function answer(target: string, examinations: readonly Examination[]): Answer {
  const isBad = examinations.some(({ result }) => result === 'bad');
  return {
    exitCode: isBad ? EXIT.failed : EXIT.good,
    json: { target, good: !isBad, examinations },
    screen: (width) => [
      ...table(COLUMNS, examinations.flatMap(findings), width),
      EMPTY_LINE,
      line(verdict(examinations)),
    ],
  };
}

function verdict(examinations: readonly Examination[]): Span {
  const count = (result: Examination['result']): number =>
    examinations.filter((examination) => examination.result === result).length;
  const [wrong, open] = [count('bad'), count('not checked')];
  if (wrong > 0) return bad(`${wrong} of ${examinations.length} ${wrong === 1 ? 'is' : 'are'} bad.`);
  if (open > 0)
    return doubtful(`Nothing bad was found; ${open} of ${examinations.length} could not be checked.`);
  return good('Ready for a backup.');
}

const COLUMNS: readonly Column[] = [
  { heading: 'CHECK' },
  { heading: 'RESULT' },
  { heading: 'FOUND', fit: 'wrap' },
];

const findings = ({ check, result, what, remedy }: Examination): Span[][] => [
  ...what
    .split('\n')
    .map((sentence, index): Span[] =>
      index === 0 ? [check, resultSpan(result), sentence] : ['', '', sentence],
    ),
  ...(remedy === '' ? [] : [['', '', `To do: ${remedy}`]]),
];

function resultSpan(result: Examination['result']): Span {
  switch (result) {
    case 'good':
      return good(result);
    case 'bad':
      return bad(result);
    case 'not checked':
      return doubtful(result);
  }
}
