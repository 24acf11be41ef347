/** What a restore would do, before anything is done. */
import { ageText } from '../core/alert.ts';
import { parseBackupId } from '../core/backup-id.ts';
import type { Before, PlannedTable, RestorePlan } from '../core/restore.ts';
import type { RestoreMode } from '../core/restore-input.ts';
import { bytesText, countOf, countText, timeText } from './amounts.ts';
import { fact, tonedFact } from './fact.ts';
import { findingsLines } from './restore-findings-screen.ts';
import { bad, doubtful, EMPTY_LINE, faint, type Line, line, paragraph, type Span, strong } from './screen.ts';
import { table } from './table.ts';

export interface ShownPlan {
  readonly plan: RestorePlan;
  /** Undefined when the server could not be looked at. */
  readonly before: Before | undefined;
  /** When the backup was proven, milliseconds since 1970; undefined when it is not known. */
  readonly provenAt: number | undefined;
}

const MODES: Readonly<Record<RestoreMode, Span>> = {
  new: 'new: whole databases under new names, beside what is there',
  asIs: 'asIs: under the same names, which must be absent or empty',
  replace: bad('replace: what has the same name is DROPPED first'),
  intoExisting: 'intoExisting: the data alone, into empty tables that exist',
  append: bad('append: the data is ADDED to the rows that are there'),
};

export function planScreen({ plan, before, provenAt }: ShownPlan, now: number, width: number): Line[] {
  return [
    line(strong(plan.drill ? 'Drill' : 'Restore'), `  ${plan.backup} of ${plan.target}`),
    ...fact('Backup', ageOf(plan, now), width),
    ...tonedFact('Proven', provenSpan(plan, provenAt, now), width),
    ...fact('To', destinationText(plan, before), width),
    ...tonedFact(
      'Mode',
      plan.drill ? 'scratch databases, dropped again at the end' : MODES[plan.mode],
      width,
    ),
    ...plan.databases.flatMap((database, index) =>
      fact(index === 0 ? 'Databases' : '', databaseText(database), width),
    ),
    ...fact('Data', dataText(plan, before), width),
    ...fact('Quiet', plan.quiet ? 'yes: nothing of it reads from or writes to anything outside' : '', width),
    ...fact('Policy', plan.storagePolicy ?? '', width),
    ...fact('Estimate', estimateText(before), width),
    ...tableLines(plan.tables, width),
    ...leftOutLines(plan.leftOut, width),
    ...(before === undefined ? [] : [EMPTY_LINE, line(strong('Statement')), ...statementLines(before)]),
    ...(before === undefined || before.findings.length === 0
      ? []
      : [EMPTY_LINE, ...findingsLines(before.findings, width)]),
  ];
}

function ageOf({ backup, kind, base, writtenBy, covers }: RestorePlan, now: number): string {
  const began = parseBackupId(backup)?.startedAt ?? Date.parse(covers.from);
  return `${kind}, of ${timeText(began)}, ${ageText(now - began)} old, by ClickHouse ${writtenBy}${base === null ? '' : `; stands on ${base}`}`;
}

function provenSpan({ proven }: RestorePlan, provenAt: number | undefined, now: number): Span {
  if (!proven) return doubtful('NO: nobody has read its bytes back');
  return provenAt === undefined ? 'yes' : `${ageText(now - provenAt)} ago, every byte was read back`;
}

function destinationText({ target, to }: RestorePlan, before: Before | undefined): string {
  const server = before === undefined ? '' : `, ClickHouse ${before.server.version} on ${before.server.host}`;
  return `${to === target ? `${to}, where it comes from` : to}${server}`;
}

function databaseText({ from, to, whole }: RestorePlan['databases'][number]): string {
  const name = from === to ? from : `${from} → ${to}`;
  return whole ? name : `${name}, not all of it`;
}

function dataText({ tables, structureOnly }: RestorePlan, before: Before | undefined): string {
  const count = countOf(tables.length, 'table');
  if (structureOnly) return `${count}, the definitions only`;
  const known = tables.every(({ rows, coverage }) => rows !== null || coverage !== 'data');
  const rows = tables.reduce((sum, each) => sum + (each.rows ?? 0), 0);
  const bytes = before?.bytes ?? tables.reduce((sum, each) => sum + each.bytes, 0);
  return `${count}, ${known ? `${countOf(rows, 'row')}, ` : ''}${bytesText(bytes)}`;
}

function estimateText(before: Before | undefined): string {
  if (before === undefined) return '';
  return before.estimatedSeconds === null
    ? 'not known: nothing was restored to this target yet'
    : `about ${ageText(before.estimatedSeconds * 1000)}`;
}

/** Nobody reads two thousand names before a decision; `--json` has them. */
const SHOWN_TABLES = 20;

function tableLines(tables: readonly PlannedTable[], width: number): Line[] {
  if (tables.length === 0) return [];
  const shown = [...tables].sort((a, b) => b.bytes - a.bytes).slice(0, SHOWN_TABLES);
  return [
    EMPTY_LINE,
    ...table(
      [
        { heading: '  TABLE', fit: 'cut' },
        { heading: 'ENGINE', fit: 'cut' },
        { heading: 'PARTITIONS', fit: 'cut' },
        { heading: 'ROWS', align: 'right' },
        { heading: 'SIZE', align: 'right' },
      ],
      shown.map(({ to, engine, coverage, partitions, rows, bytes }) => [
        `  ${to.database}.${to.table}`,
        engine,
        partitions.join(', '),
        coverage === 'data' ? (rows === null ? '' : countText(rows)) : doubtful('definition'),
        coverage === 'data' ? bytesText(bytes) : '',
      ]),
      width,
    ),
    ...(tables.length > shown.length
      ? [line(faint(`  and ${countText(tables.length - shown.length)} more, smaller ones`))]
      : []),
  ];
}

const SHOWN_LEFT_OUT = 10;

/** Also for what was left out of a restore that has ended. */
export function leftOutLines(leftOut: RestorePlan['leftOut'], width: number): Line[] {
  if (leftOut.length === 0) return [];
  return [
    EMPTY_LINE,
    line(strong('Left out'), `  ${countText(leftOut.length)}`),
    ...leftOut
      .slice(0, SHOWN_LEFT_OUT)
      .flatMap(({ database, table: name, why }) => paragraph(`  ${database}.${name}  `, why, width)),
    ...(leftOut.length > SHOWN_LEFT_OUT
      ? [line(faint(`  and ${countText(leftOut.length - SHOWN_LEFT_OUT)} more`))]
      : []),
  ];
}

/** Not wrapped: it is there to be copied. */
const statementLines = ({ statement }: Before): Line[] => statement.split('\n').map((text) => line(text));
