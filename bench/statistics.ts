/** The few numbers that stand for several measurements of the same thing. */

export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  readonly samples: number;
}

/** @throws RangeError for no samples: nothing measured has no median */
export function spreadOf(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((a, b) => a - b);
  const [lowest, highest] = [sorted[0], sorted.at(-1)];
  if (lowest === undefined || highest === undefined) throw new RangeError('no samples were taken');
  return { median: middleOf(sorted), lowest, highest, samples: sorted.length };
}

export const median = (samples: readonly number[]): number => spreadOf(samples).median;

/** Of an even number, the mean of the two in the middle. */
function middleOf(sorted: readonly number[]): number {
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}
