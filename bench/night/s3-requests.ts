/** Which requests S3 bills how, and who made them. */
import type { S3Requests } from './prices.ts';

export interface S3Call {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly userAgent: string;
}

export type Maker = 'safehouse' | 'clickhouse';

/** ClickHouse uses AWS's SDK for C++ under its own name, the functions that for JavaScript. */
export const makerOf = ({ userAgent }: S3Call): Maker =>
  userAgent.includes('aws-sdk-js') ? 'safehouse' : 'clickhouse';

/**
 * LIST is a GET and is billed as a write; DeleteObjects is a POST, and whether AWS charges it is not said anywhere: it is
 * counted as if.
 */
export function billedAs({ method, url }: S3Call): keyof S3Requests {
  switch (method) {
    case 'DELETE':
      return 'free';
    case 'PUT':
    case 'POST':
      return 'writes';
    default:
      return isListing(url) ? 'writes' : 'reads';
  }
}

/** A GET of a bucket lists it, whatever it lists, unless it asks for one of its properties. */
function isListing(url: string): boolean {
  const { searchParams } = new URL(url, 'http://s3');
  return ['list-type', 'versions', 'uploads', 'prefix'].some((name) => searchParams.has(name));
}

/** Counts calls until it is emptied. */
export class RequestCount {
  #counts = emptyCounts();

  add(call: S3Call): void {
    this.#counts[makerOf(call)][billedAs(call)] += 1;
  }

  /** What was counted since the last time. */
  take(): Readonly<Record<Maker, S3Requests>> {
    const counts = this.#counts;
    this.#counts = emptyCounts();
    return counts;
  }
}

const emptyCounts = (): Record<Maker, Record<keyof S3Requests, number>> => ({
  safehouse: { writes: 0, reads: 0, free: 0 },
  clickhouse: { writes: 0, reads: 0, free: 0 },
});
