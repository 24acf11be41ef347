import { expect, it } from 'vitest';
import { profileOf } from '../../../bench/overhead/profile.ts';
import type { Transition } from '../../../local/execution.ts';

const START = Date.UTC(2026, 3, 2);

const visits = (...states: readonly (readonly [state: string, from: number, to: number])[]): Transition[] =>
  states.flatMap(([state, from, to]) => [
    { at: START + from, what: 'entered' as const, state },
    { at: START + to, what: 'exited' as const, state },
  ]);

it('says where the time of a run went', () => {
  const transitions = visits(
    ['Begin', 0, 100],
    ['Submit', 100, 300],
    ['WaitForClickHouse', 300, 2300],
    ['Poll', 2300, 2320],
    ['WaitForClickHouse', 2320, 4320],
    ['Poll', 4320, 4350],
    ['Verify', 4350, 4900],
  );
  const profile = profileOf(
    transitions,
    { begin: START, end: START + 5000 },
    { begin: START + 250, end: START + 3320 },
  );

  expect(profile).toEqual({
    total: 5,
    before: 0.25,
    clickhouse: 3.07,
    unnoticed: 1,
    after: 0.68,
    polls: 2,
    states: { Begin: 0.1, Submit: 0.2, WaitForClickHouse: 4, Poll: 0.05, Verify: 0.55 },
  });
});

it('has parts that add up to the whole, whatever happened', () => {
  const { total, before, clickhouse, unnoticed, after } = profileOf(
    visits(['Begin', 0, 10], ['Poll', 700, 720]),
    { begin: START, end: START + 1000 },
    { begin: START + 20, end: START + 680 },
  );

  expect(before + clickhouse + unnoticed + after).toBeCloseTo(total, 9);
});
