import { mapConcurrently } from '../../clients/concurrently.ts';
import { readLedger } from '../../clients/ledger.ts';
import { ageText } from '../../core/alert.ts';
import { isGood, type LedgerEntry } from '../../core/ledger.ts';
import { bytesText, countOf, countText } from '../amounts.ts';
import { AT_ONCE, type BackupRow, readRowOrProblem } from '../backup-row.ts';
import { bucketOf } from '../bucket-of.ts';
import { usageError } from '../command-line.ts';
import { EXIT } from '../exit-codes.ts';
import { requireTarget } from '../find-target.ts';
import type { Progress } from '../progress.ts';
import { doubtful, EMPTY_LINE, faint, type Line, line, paragraph } from '../screen.ts';
import { stateSpan } from '../state-span.ts';
import { type Column, table } from '../table.ts';
import type { Answer, Call, Verb } from '../verb.ts';

/** What fits a screen or two; a script gets everything. */
const SHOWN = 100;

export const list: Verb = {
  name: 'list',
  summary: 'the backups there are, the newest last',
  argument: { name: 'TARGET', required: false },
  flags: {
    limit: { value: 'N', about: `only the newest N; else ${SHOWN} on the screen and all in --json` },
    all: { about: 'also those that retention has removed' },
  },
  about: [
    'Lists the backups of one target or of all, the newest last, each with its state: `proven` was read back by an engine that did not write it, `verified` was compared by the sizes of its objects. TOOK is the time until it was verified or failed; ON is the end of the id of the full backup that an incremental stands on.',
  ],
  examples: ['list', 'list demo --local', 'list shop --limit 10 --json'],
  run,
};

interface Listed {
  readonly entry: LedgerEntry;
  readonly row: BackupRow;
  readonly problem?: string;
}

async function run({ argument, flags, open, now, progress }: Call): Promise<Answer> {
  const limit = limitOf(flags.get('limit'));
  const installation = await open();
  const target = argument === '' ? undefined : await requireTarget(installation, argument);
  const bucket = bucketOf(installation);
  const { entries, strangers } = await readLedger(bucket, target);
  const existing = entries.filter(({ states }) => flags.has('all') || states.removed === undefined);
  const shown = existing.slice(-(limit ?? (flags.has('json') ? existing.length : SHOWN)));
  const listed = await mapConcurrently(
    shown,
    AT_ONCE,
    async (entry): Promise<Listed> => ({
      entry,
      ...(await readRowOrProblem(bucket, entry)),
    }),
  );
  noteProblems(listed, progress);
  return {
    exitCode: EXIT.good,
    json: { backups: listed.map(({ row }) => row) },
    screen: (width) => [
      ...backupTable(listed, target === undefined, width),
      ...remarks(listed, existing.length, strangers, installation.title, now(), width),
    ],
  };
}

/** One page that cannot be read is news; a thousand are one piece of news. */
const NAMED = 3;

function noteProblems(listed: readonly Listed[], progress: Progress): void {
  const problems = listed.flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
  for (const problem of problems.slice(0, NAMED)) progress.note(line(doubtful('Not readable: '), problem));
  if (problems.length > NAMED)
    progress.note(line(doubtful('Not readable: '), `${problems.length - NAMED} more.`));
}

function limitOf(value: string | true | undefined): number | undefined {
  if (value === undefined) return undefined;
  const limit = Number(value);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw usageError(
    [`--limit is ${JSON.stringify(value)}; must be a whole number from 1 on.`],
    'Example: --limit 20',
  );
}

const COLUMNS: readonly Column[] = [
  { heading: 'BACKUP' },
  { heading: 'TARGET', fit: 'cut' },
  { heading: 'STATE' },
  { heading: 'TOOK', align: 'right' },
  { heading: 'SIZE', align: 'right' },
  { heading: 'ON' },
];

function backupTable(listed: readonly Listed[], withTarget: boolean, width: number): Line[] {
  if (listed.length === 0) return [];
  return table(
    COLUMNS,
    listed.map(({ entry, row }) => [
      row.id,
      withTarget ? row.target : '',
      stateSpan(entry.states),
      tookText(row),
      row.bytes === null ? '' : bytesText(row.bytes),
      row.base === null ? '' : faint(row.base.slice(row.base.lastIndexOf('-') + 1)),
    ]),
    width,
  );
}

const tookText = ({ startedAt, finishedAt }: BackupRow): string =>
  finishedAt === null ? '' : ageText(Date.parse(finishedAt) - Date.parse(startedAt));

function remarks(
  listed: readonly Listed[],
  existing: number,
  strangers: readonly string[],
  title: string,
  now: number,
  width: number,
): Line[] {
  if (listed.length === 0) return [line(`There is no backup yet on ${title}.`)];
  const newest = listed.at(-1)?.entry.startedAt ?? now;
  const bytes = listed.reduce((sum, { row }) => sum + (row.bytes ?? 0), 0);
  const cut =
    listed.length < existing
      ? `The newest ${countText(listed.length)} of ${countOf(existing, 'backup')}`
      : countOf(existing, 'backup');
  const sentence = `${cut}, ${bytesText(bytes)}; the newest began ${ageText(now - newest)} ago.${listed.length < existing ? ' --limit shows more.' : ''}`;
  const strange =
    strangers.length === 0
      ? []
      : paragraph(
          doubtful('Strange: '),
          `${countOf(strangers.length, 'object')} under ledger/ that Safehouse did not write, such as ${strangers[0]}.`,
          width,
        );
  return [EMPTY_LINE, ...paragraph('', `${sentence} ${proofText(listed)}`, width), ...strange];
}

/** Proven and merely verified are two things. */
function proofText(listed: readonly Listed[]): string {
  const good = listed.filter(({ entry }) => isGood(entry.states));
  const proven = good.filter(({ entry }) => entry.states.proven !== undefined);
  if (good.length === 0) return '';
  return `${countText(proven.length)} of ${countOf(good.length, 'good one')} ${proven.length === 1 ? 'is' : 'are'} proven${proven.length < good.length ? ', the rest only verified' : ''}.`;
}
