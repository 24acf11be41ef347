/** Walks whose proofs are those of the real engine: few, because each proof takes a second. */
import '../support/function-environment.ts';
import { beforeAll, expect, test } from 'vitest';
import { ENVIRONMENT } from '../../core/environment.ts';
import { record } from '../faults/figure.ts';
import { RealParts } from './real-parts.ts';
import { FIRST, RUNS } from './seeds.ts';
import { Tally } from './tally.ts';
import { walk } from './walk.ts';

const COUNT = Math.ceil(RUNS / 100);
const MINUTES = 60_000;

Object.assign(process.env, {
  [ENVIRONMENT.bytesAnItem]: String(16 * 1024 ** 3),
  // The engine would otherwise look for the credentials of an instance.
  AWS_EC2_METADATA_DISABLED: 'true',
});

const real = new RealParts();
beforeAll(() => real.make());

test('a proof finds all damage, and none where there is none, whatever else goes wrong', {
  timeout: COUNT * 2 * MINUTES,
}, async ({ task }) => {
  const tally = new Tally();
  for (let seed = FIRST; seed < FIRST + COUNT; seed += 1)
    tally.add(await walk(seed, real, { isProvenForReal: true, restores: 1 }));
  for (const [name, value] of tally.figures()) record(task, name.replace('walk', 'provenWalk'), value);
  expect(tally.violations).toEqual([]);
  expect(tally.times('real proof: proven')).toBeGreaterThan(0);
  expect(tally.times('real proof: refuted')).toBeGreaterThan(0);
});
