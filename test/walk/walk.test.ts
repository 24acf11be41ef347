/**
 * Walks out of seeds: weeks or months of a target with faults of every kind, after each of which the invariants must hold. A seed
 * that fails is printed and gives the same walk again; a longer soak takes seeds that are new every day.
 *
 *   SAFEHOUSE_WALK_SEED=4711 npx vitest run test/walk/walk.test.ts
 *   SAFEHOUSE_WALK_RUNS=5000 SAFEHOUSE_WALK_SEED=2611200000 npx vitest run test/walk/walk.test.ts
 */
import '../support/function-environment.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { record } from '../faults/figure.ts';
import { RealParts } from './real-parts.ts';
import { FIRST, IS_SOAK, RUNS } from './seeds.ts';
import { Tally } from './tally.ts';
import { type WalkOptions, walk } from './walk.ts';

const A_TEST = 10;
const MINUTES = 60_000;

const real = new RealParts();
beforeAll(() => real.make());

/** Every second walk ends with a real restore: one takes as long as a short walk. */
const ordinary = (own: number): WalkOptions => ({ restores: own % 2 });

const chunks = Array.from({ length: Math.ceil(RUNS / A_TEST) }, (_, index) => ({
  first: FIRST + index * A_TEST,
  count: Math.min(A_TEST, RUNS - index * A_TEST),
}));

const whole = new Tally();

describe('a walk through faults', () => {
  test.for(chunks)(
    'keeps every promise, from seed $first on',
    { timeout: 20 * MINUTES },
    async ({ first, count }) => {
      const tally = new Tally();
      for (let own = first; own < first + count; own += 1) tally.add(await walk(own, real, ordinary(own)));
      whole.addAll(tally);
      expect(tally.violations).toEqual([]);
    },
  );

  test('has met what it was to meet', ({ task }) => {
    for (const [name, value] of whole.figures()) record(task, name, value);
    // A soak says what it has seen.
    if (IS_SOAK) console.info(whole.describe());
    if (RUNS >= 100) expect(whole.neverMet()).toEqual([]);
  });

  test('is the same when its seed is', async () => {
    const [once, again] = [await walk(FIRST, real), await walk(FIRST, real)];
    expect(again).toEqual(once);
  });
});
