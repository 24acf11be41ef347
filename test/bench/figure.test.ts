import { describe, expect, it } from 'vitest';
import { measured, sampled } from '../../bench/figure.ts';
import { FIGURES } from '../../bench/figures.ts';

describe('a measurement', () => {
  it.each([
    [1.15, { atMost: 1.15 }, true],
    [1.1501, { atMost: 1.15 }, false],
    [5, { atLeast: 5 }, true],
    [4.99, { atLeast: 5 }, false],
  ])('of %d with the target %o is met: %s', (value, target, met) => {
    expect(measured('ratio', value, 'ratio', target)).toEqual({
      name: 'ratio',
      value,
      unit: 'ratio',
      target,
      met,
    });
  });

  it('without a target is neither met nor missed', () => {
    expect(measured('files', 3, 'count')).toEqual({ name: 'files', value: 3, unit: 'count' });
  });

  it('of several samples is judged by their median', () => {
    const spread = { median: 1, lowest: 0.5, highest: 9, samples: 4 };

    expect(sampled('ratio', spread, 'ratio', { atMost: 2 })).toEqual({
      name: 'ratio',
      value: 1,
      unit: 'ratio',
      target: { atMost: 2 },
      met: true,
      spread: { lowest: 0.5, highest: 9, samples: 4 },
    });
  });
});

describe('the figures', () => {
  it('have the numbers 1 to 9, in order', () => {
    expect(FIGURES.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});
