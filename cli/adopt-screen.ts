/** What `adopt` shows: the backup that was taken in, what to know about it, and what comes next. */
import { type AdoptedBackup, type AdoptionProgress, PINNED_FOR } from '../clients/adoption.ts';
import type { ExaminedSource } from '../clients/adoption-source.ts';
import { DAY } from '../core/calendar.ts';
import type { LedgerTable } from '../core/ledger.ts';
import { bytesText, clockText, countOf, countText, timeText } from './amounts.ts';
import { fact } from './fact.ts';
import { doubtful, EMPTY_LINE, faint, good, type Line, line, paragraph, strong } from './screen.ts';

const DOING: Readonly<Record<AdoptionProgress['doing'], string>> = {
  examining: 'Reading',
  copying: 'Copying',
  verifying: 'Verifying',
};

export function adoptProgress(
  { doing, bytes, ofBytes, objects, ofObjects }: AdoptionProgress,
  elapsed: number,
): Line {
  const done =
    doing === 'copying'
      ? `  ${bytesText(bytes)} of ${bytesText(ofBytes)}  ${countText(objects)} of ${countOf(ofObjects, 'object')}`
      : '';
  return [DOING[doing], `${done}  ${clockText(elapsed)}`];
}

export interface Shown {
  readonly source: string;
  readonly target: string;
  readonly examined: ExaminedSource;
  readonly command: (words: string) => string;
  readonly width: number;
}

export const wouldAdoptScreen = (shown: Shown): Line[] => [
  line(strong('Can be adopted'), `  by ${shown.target}; nothing was copied`),
  ...sourceFacts(shown),
  ...notes(shown),
];

export function adoptedScreen({ id, standing, copied }: AdoptedBackup, shown: Shown): Line[] {
  const { width, examined } = shown;
  const total = examined.extent;
  const earlier = total.objects - copied.objects;
  return [
    line(good(standing ? 'Adopted before' : 'Adopted'), '  ', strong(id)),
    ...sourceFacts(shown),
    ...fact(
      'Copied',
      standing
        ? ''
        : `${countOf(copied.objects, 'object')}, ${bytesText(copied.bytes)}, and the manifest${earlier > 0 ? `; ${countOf(earlier, 'object')} were there from an earlier try` : ''}`,
      width,
    ),
    ...fact('Verified', 'the copy has every object that the manifest names, with its exact size', width),
    ...notes(shown),
    EMPTY_LINE,
    ...next(id, shown),
  ];
}

const sourceFacts = ({ source, examined, width }: Shown): Line[] => [
  ...fact('From', source, width),
  ...fact('Began', timeText(examined.startedAt), width),
  ...fact(
    'Size',
    `${bytesText(examined.extent.bytes)} in ${countOf(examined.extent.objects, 'object')}`,
    width,
  ),
  ...fact('Holds', holdsText(examined), width),
  ...fact('Left out', schemaOnlyText(examined.tables), width),
];

const MOST_NAMED = 10;

const listText = (names: readonly string[]): string =>
  names.length <= MOST_NAMED
    ? names.join(', ')
    : `${names.slice(0, MOST_NAMED).join(', ')} and ${names.length - MOST_NAMED} more`;

function holdsText({ databases, tables }: ExaminedSource): string {
  const counts = databases.map((database) => {
    const count = tables.filter((table) => table.database === database).length;
    return `${database} (${countOf(count, 'table')})`;
  });
  return listText(counts);
}

function schemaOnlyText(tables: readonly LedgerTable[]): string {
  const without = tables
    .filter(({ coverage, engine }) => coverage !== 'data' && !PLAIN.has(engine))
    .map(({ database, name, engine }) => `${database}.${name} (${engine})`);
  return without.length === 0 ? '' : `${listText(without)}: definition only`;
}

/** Nobody expects rows in these. */
const PLAIN: ReadonlySet<string> = new Set(['View', 'LiveView', 'WindowView', 'Null']);

function notes({ examined, width }: Shown): Line[] {
  const { systemDatabases, undefinedDatabases, strangers } = examined;
  const found = [
    ...(systemDatabases.length === 0
      ? []
      : [
          `${listText(systemDatabases)} ${systemDatabases.length === 1 ? 'belongs' : 'belong'} to the server that was backed up. The objects are copied, for the manifest names them; they are not in the scope of the backup, and are never restored.`,
        ]),
    ...(undefinedDatabases.length === 0
      ? []
      : [
          `It has tables of ${listText(undefinedDatabases)} without the definition of the database: create that before you restore them.`,
        ]),
    ...(strangers === 0
      ? []
      : [
          `${countOf(strangers, 'object')} under the same prefix ${strangers === 1 ? 'is' : 'are'} not of this backup, and stay where they are.`,
        ]),
  ];
  return found.length === 0
    ? []
    : [EMPTY_LINE, ...found.flatMap((text) => paragraph(doubtful('Note: '), text, width))];
}

const next = (id: string, { target, command, width }: Shown): Line[] => [
  ...step('Prove it: sizes were compared, no byte has been read yet.', [`prove ${id}`], command, width),
  ...step(
    `Keep it, if it is to stay: retention counts it by its own time, like every other, and may expire it after ${PINNED_FOR / DAY} days.`,
    [`keep ${id}`],
    command,
    width,
  ),
  ...step(
    'Restore it beside the live databases, or see the statement that needs no Safehouse.',
    [`restore ${target} --backup ${id}`, `show ${id}`],
    command,
    width,
  ),
];

const step = (
  text: string,
  commands: readonly string[],
  command: Shown['command'],
  width: number,
): Line[] => [...paragraph('', text, width), ...commands.map((words) => line('  ', faint(command(words))))];
