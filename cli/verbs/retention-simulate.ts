import type { Bucket } from '../../clients/bucket.ts';
import { readEvidence, readLedger } from '../../clients/ledger.ts';
import { KINDS, type Kind } from '../../core/backup-id.ts';
import type { Target } from '../../core/config.ts';
import { isGood, type LedgerEntry } from '../../core/ledger.ts';
import {
  type SimulatedBackup,
  type SimulatedDay,
  type Simulation,
  simulateRetention,
} from '../../core/retention-simulation.ts';
import { bytesText, countOf, countText } from '../amounts.ts';
import { usageError } from '../command-line.ts';
import { EXIT } from '../exit-codes.ts';
import { EMPTY_LINE, faint, type Line, line, paragraph, strong } from '../screen.ts';
import { table } from '../table.ts';
import type { Answer } from '../verb.ts';

type Sizes = Readonly<Record<Kind, number>>;

/** What would exist day by day, if every backup were good and as large as the newest one of its kind. */
export async function simulate(
  bucket: Bucket,
  name: string,
  target: Target,
  days: number,
  start: number,
): Promise<Answer> {
  const sizes = await newestSizes(bucket, name);
  const simulation = run(target, days, start, sizes);
  return {
    exitCode: EXIT.good,
    json: {
      target: name,
      days: simulation.days.map(({ date, backups, bytes }) => ({ date, ...counts(backups), bytes })),
      most: simulation.most,
      last:
        simulation.days
          .at(-1)
          ?.backups.map(({ id, kind, good, expiring }) => ({ id, kind, good, expiring })) ?? [],
      sizes,
    },
    screen: (width) => simulationScreen(name, simulation, sizes, width),
  };
}

function run({ schedule, retention }: Target, days: number, start: number, sizes: Sizes): Simulation {
  const { timeZone, full, incremental } = schedule;
  try {
    return simulateRetention({
      schedules: [
        { kind: 'full', expression: full },
        ...(incremental === undefined ? [] : [{ kind: 'incremental' as const, expression: incremental }]),
      ],
      rules: retention,
      days,
      timeZone,
      start,
      sizes,
    });
  } catch (error) {
    // Schedule, rules and zone have passed the schema: what is left is too many runs for the days.
    if (error instanceof RangeError) throw usageError([`${error.message}.`], 'Example: --simulate 30');
    throw error;
  }
}

async function newestSizes(bucket: Bucket, target: string): Promise<Sizes> {
  const { entries } = await readLedger(bucket, target);
  const sizeOf = async (kind: Kind): Promise<number> => {
    const newest = entries.findLast((entry: LedgerEntry) => entry.kind === kind && isGood(entry.states));
    if (newest === undefined) return 0;
    return (await readEvidence(bucket, target, newest.id, 'verified'))?.bytes ?? 0;
  };
  return { full: await sizeOf('full'), incremental: await sizeOf('incremental') };
}

const counts = (
  backups: readonly SimulatedBackup[],
): { full: number; incremental: number; expiring: number } => ({
  full: backups.filter(({ kind }) => kind === 'full').length,
  incremental: backups.filter(({ kind }) => kind === 'incremental').length,
  expiring: backups.filter(({ expiring }) => expiring).length,
});

/** More lines than this hide the course of things. */
const LINES = 13;

function simulationScreen(name: string, { days, most }: Simulation, sizes: Sizes, width: number): Line[] {
  const last = days.at(-1);
  if (last === undefined) return [];
  return [
    ...table(
      [
        { heading: 'END OF' },
        { heading: 'FULL', align: 'right' },
        { heading: 'INCREMENTAL', align: 'right' },
        { heading: 'OF THEM MARKED', align: 'right' },
        { heading: 'SIZE', align: 'right' },
      ],
      sample(days).map((day) => dayCells(day, sizes)),
      width,
    ),
    EMPTY_LINE,
    ...paragraph(
      '',
      `At most ${countOf(most.backups, 'backup')} of ${name} at the end of a day${hasSizes(sizes) ? `, ${bytesText(most.bytes)}` : ''}. ${sizesText(sizes)}`,
      width,
    ),
    EMPTY_LINE,
    line(strong(`What there would be on ${last.date}`)),
    ...KINDS.flatMap((kind) => datesLines(kind, last, width)),
  ];
}

function sample(days: readonly SimulatedDay[]): SimulatedDay[] {
  const step = Math.max(1, Math.ceil(days.length / LINES));
  return days.filter((_, index) => index === days.length - 1 || (index + 1) % step === 0);
}

function dayCells({ date, backups, bytes }: SimulatedDay, sizes: Sizes): string[] {
  const { full, incremental, expiring } = counts(backups);
  return [
    date,
    countText(full),
    incremental === 0 ? '' : countText(incremental),
    expiring === 0 ? '' : countText(expiring),
    hasSizes(sizes) ? bytesText(bytes) : '',
  ];
}

const hasSizes = ({ full, incremental }: Sizes): boolean => full + incremental > 0;

function sizesText(sizes: Sizes): string {
  if (!hasSizes(sizes)) return 'Sizes are not known before the first good backup.';
  const known = KINDS.filter((kind) => sizes[kind] > 0).map((kind) => `${bytesText(sizes[kind])} ${kind}`);
  return `Counted with the newest sizes: ${known.join(', ')}.`;
}

function datesLines(kind: Kind, { backups }: SimulatedDay, width: number): Line[] {
  const dates = backups
    .filter((backup) => backup.kind === kind)
    .map(({ startedAt }) => new Date(startedAt).toISOString().slice(0, 10));
  return dates.length === 0 ? [] : paragraph(faint(`  ${kind.padEnd(13)}`), dates.join(' '), width);
}
