import { describe, expect, it } from 'vitest';
import { billFor, gigabyteSeconds, requestDollars } from '../../../bench/night/prices.ts';

const NOTHING = { transitions: 0, invocations: [], requests: { writes: 0, reads: 0, free: 0 } };

describe('a bill', () => {
  it('is nothing for nothing', () => {
    expect(billFor(NOTHING).dollars).toEqual({ transitions: 0, lambda: 0, requests: 0, total: 0 });
  });

  it('takes 2.5 cents for a thousand transitions', () => {
    expect(billFor({ ...NOTHING, transitions: 1000 }).dollars.total).toBeCloseTo(0.025, 12);
  });

  it('takes 0.5 cents for a thousand writes, 0.04 for a thousand reads, and nothing for deletes', () => {
    expect(requestDollars({ writes: 1000, reads: 0, free: 0 })).toBeCloseTo(0.005, 12);
    expect(requestDollars({ writes: 0, reads: 1000, free: 0 })).toBeCloseTo(0.0004, 12);
    expect(requestDollars({ writes: 0, reads: 0, free: 1000 })).toBe(0);
  });

  it('takes a begun millisecond of Lambda for a whole one, and half of a gigabyte for half', () => {
    expect(gigabyteSeconds({ milliseconds: 999.01, memoryMegabytes: 512, architecture: 'arm64' })).toBe(0.5);
    expect(gigabyteSeconds({ milliseconds: 0.2, memoryMegabytes: 1024, architecture: 'arm64' })).toBe(0.001);
  });

  it('adds up: a million invocations of a gigabyte and a millisecond', () => {
    const invocations = new Array(1_000_000).fill({
      milliseconds: 1,
      memoryMegabytes: 1024,
      architecture: 'arm64',
    });
    const onIntel = invocations.map((each) => ({ ...each, architecture: 'x86_64' }));
    const { dollars, gigabyteSeconds: used } = billFor({ ...NOTHING, invocations });

    expect(used).toBeCloseTo(1000, 6);
    expect(dollars.lambda).toBeCloseTo(0.2 + 0.0133334, 9);
    expect(dollars.total).toBeCloseTo(dollars.lambda, 12);
    expect(billFor({ ...NOTHING, invocations: onIntel }).dollars.lambda).toBeCloseTo(0.2 + 0.0166667, 9);
  });
});
