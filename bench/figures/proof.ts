import { bytesText } from '../../cli/amounts.ts';
import { type AwsCli, findAwsCli, INSTALL } from '../aws-cli.ts';
import {
  type Figure,
  type Measurement,
  measured,
  type Result,
  type Skipped,
  sampled,
  type Target,
  type Tools,
} from '../figure.ts';
import { type Dataset, fill, GIGABYTE } from '../overhead/dataset.ts';
import { bucketOf, openBenchHouse } from '../overhead/house.ts';
import { sqlAt } from '../overhead/sql.ts';
import type { Bench } from '../overhead/statement.ts';
import { countRequests, makeStanding, type Proof } from '../proof/place.ts';
import { type Round, runProofRounds } from '../proof/rounds.ts';
import { spreadOf } from '../statistics.ts';
import type { Room } from '../workspace.ts';

interface Size extends Dataset {
  readonly target: string;
  readonly rounds: number;
  /** Bytes of the largest process; of the larger size only. */
  readonly mostMemory?: number;
}

const SIZES: readonly Size[] = [
  { target: 'one', database: 'proof_1gb', bytes: GIGABYTE, rounds: 5 },
  { target: 'five', database: 'proof_5gb', bytes: 5 * GIGABYTE, rounds: 3, mostMemory: 1.5 * GIGABYTE },
];
/** The data, a backup that stands, whatever is written beside it for a while, and half of it to spare. */
const DISK_FACTOR = 3.5;
/** Engine, bucket, three provers; the rest is the disk's cache. */
const LEAST_MEMORY = 4 * GIGABYTE;

/** What the arithmetic of docs/proof.md looks for. */
export const READING_RATE = 'bytes that an item reads a second';

export const proof: Figure = {
  number: 7,
  title: 'Proving every byte, against BACKUP, RESTORE with CHECK TABLE, and aws s3 cp',
  async measure(tools: Tools): Promise<Result> {
    const { workspace } = tools;
    const cli = await findAwsCli();
    const { house, close } = await openBenchHouse(workspace, 'proof', SIZES);
    try {
      const sql = sqlAt(await house.startEngine());
      const common = { house, sql, bucket: bucketOf(house) };
      const sizes = [];
      for (const size of SIZES) {
        const { target, database } = size;
        sizes.push(await measureSize(size, { ...common, target, database }, cli, tools));
      }
      return {
        measurements: sizes.flatMap((each) => ('skipped' in each ? [] : each.measurements)),
        skipped: [
          ...sizes.flatMap((each) => ('skipped' in each ? [each.skipped] : [])),
          ...(cli === undefined ? [WITHOUT_CLI] : []),
        ],
        notes: NOTES,
        details: {
          cli: cli?.version ?? null,
          sizes: sizes.map((each) => ('skipped' in each ? each : each.details)),
        },
      };
    } finally {
      await close();
    }
  },
};

const WITHOUT_CLI: Skipped = {
  name: 'the proof against aws s3 cp',
  why: 'This machine has no aws command.',
  remedy: `${INSTALL}, then: npm run bench -- 7`,
};

const NOTES = [
  'The bundles as they are deployed, run by the synthesised state machine from its start to its end: one plan, one item that reads the data, beside it one that compares definitions, the judgement. Ratios are of the same round.',
  'Cold: every function in a process of its own that has just been started and unpacks its own engine, as at night. Warm: the same processes once more, as in a walk over several backups.',
  'What was written a moment ago comes out of memory here, and a disk takes gigabytes into memory before it makes anybody wait: reading is slower from a real S3, and a RESTORE of 1 GB costs hardly more than its reading.',
  'What disturbs a run only makes it slower, and a proof from a cold start, with three processes on two processors, more than anything else: hence the fastest of each, too.',
  'The local bucket is one process on one of the two processors, and gives about 1.4 GB a second to whoever asks: the proof waits for it most of the time.',
];

async function measureSize(
  size: Size,
  bench: Bench,
  cli: AwsCli | undefined,
  { say, workspace }: Tools,
): Promise<{ measurements: Measurement[]; details: unknown } | { skipped: Skipped }> {
  const skipped = whyNot(size, await workspace.room());
  if (skipped !== undefined) return { skipped };
  const name = bytesText(size.bytes);
  say(`writing ${name} of random numbers`);
  await fill(bench.sql, size);
  const standing = await makeStanding(bench);
  const requests = await countRequests(bench, standing, workspace);
  const each = (round: Round, number: number): void =>
    say(`${name}, ${number} of ${size.rounds}: ${roundText(round)}`);
  const rounds = await runProofRounds({ bench, standing, cli, workspace, rounds: size.rounds, each });
  await bench.sql(`DROP DATABASE ${bench.database} SYNC`);
  return {
    measurements: measurementsOf(size, rounds, requests),
    details: { standing, rounds: rounds.map(detailsOf) },
  };
}

const roundText = ({ backup, cold, warm, restored: { restore, check }, download }: Round): string =>
  [
    `BACKUP ${backup.toFixed(1)} s`,
    `proof ${cold.seconds.toFixed(1)} s cold, ${warm.seconds.toFixed(1)} s warm`,
    `RESTORE ${restore.toFixed(1)} s, CHECK ${check.toFixed(1)} s`,
    ...(download === undefined ? [] : [`aws ${download.toFixed(1)} s`]),
  ].join(', ');

function whyNot({ bytes }: Size, room: Room): Skipped | undefined {
  const disk = bytes * DISK_FACTOR;
  if (room.disk >= disk && room.memory >= LEAST_MEMORY) return undefined;
  return {
    name: `the proof at ${bytesText(bytes)}`,
    why: `It takes ${bytesText(disk)} of disk and ${bytesText(LEAST_MEMORY)} of memory; ${bytesText(room.disk)} and ${bytesText(room.memory)} are free.`,
    remedy: 'Free some, or name another disk: TMPDIR=/directory npm run bench -- 7',
  };
}

function measurementsOf(
  { bytes, mostMemory }: Size,
  rounds: readonly Round[],
  requests: number,
): Measurement[] {
  const name = bytesText(bytes);
  const memory = Math.max(...rounds.flatMap(({ cold, warm }) => [peakOf(cold), peakOf(warm)]));
  return [
    ...ratios(name, rounds),
    measured(
      `${name}: most memory of a prover`,
      memory,
      'bytes',
      mostMemory === undefined ? undefined : { atMost: mostMemory },
    ),
    ...times(name, rounds),
    sampled(`${name}: ${READING_RATE}`, spreadOf(rounds.map(({ warm }) => readingRate(warm))), 'bytes'),
    measured(`${name}: S3 requests of a proof`, requests, 'count'),
  ];
}

const TEMPERATURES = ['cold', 'warm'] as const;

function ratios(name: string, rounds: readonly Round[]): Measurement[] {
  const ratio = (
    label: string,
    other: (round: Round) => number | undefined,
    of: (proof: number, other: number) => number,
    unit: 'ratio' | 'times',
    target: Target,
  ): Measurement[] =>
    TEMPERATURES.flatMap((temperature) => {
      const pairs = rounds.flatMap((round) => {
        const seconds = other(round);
        return seconds === undefined ? [] : [[round[temperature].seconds, seconds] as const];
      });
      if (pairs.length === 0) return [];
      const proofs = pairs.map(([proof]) => proof);
      const others = pairs.map(([, seconds]) => seconds);
      return [
        sampled(
          `${name}: ${label}, ${temperature}`,
          spreadOf(pairs.map((pair) => of(...pair))),
          unit,
          target,
        ),
        measured(
          `${name}: ${label}, ${temperature}, fastest of each`,
          of(Math.min(...proofs), Math.min(...others)),
          unit,
        ),
      ];
    });
  const against = (proof: number, seconds: number): number => seconds / proof;
  return [
    ...ratio(
      'proof ÷ BACKUP',
      ({ backup }) => backup,
      (seconds, backup) => seconds / backup,
      'ratio',
      { atMost: 0.35 },
    ),
    ...ratio(
      'RESTORE and CHECK TABLE ÷ proof',
      ({ restored: { restore, check } }) => restore + check,
      against,
      'times',
      { atLeast: 3 },
    ),
    ...ratio('bytes a second ÷ those of aws s3 cp', ({ download }) => download, against, 'times', {
      atLeast: 1,
    }),
  ];
}

function times(name: string, rounds: readonly Round[]): Measurement[] {
  const time = (label: string, of: (round: Round) => number | undefined): Measurement[] => {
    const samples = rounds.flatMap((round) => of(round) ?? []);
    return samples.length === 0 ? [] : [sampled(`${name}: ${label}`, spreadOf(samples), 'seconds')];
  };
  return [
    ...time('BACKUP', ({ backup }) => backup),
    ...time('proof, cold', ({ cold }) => cold.seconds),
    ...time('proof, warm', ({ warm }) => warm.seconds),
    ...time('RESTORE', ({ restored }) => restored.restore),
    ...time('CHECK TABLE of what was restored', ({ restored }) => restored.check),
    ...time('aws s3 cp --recursive', ({ download }) => download),
  ];
}

const peakOf = ({ invocations }: Proof): number =>
  Math.max(...invocations.map(({ peakBytes = 0 }) => peakBytes));

/** Of the item with the most bytes, without its self-test: what an item of any size would read at. */
function readingRate({ results }: Proof): number {
  const rates = results.map(({ bytes, seconds, selfTest }) => bytes / (seconds - selfTest.seconds));
  return Math.max(...rates);
}

function detailsOf({ cold, warm, ...round }: Round) {
  return { ...round, cold: proofDetails(cold), warm: proofDetails(warm) };
}

const proofDetails = ({ seconds, transitions, invocations, plan, results }: Proof) => ({
  seconds,
  transitions,
  invocations,
  plan: { seconds: plan.seconds, selfTest: plan.selfTest.seconds },
  items: results.map((result) => ({
    bytes: result.bytes,
    files: result.files,
    seconds: result.seconds,
    selfTest: result.selfTest.seconds,
  })),
});
