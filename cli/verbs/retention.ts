import { planTarget } from '../../clients/retention.ts';
import type { RetentionPlan } from '../../core/retention.ts';
import { countOf, isoTime } from '../amounts.ts';
import { bucketOf } from '../bucket-of.ts';
import { usageError } from '../command-line.ts';
import { EXIT } from '../exit-codes.ts';
import { requireTarget } from '../find-target.ts';
import { bad, doubtful, EMPTY_LINE, faint, good, type Line, line, paragraph, type Span } from '../screen.ts';
import { type Column, table } from '../table.ts';
import type { Answer, Call, Verb } from '../verb.ts';
import { applyRetention } from './retention-apply.ts';
import { simulate } from './retention-simulate.ts';

export const retention: Verb = {
  name: 'retention',
  summary: 'what the rules keep and remove, each with its reason',
  argument: { name: 'TARGET', required: true },
  flags: {
    apply: { about: 'carry it out: mark, and remove what has waited out its grace' },
    simulate: { value: 'DAYS', about: 'run schedules and rules forward on paper, from an empty bucket' },
  },
  about: [
    'Shows for every backup of a target what retention would do now, and why: keep it, expire it (mark it), wait for the end of its grace, remove it, or restore it (take the mark away). Nothing is changed unless --apply is said.',
  ],
  examples: ['retention demo --local --simulate 365', 'retention shop', 'retention shop --apply'],
  run,
};

async function run(call: Call): Promise<Answer> {
  const { argument, flags, open, now } = call;
  if (flags.has('apply') && flags.has('simulate'))
    throw usageError(['--apply and --simulate do not go together.'], 'Simulate first; then apply.');
  const days = daysOf(flags.get('simulate'));
  const installation = await open();
  const name = await requireTarget(installation, argument);
  if (flags.has('apply')) return applyRetention(call, installation, name);
  const target = await installation.target(name);
  const bucket = bucketOf(installation);
  if (days !== undefined) return simulate(bucket, name, target, days, now());
  const { plan } = await planTarget(bucket, name, target, now());
  return {
    exitCode: EXIT.good,
    json: document(name, plan),
    screen: (width) => planScreen(name, plan, width),
  };
}

const MOST_DAYS = 3660;

function daysOf(value: string | true | undefined): number | undefined {
  if (value === undefined) return undefined;
  const days = Number(value);
  if (Number.isInteger(days) && days >= 1 && days <= MOST_DAYS) return days;
  throw usageError(
    [`--simulate is ${JSON.stringify(value)}; must be a whole number of days from 1 to ${MOST_DAYS}.`],
    'Example: --simulate 365',
  );
}

const document = (target: string, { decisions, held }: RetentionPlan): Record<string, unknown> => ({
  target,
  held: held ?? null,
  decisions: decisions.map(({ id, action, rule, reasons, removeAfter }) => ({
    id,
    action,
    rule,
    reasons,
    removeAfter: removeAfter === undefined ? null : isoTime(removeAfter),
  })),
});

type Decision = RetentionPlan['decisions'][number];

const COLUMNS: readonly Column[] = [
  { heading: 'BACKUP' },
  { heading: 'PLAN' },
  { heading: 'WHY', fit: 'wrap' },
];

function planScreen(target: string, { decisions, held }: RetentionPlan, width: number): Line[] {
  if (decisions.length === 0) return [line(`${target} has no backup.`)];
  return [
    ...table(
      COLUMNS,
      decisions.map(({ id, action, reasons }) => [id, actionSpan(action), reasons.join('; ')]),
      width,
    ),
    EMPTY_LINE,
    ...(held === undefined ? [] : paragraph(bad('Held: '), held, width)),
    ...paragraph('', `${countOf(decisions.length, 'backup')}: ${tally(decisions)}.`, width),
    line(faint('Nothing was changed. --apply carries it out.')),
  ];
}

const ACTIONS = ['keep', 'restore', 'expire', 'wait', 'remove'] as const;

function tally(decisions: readonly Decision[]): string {
  return ACTIONS.flatMap((action) => {
    const count = decisions.filter((decision) => decision.action === action).length;
    return count === 0 ? [] : [`${action} ${count}`];
  }).join(', ');
}

function actionSpan(action: Decision['action']): Span {
  switch (action) {
    case 'keep':
    case 'restore':
      return good(action);
    case 'expire':
    case 'wait':
      return doubtful(action);
    case 'remove':
      return bad(action);
  }
}
