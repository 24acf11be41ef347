/**
 * What AWS charges for what a night uses, in us-east-1, without free tiers and discounts.
 * As published on 20 November 2026 under aws.amazon.com/step-functions/pricing, /lambda/pricing and /s3/pricing.
 */
export const PRICES = {
  region: 'us-east-1',
  asOf: '2026-11-20',
  /** Standard workflows; retries count. */
  dollarsPerTransition: 0.025 / 1000,
  /** The first tier. */
  dollarsPerGigabyteSecond: { arm64: 0.0000133334, x86_64: 0.0000166667 },
  dollarsPerInvocation: 0.2 / 1_000_000,
  /** S3 Standard: PUT, COPY, POST, LIST. */
  dollarsPerWrite: 0.005 / 1000,
  /** S3 Standard: GET and all others but DELETE, which costs nothing. */
  dollarsPerRead: 0.0004 / 1000,
} as const;

export interface Invocation {
  readonly architecture: keyof typeof PRICES.dollarsPerGigabyteSecond;
  readonly milliseconds: number;
  readonly memoryMegabytes: number;
}

export interface S3Requests {
  readonly writes: number;
  readonly reads: number;
  readonly free: number;
}

export interface Usage {
  readonly transitions: number;
  readonly invocations: readonly Invocation[];
  readonly requests: S3Requests;
}

export interface Bill {
  readonly transitions: number;
  readonly invocations: number;
  readonly gigabyteSeconds: number;
  readonly requests: S3Requests;
  readonly dollars: {
    readonly transitions: number;
    readonly lambda: number;
    readonly requests: number;
    readonly total: number;
  };
}

/** Lambda bills each invocation by the millisecond, begun ones whole, and memory in units of 1,024 MB. */
export const gigabyteSeconds = ({ milliseconds, memoryMegabytes }: Invocation): number =>
  (Math.ceil(milliseconds) / 1000) * (memoryMegabytes / 1024);

const invocationDollars = (invocation: Invocation): number =>
  gigabyteSeconds(invocation) * PRICES.dollarsPerGigabyteSecond[invocation.architecture] +
  PRICES.dollarsPerInvocation;

const sumOf = (invocations: readonly Invocation[], amount: (invocation: Invocation) => number): number =>
  invocations.reduce((sum, each) => sum + amount(each), 0);

export const requestDollars = ({ writes, reads }: S3Requests): number =>
  writes * PRICES.dollarsPerWrite + reads * PRICES.dollarsPerRead;

export function billFor({ transitions, invocations, requests }: Usage): Bill {
  const dollars = {
    transitions: transitions * PRICES.dollarsPerTransition,
    lambda: sumOf(invocations, invocationDollars),
    requests: requestDollars(requests),
  };
  return {
    transitions,
    invocations: invocations.length,
    gigabyteSeconds: sumOf(invocations, gigabyteSeconds),
    requests,
    dollars: { ...dollars, total: dollars.transitions + dollars.lambda + dollars.requests },
  };
}
