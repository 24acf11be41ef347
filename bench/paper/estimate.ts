/** What the proof of a large backup would take, on paper: the rules of the code, the prices of AWS, and a few named guesses. */
import type { Config } from '../../core/config.ts';
import {
  BYTES_A_FILE,
  FILES_AN_ITEM,
  type MountedPart,
  planChecks,
  planContents,
} from '../../core/proof-items.ts';
import { type Bill, billFor, type Invocation } from '../night/prices.ts';

/** A backup of equal parts. */
export interface PaperBackup {
  readonly tables: number;
  readonly partsOfEach: number;
  readonly bytesOfEach: number;
  readonly filesOfEach: number;
}

/** 10 TB: a hundred tables of a hundred parts, each of forty columns, a `.bin` and a mark file for each and twenty others. */
export const TEN_TERABYTES: PaperBackup = {
  tables: 100,
  partsOfEach: 100,
  bytesOfEach: 1_000_000_000,
  filesOfEach: 100,
};

/** What one function of the default size gets from S3, as the default of `prover.gibibytesAnItem` has it. Nobody has measured it. */
export const BYTES_A_SECOND = 60_000_000;
/** Unpacking and opening the engine, and its self-test: the most that the figure of the cold start may be. */
export const START_SECONDS = 3;
/** Small files that the engine reads to load one part: the figure of mounting. */
export const REQUESTS_TO_LOAD = 8;
/** For reading a manifest: the figure of verifying a million files, on a busy machine. */
export const SECONDS_A_MILLION_FILES = 14;
/** Every item reads the manifest, the plan and the ledger. */
const REQUESTS_AN_ITEM = 5;
/** 32 results at once in a tenth of a second. */
const JUDGED_A_SECOND = 320;
const JUDGE_MEGABYTES = 512;
/** Lambda's. */
export const LONGEST_SECONDS = 900;

export type ProverSettings = Pick<Config['prover'], 'memoryMiB' | 'atOnce' | 'gibibytesAnItem'>;

export interface Estimate {
  readonly parts: number;
  readonly files: number;
  readonly bytes: number;
  readonly checkItems: number;
  readonly contentItems: number;
  readonly items: number;
  readonly planSeconds: number;
  /** Of the longest item. */
  readonly itemSeconds: number;
  readonly waves: number;
  /** From the start to the verdict. */
  readonly seconds: number;
  readonly bill: Bill;
}

const SECONDS_A_REQUEST = BYTES_A_FILE / BYTES_A_SECOND;

/** @param bytesASecond what one function gets from S3 */
export function estimate(
  backup: PaperBackup,
  settings: ProverSettings,
  bytesASecond = BYTES_A_SECOND,
): Estimate {
  const parts = partsOf(backup);
  const files = parts.length * backup.filesOfEach;
  const limits = { bytesAnItem: settings.gibibytesAnItem * 1024 ** 3, filesAnItem: FILES_AN_ITEM };
  const checks = planChecks(parts, limits);
  // One file of each part that the engine does not vouch for, and a definition for each table.
  const compared = parts.length + backup.tables;
  const contents = planContents(compared, 0, limits);
  const overhead = START_SECONDS + (files / 1_000_000) * SECONDS_A_MILLION_FILES;
  const planSeconds = overhead + parts.length * REQUESTS_TO_LOAD * SECONDS_A_REQUEST;
  const itemSeconds = [
    ...checks.map(({ bytes }) => {
      const requests = (bytes / backup.bytesOfEach) * (REQUESTS_TO_LOAD + backup.filesOfEach);
      return overhead + bytes / bytesASecond + requests * SECONDS_A_REQUEST;
    }),
    ...contents.map(() => overhead + (compared / contents.length) * SECONDS_A_REQUEST),
  ];
  const items = itemSeconds.length;
  const waves = Math.ceil(items / settings.atOnce);
  const longest = Math.max(...itemSeconds);
  const judgeSeconds = items / JUDGED_A_SECOND;
  return {
    parts: parts.length,
    files,
    bytes: parts.length * backup.bytesOfEach,
    checkItems: checks.length,
    contentItems: contents.length,
    items,
    planSeconds,
    itemSeconds: longest,
    waves,
    seconds: planSeconds + waves * longest + judgeSeconds,
    bill: billFor({
      // The start, plan, choice, map, judgement and end; of each item its own execution's start and its one state.
      transitions: 6 + 2 * items,
      invocations: [
        ...[planSeconds, ...itemSeconds].map((seconds) => proverInvocation(seconds, settings)),
        judgeInvocation(judgeSeconds),
      ],
      requests: {
        // Plan, items and evidence are written once each; the ledger is listed at the beginning and at the end.
        writes: items + 4,
        reads: parts.length * 2 * REQUESTS_TO_LOAD + files + compared + (items + 1) * REQUESTS_AN_ITEM,
        free: 0,
      },
    }),
  };
}

const proverInvocation = (seconds: number, { memoryMiB }: ProverSettings): Invocation => ({
  architecture: 'x86_64',
  milliseconds: seconds * 1000,
  memoryMegabytes: memoryMiB,
});

const judgeInvocation = (seconds: number): Invocation => ({
  architecture: 'arm64',
  milliseconds: seconds * 1000,
  memoryMegabytes: JUDGE_MEGABYTES,
});

const partsOf = ({ tables, partsOfEach, bytesOfEach, filesOfEach }: PaperBackup): MountedPart[] =>
  Array.from({ length: tables * partsOfEach }, (_, index) => ({
    database: 'paper',
    table: `table_${Math.floor(index / partsOfEach)}`,
    name: `all_${index}_${index}_0`,
    bytes: bytesOfEach,
    files: filesOfEach,
  }));
