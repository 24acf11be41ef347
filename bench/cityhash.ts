/** How fast files are hashed as ClickHouse hashes them, against MD5 of the same bytes in the same run. */
import { hash } from 'node:crypto';
import { FileChecksum } from '../core/cityhash.ts';
import { type Spread, spreadOf } from './statistics.ts';

/** As large as the chunks in which an object comes from S3. */
const CHUNK = 65_536;
const BLOCK = 2048;
const BYTES = 64 * 1024 * 1024;
const ROUNDS = 7;

export interface CityHashFigures {
  /** Bytes a second, one thread, of a file that comes in chunks of 64 KiB. */
  readonly cityHash: Spread;
  readonly md5: Spread;
  /** How many times as fast as MD5. */
  readonly ratio: number;
  /** The same of files of 2 KiB, each with a checksum of its own. */
  readonly smallFiles: {
    readonly cityHash: Spread;
    readonly md5: Spread;
    readonly ratio: number;
  };
}

export function measureCityHash(): CityHashFigures {
  const bytes = Buffer.alloc(
    BYTES,
    Uint8Array.from({ length: 997 }, (_, index) => (index * 89) % 256),
  );
  return {
    ...compare(
      () => cityHashOf(bytes),
      () => hash('md5', bytes),
    ),
    smallFiles: compare(
      () => eachBlock(bytes, cityHashOf),
      () => eachBlock(bytes, (block) => hash('md5', block)),
    ),
  };
}

/** In turns, so that whatever else the machine does falls on both. */
function compare(cityHash: () => unknown, md5: () => unknown): Omit<CityHashFigures, 'smallFiles'> {
  const samples: { cityHash: number[]; md5: number[] } = { cityHash: [], md5: [] };
  for (let round = 0; round < ROUNDS; round++) {
    samples.cityHash.push(speedOf(cityHash));
    samples.md5.push(speedOf(md5));
  }
  const spreads = { cityHash: spreadOf(samples.cityHash), md5: spreadOf(samples.md5) };
  return { ...spreads, ratio: spreads.cityHash.median / spreads.md5.median };
}

function speedOf(work: () => unknown): number {
  const before = performance.now();
  work();
  return BYTES / ((performance.now() - before) / 1000);
}

function cityHashOf(bytes: Uint8Array): string {
  const checksum = new FileChecksum();
  for (let at = 0; at < bytes.length; at += CHUNK) checksum.update(bytes.subarray(at, at + CHUNK));
  return checksum.digest();
}

function eachBlock(bytes: Uint8Array, work: (block: Uint8Array) => unknown): void {
  for (let at = 0; at < bytes.length; at += BLOCK) work(bytes.subarray(at, at + BLOCK));
}
