import { describe, expect, it } from 'vitest';
import { median, spreadOf } from '../../bench/statistics.ts';

describe('spreadOf', () => {
  it('takes the middle one of an odd number of samples, whatever their order', () => {
    expect(spreadOf([9, 1, 4])).toEqual({ median: 4, lowest: 1, highest: 9, samples: 3 });
  });

  it('takes the mean of the two in the middle of an even number', () => {
    expect(median([10, 1, 2, 4])).toBe(3);
  });

  it('sorts by number, not by text, and leaves the samples as they are', () => {
    const samples = [100, 9, 20];

    expect(median(samples)).toBe(20);
    expect(samples).toEqual([100, 9, 20]);
  });

  it('refuses to make a number out of nothing', () => {
    expect(() => spreadOf([])).toThrow('no samples were taken');
  });
});
