import { bytesText } from '../../cli/amounts.ts';
import type { Bucket } from '../../clients/bucket.ts';
import type { House } from '../../local/house.ts';
import {
  type Figure,
  type Measurement,
  measured,
  type Result,
  type Skipped,
  sampled,
  type Tools,
} from '../figure.ts';
import { type Dataset, fill, GIGABYTE } from '../overhead/dataset.ts';
import { bucketOf, openBenchHouse } from '../overhead/house.ts';
import { type Round, runRounds } from '../overhead/rounds.ts';
import { sqlAt } from '../overhead/sql.ts';
import { spreadOf } from '../statistics.ts';
import type { Room } from '../workspace.ts';

interface Size extends Dataset {
  readonly target: string;
  readonly rounds: number;
  /** Only the larger one has a target: below some seconds, what counts is the least wait of two of them. */
  readonly atMost?: number;
}

const SIZES: readonly Size[] = [
  { target: 'one', database: 'bench_1gb', bytes: GIGABYTE, rounds: 6 },
  { target: 'five', database: 'bench_5gb', bytes: 5 * GIGABYTE, rounds: 6, atMost: 1.15 },
];
/** The data, one backup of it, and half of it to spare. */
const DISK_FACTOR = 2.5;
/** Engine, bucket and functions; the rest is the disk's cache. */
const LEAST_MEMORY = 2 * GIGABYTE;

export const overhead: Figure = {
  number: 1,
  title: 'The whole workflow against the bare BACKUP statement',
  async measure(tools: Tools): Promise<Result> {
    const { house, close } = await openBenchHouse(tools.workspace, 'house', SIZES);
    try {
      const engineUrl = await house.startEngine();
      const bucket = bucketOf(house);
      const sizes = [];
      for (const size of SIZES) sizes.push(await measureSize(size, house, bucket, engineUrl, tools));
      return {
        measurements: sizes.flatMap((each) => ('skipped' in each ? [] : each.measurements)),
        skipped: sizes.flatMap((each) => ('skipped' in each ? [each.skipped] : [])),
        notes: [
          'The first ratio: pairs that ran one after the other, each first in turn, to the same local bucket; the workflow from its start to its end, verified, without the proof. Noise of the machine between the two runs is part of it.',
          'What disturbs a run only makes it slower: hence the fastest of each, too.',
          "The third ratio: within one run, against the time that ClickHouse's own system.backups gives for the backup.",
        ],
        details: sizes.map((each) => ('skipped' in each ? each : each.details)),
      };
    } finally {
      await close();
    }
  },
};

async function measureSize(
  size: Size,
  house: House,
  bucket: Bucket,
  engineUrl: string,
  { say, workspace }: Tools,
): Promise<{ measurements: Measurement[]; details: unknown } | { skipped: Skipped }> {
  const skipped = whyNot(size, await workspace.room());
  if (skipped !== undefined) return { skipped };
  const sql = sqlAt(engineUrl);
  say(`writing ${bytesText(size.bytes)} of random numbers`);
  const onDisk = await fill(sql, size);
  const { target, database } = size;
  const rounds = await runRounds({ house, bucket, sql, target, database }, size.rounds, (round, number) =>
    say(
      `${bytesText(size.bytes)}, ${number} of ${size.rounds}: workflow ${round.workflow.total.toFixed(1)} s, BACKUP ${round.bare.toFixed(1)} s`,
    ),
  );
  await sql(`DROP DATABASE ${database} SYNC`);
  return { measurements: measurementsOf(size, rounds), details: { database, onDisk, rounds } };
}

function whyNot({ bytes }: Size, room: Room): Skipped | undefined {
  const disk = bytes * DISK_FACTOR;
  if (room.disk >= disk && room.memory >= LEAST_MEMORY) return undefined;
  return {
    name: `the overhead at ${bytesText(bytes)}`,
    why: `It takes ${bytesText(disk)} of disk and ${bytesText(LEAST_MEMORY)} of memory; ${bytesText(room.disk)} and ${bytesText(room.memory)} are free.`,
    remedy: 'Free some, or name another disk: TMPDIR=/directory npm run bench -- 1',
  };
}

function measurementsOf({ bytes, atMost }: Size, rounds: readonly Round[]): Measurement[] {
  const name = bytesText(bytes);
  const ratios = rounds.map(({ workflow, bare }) => workflow.total / bare);
  const ownRatios = rounds.map(({ workflow }) => workflow.total / workflow.clickhouse);
  const fastest = (of: (round: Round) => number): number => Math.min(...rounds.map(of));
  const part = (label: string, of: (round: Round) => number): Measurement =>
    sampled(`${name}: ${label}`, spreadOf(rounds.map(of)), 'seconds');
  return [
    sampled(
      `${name}: workflow ÷ BACKUP`,
      spreadOf(ratios),
      'ratio',
      atMost === undefined ? undefined : { atMost },
    ),
    measured(
      `${name}: the fastest ÷ the fastest`,
      fastest(({ workflow }) => workflow.total) / fastest(({ bare }) => bare),
      'ratio',
    ),
    sampled(`${name}: workflow ÷ ClickHouse's time in it`, spreadOf(ownRatios), 'ratio'),
    part('BACKUP alone', ({ bare }) => bare),
    part('workflow', ({ workflow }) => workflow.total),
    part('… before ClickHouse begins', ({ workflow }) => workflow.before),
    part('… ClickHouse', ({ workflow }) => workflow.clickhouse),
    part('… until a poll sees its end', ({ workflow }) => workflow.unnoticed),
    part('… that poll, verify, end', ({ workflow }) => workflow.after),
  ];
}
