/** The screen of `show`: what matters at night first, the long table of tables before the statement to copy. */
import { ageText, anchorOf, RUNBOOK } from '../../core/alert.ts';
import { type LedgerEntry, STATES, type State } from '../../core/ledger.ts';
import { bytesText, countOf, countText, timeText } from '../amounts.ts';
import { fact, tonedFact } from '../fact.ts';
import { findingLines, levelText, provenFacts, provenTables } from '../proof-screen.ts';
import { OUTCOME_SPANS } from '../restore-report-screen.ts';
import {
  bad,
  doubtful,
  EMPTY_LINE,
  faint,
  type Line,
  line,
  paragraph,
  type Span,
  strong,
} from '../screen.ts';
import { stateSpan } from '../state-span.ts';
import { table } from '../table.ts';
import type { ShownBackup, ShownTable } from './show.ts';

export interface Viewer {
  readonly now: number;
  readonly command: (words: string) => string;
  readonly width: number;
}

export function showScreen(shown: ShownBackup, viewer: Viewer): Line[] {
  const { now, width } = viewer;
  const { entry, evidence } = shown;
  return [
    line(strong(entry.id), '  ', stateSpan(entry.states)),
    EMPTY_LINE,
    ...facts(shown, now, width),
    ...failure(shown, width),
    ...warnings(shown, viewer),
    EMPTY_LINE,
    line(strong('States')),
    ...stateLines(shown, width),
    ...proofLines(shown, now, width),
    ...restoredLines(shown.restores, now, width),
    ...settingsLines(evidence.written?.settings, width),
    ...tableLines(shown.tables, width),
    ...restoreLines(shown),
  ];
}

function facts({ entry, row, base, dependents, evidence }: ShownBackup, now: number, width: number): Line[] {
  const { started, verified } = evidence;
  const finished = row.finishedAt === null ? undefined : Date.parse(row.finishedAt);
  return [
    ...fact('Target', entry.target, width),
    ...fact('Kind', [entry.kind, started?.reason ?? ''].filter(Boolean).join(': '), width),
    ...fact(
      'Began',
      `${timeText(entry.startedAt)}, ${ageText(now - entry.startedAt)} ago${causeText(started)}`,
      width,
    ),
    ...fact('Took', finished === undefined ? '' : ageText(finished - entry.startedAt), width),
    ...fact(
      'Size',
      verified === undefined
        ? ''
        : `${bytesText(verified.bytes)} in ${countOf(verified.objects, 'object')}; restored ${bytesText(verified.logicalBytes)} in ${countOf(verified.files, 'file')}`,
      width,
    ),
    ...tonedFact('Proven', provenSpan(entry.states, now), width),
    ...fact(
      'ClickHouse',
      started === undefined || started.clickhouse.version === 'unknown'
        ? ''
        : `${started.clickhouse.version} on ${started.clickhouse.host}`,
      width,
    ),
    ...fact(
      'Stands on',
      row.base === null ? '' : `${row.base}${base === undefined ? ', which is not in the ledger' : ''}`,
      width,
    ),
    ...fact('Carries', dependentsText(dependents), width),
  ];
}

/** Verified is not proven, and the difference is what one wants to know at night. */
function provenSpan({ proven, verified, failed }: LedgerEntry['states'], now: number): Span {
  if (proven !== undefined) return `${ageText(now - proven)} ago`;
  return verified === undefined || failed !== undefined
    ? ''
    : doubtful('not yet: only the sizes of its objects were compared');
}

function causeText(started: ShownBackup['evidence']['started']): string {
  if (started === undefined) return '';
  return started.scheduledTime === null ? ', started by hand' : `, scheduled for ${started.scheduledTime}`;
}

function dependentsText(dependents: readonly LedgerEntry[]): string {
  const newest = dependents.at(-1);
  if (newest === undefined) return '';
  return `${countOf(dependents.length, 'incremental')}, the newest ${newest.id}`;
}

function failure({ evidence: { failed } }: ShownBackup, width: number): Line[] {
  if (failed === undefined) return [];
  return [
    EMPTY_LINE,
    ...paragraph(bad('Failed: '), `${failed.what} (at the step ${failed.step}: ${failed.error})`, width),
    ...paragraph('To do:  ', failed.remedy, width),
    ...paragraph(faint('See:    '), `${RUNBOOK}#${anchorOf(failed.error)}`, width),
  ];
}

function warnings(shown: ShownBackup, { command, width }: Viewer): Line[] {
  const notes: [Span, string][] = [
    ...(shown.isGone
      ? [
          [
            bad('Gone: '),
            'It was verified, and now its manifest is not in the bucket: somebody removed it. It cannot be restored.',
          ] as [Span, string],
        ]
      : []),
    ...notesOf(shown, command).map((note): [Span, string] => [doubtful('Note: '), note]),
  ];
  return notes.length === 0
    ? []
    : [EMPTY_LINE, ...notes.flatMap(([label, text]) => paragraph(label, text, width))];
}

function notesOf(
  { unreadable, newerNotGood, entry, evidence, base }: ShownBackup,
  command: Viewer['command'],
): string[] {
  const notes = [...unreadable];
  const { kept, removed } = entry.states;
  if (evidence.expiring !== undefined && kept === undefined && removed === undefined)
    notes.push(
      `Retention removes it after ${evidence.expiring.removeAfter}: ${evidence.expiring.reason}. To take that back:\n${command(`keep ${entry.id}`)}`,
    );
  if (base?.states.removed !== undefined) notes.push('Its base was removed: it cannot be restored.');
  if (newerNotGood.length > 0)
    notes.push(
      `Since then ${countOf(newerNotGood.length, 'backup')} of this target failed or did not end: ${newerNotGood
        .slice(-3)
        .map(({ id }) => id)
        .join(', ')}.`,
    );
  return notes;
}

function stateLines({ entry, evidence }: ShownBackup, width: number): Line[] {
  return STATES.flatMap((state) => {
    const at = entry.states[state];
    return at === undefined
      ? []
      : fact(state, [timeText(at), detail(state, evidence)].filter(Boolean).join('  '), width);
  });
}

function detail(state: State, evidence: ShownBackup['evidence']): string {
  switch (state) {
    case 'started':
      return evidence.started === undefined ? '' : `attempt ${evidence.started.attempt}`;
    case 'written':
      return evidence.written === undefined ? '' : `seen in ${evidence.written.seenIn}`;
    case 'verified':
      return evidence.verified === undefined
        ? ''
        : `every object has its size (${evidence.verified.seconds.toFixed(1)} s)`;
    case 'proven':
      return evidence.proven === undefined ? '' : levelText(evidence.proven.level);
    case 'failed':
      return evidence.failed === undefined ? '' : evidence.failed.error;
    case 'expiring':
      return evidence.expiring?.reason ?? '';
    case 'removing':
      return evidence.removing?.reason ?? '';
    case 'removed':
      return evidence.removed === undefined
        ? ''
        : `${countOf(evidence.removed.objects, 'object')}, ${bytesText(evidence.removed.bytes)}`;
    case 'kept':
      return evidence.kept === undefined ? '' : `by ${evidence.kept.by}: ${evidence.kept.reason}`;
  }
}

/** The newest proof that it passed, and before it what the one found that it did not. */
function proofLines(
  { evidence: { proven }, proofs, refuted }: ShownBackup,
  now: number,
  width: number,
): Line[] {
  const verdict = refuted?.verdict;
  return [
    ...(verdict?.verdict === 'refuted'
      ? [EMPTY_LINE, ...findingLines(verdict.findings, verdict.found, width)]
      : []),
    ...(proven === undefined
      ? []
      : [
          EMPTY_LINE,
          line(
            strong('Proof'),
            `  ${ageText(now - Date.parse(proven.at))} ago${(proofs ?? 1) > 1 ? `, the newest of ${proofs}` : ''}`,
          ),
          ...provenFacts(proven, width),
          ...provenTables(proven.tables, width),
        ]),
  ];
}

/** What fits beside the rest; `--json` has all. */
const SHOWN_RESTORES = 10;

function restoredLines(restores: ShownBackup['restores'], now: number, width: number): Line[] {
  if (restores.length === 0) return [];
  const shown = restores.slice(-SHOWN_RESTORES);
  return [
    EMPTY_LINE,
    line(strong('Restored'), `  ${countOf(restores.length, 'time')}`),
    ...table(
      [{ heading: '  RESTORE' }, { heading: 'WHEN' }, { heading: 'TO', fit: 'cut' }, { heading: 'OUTCOME' }],
      shown.map(({ restore, at, to, mode, drill, outcome }) => [
        `  ${restore}`,
        `${ageText(now - Date.parse(at))} ago`,
        `${to}, ${drill ? 'drill' : mode}`,
        OUTCOME_SPANS[outcome],
      ]),
      width,
    ),
  ];
}

function settingsLines(
  settings: Readonly<Record<string, string | number>> | undefined,
  width: number,
): Line[] {
  const pairs = Object.entries(settings ?? {});
  if (pairs.length === 0) return [];
  return [
    EMPTY_LINE,
    line(strong('Settings')),
    ...paragraph('  ', pairs.map(([name, value]) => `${name} = ${value}`).join(', '), width),
  ];
}

/** What ClickHouse does not save comes first: nobody reads to the end of two thousand tables. */
function tableLines(tables: readonly ShownTable[], width: number): Line[] {
  if (tables.length === 0) return [];
  const whole = tables.filter(({ coverage }) => coverage === 'data');
  const partly = tables.filter(({ coverage }) => coverage !== 'data');
  const heading: Span[] = [
    strong('Tables'),
    `  ${countText(tables.length)}`,
    ...(partly.length > 0
      ? [
          ', ',
          doubtful(
            `${countText(partly.length)} of them saved without ${partly.length === 1 ? 'its' : 'their'} data`,
          ),
        ]
      : []),
  ];
  return [
    EMPTY_LINE,
    heading,
    ...table(
      [
        { heading: '  TABLE', fit: 'cut' },
        { heading: 'ENGINE', fit: 'cut' },
        { heading: 'SAVED' },
        { heading: 'FILES', align: 'right' },
        { heading: 'SIZE', align: 'right' },
      ],
      [...partly, ...whole].map(({ database, name, engine, coverage, files, bytes }) => [
        `  ${database}.${name}`,
        engine,
        coverage === 'data' ? coverage : doubtful(coverage),
        files === null ? '' : countText(files),
        bytes === null ? '' : bytesText(bytes),
      ]),
      width,
    ),
  ];
}

/** Not wrapped: it is there to be copied. */
const restoreLines = ({ evidence: { verified } }: ShownBackup): Line[] =>
  verified === undefined
    ? []
    : [
        EMPTY_LINE,
        line(strong('Restore'), faint('  in clickhouse-client, without Safehouse:')),
        ...verified.restore.split('\n').map((text) => line(text)),
      ];
