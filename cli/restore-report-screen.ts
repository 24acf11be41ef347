/** What became of a restore: the comparison first, then what to do next. */
import { ageText } from '../core/alert.ts';
import {
  BAD_COMPARISONS,
  COMPARISONS,
  type ComparedTable,
  type Comparison,
  type Dropped,
  type RestoreOutcome,
  type RestoreReport,
} from '../core/restore.ts';
import { bytesText, countOf, countText } from './amounts.ts';
import { fact, tonedFact } from './fact.ts';
import { findingsLines } from './restore-findings-screen.ts';
import { leftOutLines } from './restore-plan-screen.ts';
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
  withText,
} from './screen.ts';
import { table } from './table.ts';

export const OUTCOME_SPANS: Readonly<Record<RestoreOutcome, Span>> = {
  restored: good('restored'),
  different: bad('DIFFERENT'),
  failed: bad('failed'),
  cancelled: doubtful('cancelled'),
  'dry run': faint('dry run'),
};

const HEADINGS: Readonly<Record<RestoreOutcome, string>> = {
  restored: 'Restored',
  different: 'DIFFERENT from the backup',
  failed: 'Failed',
  cancelled: 'Cancelled',
  'dry run': 'Nothing was done',
};

export interface ShownReport {
  readonly report: RestoreReport;
  /** What was dropped to make room for it. */
  readonly replaced: readonly Dropped[];
}

export function reportScreen({ report, replaced }: ShownReport, width: number): Line[] {
  const { outcome, drill, target, to, backup, restore, seconds, findings } = report;
  const heading = drill && outcome === 'restored' ? 'Drill passed' : HEADINGS[outcome];
  return [
    line(withText(OUTCOME_SPANS[outcome], heading), '  ', strong(backup), ` of ${target}`),
    ...fact('Restore', restore, width),
    ...fact('To', to === target ? '' : to, width),
    ...fact('Took', `${ageText(seconds * 1000)}${restoreTimeText(report)}`, width),
    ...fact('Covers', coversText(report), width),
    ...comparisonLines(report, width),
    ...replicaLines(report.replicas, width),
    ...assertionLines(report.assertions, width),
    ...leftOutLines(report.leftOut, width),
    ...replacedLines(report, replaced, width),
    ...wholeLines(report, width),
    ...droppedLines(report.dropped, width),
    ...leftLines(report.left, width),
    ...(findings.length === 0 ? [] : [EMPTY_LINE, ...findingsLines(findings, width)]),
    ...swapLines(report),
  ];
}

const restoreTimeText = ({ restoreSeconds, bytes }: RestoreReport): string =>
  restoreSeconds === null
    ? ''
    : `, of which the RESTORE ${ageText(restoreSeconds * 1000)} for ${bytesText(bytes)}`;

/** Each table was read at a moment between the two. */
const coversText = ({ covers, tables }: RestoreReport): string =>
  tables.every(({ comparison }) => comparison === 'definition')
    ? ''
    : `the data as it stood between ${covers.from} and ${covers.to}`;

/** A bad one is always shown. */
const SHOWN_TABLES = 40;

const isBad = ({ comparison }: ComparedTable): boolean => BAD_COMPARISONS.includes(comparison);

function comparisonLines({ tables }: RestoreReport, width: number): Line[] {
  if (tables.length === 0) return [];
  const wrong = tables.filter(isBad);
  const right = tables.filter((each) => !isBad(each)).sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
  const shown = [...wrong, ...right.slice(0, Math.max(0, SHOWN_TABLES - wrong.length))];
  return [
    EMPTY_LINE,
    ...table(
      [
        { heading: '  TABLE', fit: 'cut' },
        { heading: 'IN BACKUP', align: 'right' },
        { heading: 'RESTORED', align: 'right' },
        { heading: 'PARTS', align: 'right' },
        { heading: 'COMPARED' },
      ],
      shown.map((each) => [
        `  ${each.database}.${each.table}`,
        each.expectedRows === null ? '' : countText(each.expectedRows),
        each.rows === null ? '' : countText(each.rows),
        each.parts === null ? '' : countText(each.parts),
        comparisonSpan(each),
      ]),
      width,
    ),
    ...(shown.length < tables.length
      ? [line(faint(`  and ${countText(tables.length - shown.length)} more, none of them bad`))]
      : []),
    ...wrong
      .filter(({ what }) => what !== '')
      .flatMap(({ database, table: name, what }) => paragraph(bad(`  ${database}.${name}  `), what, width)),
    ...paragraph('  ', sumText(tables), width),
  ];
}

const TONES: Readonly<Record<Comparison, (text: string) => Span>> = {
  identical: good,
  'same rows': good,
  definition: faint,
  'not counted': doubtful,
  missing: bad,
  different: bad,
  damaged: bad,
};

const comparisonSpan = ({ comparison, checked }: ComparedTable): Span =>
  TONES[comparison](checked ? `${comparison}, checked` : comparison);

/** `12 identical, 1 definition; 13 read whole with CHECK TABLE` */
function sumText(tables: readonly ComparedTable[]): string {
  const shares = COMPARISONS.flatMap((comparison) => {
    const count = tables.filter((each) => each.comparison === comparison).length;
    return count === 0 ? [] : [`${countText(count)} ${comparison}`];
  });
  const checked = tables.filter((each) => each.checked).length;
  return `${countOf(tables.length, 'table')}: ${shares.join(', ')}${checked === 0 ? '' : `; ${countText(checked)} read whole with CHECK TABLE`}.`;
}

function replicaLines(replicas: RestoreReport['replicas'], width: number): Line[] {
  if (replicas.length === 0) return [];
  const sick = replicas.filter(({ healthy }) => !healthy);
  const summary = `${countText(replicas.length - sick.length)} of ${countOf(replicas.length, 'replicated table')} healthy`;
  return [
    EMPTY_LINE,
    ...tonedFact('Replicas', sick.length === 0 ? summary : bad(summary), width),
    ...sick.flatMap(({ table: name, what }) => fact('', `${name}: ${what}`, width)),
  ];
}

function assertionLines(assertions: RestoreReport['assertions'], width: number): Line[] {
  if (assertions.length === 0) return [];
  const failed = assertions.filter(({ passed }) => !passed);
  const summary = `${countText(assertions.length - failed.length)} of ${countText(assertions.length)} hold`;
  return [
    EMPTY_LINE,
    ...tonedFact('Assertions', failed.length === 0 ? summary : bad(summary), width),
    ...failed.flatMap(({ query, database, answer }) => fact('', `${query} in ${database}: ${answer}`, width)),
  ];
}

const droppedText = ({ kind, database, table: name }: Dropped): string =>
  kind === 'database' ? `database ${database}` : `${database}.${name ?? ''}`;

/** What was replaced is gone, also where nothing came in its place; cleaning up has said that under what is left. */
function replacedLines(
  { isWhole, left }: RestoreReport,
  replaced: readonly Dropped[],
  width: number,
): Line[] {
  if (replaced.length === 0 || (!isWhole && left.length > 0)) return [];
  const names = replaced.map(droppedText).join(', ');
  return [
    EMPTY_LINE,
    ...tonedFact(
      'Replaced',
      isWhole
        ? names
        : bad(`${names}: dropped, and NOT there now. Only a restore that ends well brings it back`),
      width,
    ),
  ];
}

/** Whatever went wrong after ClickHouse was done: the data is there, and a person decides. */
function wholeLines({ outcome, isWhole, drill }: RestoreReport, width: number): Line[] {
  if (!isWhole || drill || (outcome !== 'failed' && outcome !== 'cancelled')) return [];
  return [
    EMPTY_LINE,
    ...tonedFact(
      'In place',
      doubtful('ClickHouse had brought the restore to its end: all of it is there, and nothing was dropped'),
      width,
    ),
  ];
}

function droppedLines(dropped: readonly Dropped[], width: number): Line[] {
  if (dropped.length === 0) return [];
  const names = dropped.map(droppedText).join(', ');
  return [EMPTY_LINE, ...fact('Taken away', `${names}: this restore had brought it`, width)];
}

/** The statement is not wrapped: it is there to be copied, by somebody who has looked first. */
function leftLines(left: RestoreReport['left'], width: number): Line[] {
  if (left.length === 0) return [];
  return [
    EMPTY_LINE,
    line(strong('Left'), '  look, then in clickhouse-client:'),
    ...left.flatMap(({ what, statement }) => [...paragraph('  ', what, width), line(ended(statement))]),
  ];
}

function swapLines({ outcome, drill, swap, swapBack }: RestoreReport): Line[] {
  if (outcome !== 'restored' || drill || swap.length === 0) return [];
  return [
    EMPTY_LINE,
    line(strong('Swap'), faint('  with the live tables, in clickhouse-client; nothing of it was run:')),
    ...swap.map((statement) => line(ended(statement))),
    ...(swapBack.length === 0
      ? []
      : [line(strong('Swap back')), ...swapBack.map((statement) => line(ended(statement)))]),
  ];
}

/** Several are pasted at once. */
const ended = (statement: string): string => (statement.startsWith('--') ? statement : `${statement};`);
