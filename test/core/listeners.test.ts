import { describe, expect, it } from 'vitest';
import { type Listener, listenerProblem } from '../../core/listeners.ts';

const listener = (endpoint: string, confirmed: boolean): Listener => ({
  protocol: 'email',
  endpoint,
  confirmed,
});
const waiting = (count: number) =>
  Array.from({ length: count }, (_, index) => listener(`w${index + 1}`, false));

describe('the subscribers of the topic', () => {
  it('are all right when each has confirmed', () => {
    expect(listenerProblem([listener('a', true), listener('b', true)])).toBeUndefined();
  });

  it('are nobody when there are none', () => {
    expect(listenerProblem([])?.what).toBe(
      'Nobody is subscribed to the topic of the alerts: no failure and no alarm reaches a person.',
    );
  });

  it.each([
    [[...waiting(1)], 'Nobody hears the alerts: not confirmed is w1 (email).'],
    [[...waiting(2)], 'Nobody hears the alerts: not confirmed are w1 (email), w2 (email).'],
    [
      [listener('a', true), ...waiting(1)],
      '1 of 2 subscribers does not hear the alerts: not confirmed is w1 (email).',
    ],
    [
      [listener('a', true), ...waiting(2)],
      '2 of 3 subscribers do not hear the alerts: not confirmed are w1 (email), w2 (email).',
    ],
    [
      waiting(5),
      'Nobody hears the alerts: not confirmed are w1 (email), w2 (email), w3 (email), w4 (email), w5 (email).',
    ],
    [
      waiting(7),
      'Nobody hears the alerts: not confirmed are w1 (email), w2 (email), w3 (email), w4 (email), w5 (email) and 2 more.',
    ],
  ])('are named when they have not confirmed: %j', (listeners, what) => {
    const problem = listenerProblem(listeners);
    expect(problem?.what).toBe(what);
    expect(problem?.remedy).toContain('a link, which is good for three days');
  });
});
