import { describe, expect, it } from 'vitest';
import { keptBy } from './rules-model.ts';

const at = (time: string, kind: 'full' | 'incremental' = 'full', base: string | null = null) => ({
  id: time,
  startedAt: Date.parse(time),
  kind,
  base,
});

const kept = (rules: Parameters<typeof keptBy>[0], timeZone: string, ...good: ReturnType<typeof at>[]) =>
  Object.fromEntries(keptBy(rules, good, timeZone));

describe('the rules, worked out a second time', () => {
  it('keep the newest of each local day', () => {
    // In Berlin the first of them is of 1 April already.
    expect(
      kept(
        { daily: 2, minimum: 1 },
        'Europe/Berlin',
        at('2026-03-31T20:00:00Z'),
        at('2026-03-31T22:30:00Z'),
        at('2026-04-01T08:00:00Z'),
        at('2026-04-02T08:00:00Z'),
      ),
    ).toEqual({ '2026-04-02T08:00:00Z': 'minimum 1', '2026-04-01T08:00:00Z': 'daily 2' });
  });

  it('begin a week on Monday, also over the end of a year', () => {
    expect(
      kept(
        { weekly: 2, minimum: 1 },
        'UTC',
        at('2026-12-27T02:00:00Z'),
        at('2026-12-28T02:00:00Z'),
        at('2027-01-03T02:00:00Z'),
      ),
    ).toEqual({ '2027-01-03T02:00:00Z': 'minimum 1', '2026-12-27T02:00:00Z': 'weekly 2' });
  });

  it('keep the newest full one, and every base', () => {
    expect(
      kept(
        { last: 1, minimum: 1 },
        'UTC',
        at('2026-04-01T02:00:00Z'),
        at('2026-04-02T02:00:00Z'),
        at('2026-04-03T02:00:00Z', 'incremental', '2026-04-01T02:00:00Z'),
      ),
    ).toEqual({
      '2026-04-03T02:00:00Z': 'minimum 1',
      '2026-04-02T02:00:00Z': 'the newest full one',
      '2026-04-01T02:00:00Z': 'base of 2026-04-03T02:00:00Z',
    });
  });
});
