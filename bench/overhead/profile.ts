/** Where the time of one run of the workflow went. */
import type { Transition } from '../../local/execution.ts';

/** Seconds. */
export interface Profile {
  readonly total: number;
  /** Up to the moment at which ClickHouse says that the backup began. */
  readonly before: number;
  /** From ClickHouse's begin to its end, as `system.backups` has them. */
  readonly clickhouse: number;
  /** From that end to the poll that saw it: the rest of a wait. */
  readonly unnoticed: number;
  /** That poll, verifying, starting retention. */
  readonly after: number;
  readonly polls: number;
  /** Time in each state, all its visits together. */
  readonly states: Readonly<Record<string, number>>;
}

export interface Interval {
  /** Milliseconds since 1970. */
  readonly begin: number;
  readonly end: number;
}

/**
 * @param run the execution's beginning and end
 * @param clickhouse the backup's, by the same clock
 */
export function profileOf(transitions: readonly Transition[], run: Interval, clickhouse: Interval): Profile {
  const polls = transitions.filter(({ what, state }) => what === 'entered' && state === 'Poll');
  const seenAt = polls.at(-1)?.at ?? run.end;
  return {
    total: seconds(run.begin, run.end),
    before: seconds(run.begin, clickhouse.begin),
    clickhouse: seconds(clickhouse.begin, clickhouse.end),
    unnoticed: seconds(clickhouse.end, seenAt),
    after: seconds(seenAt, run.end),
    polls: polls.length,
    states: timeInStates(transitions),
  };
}

function timeInStates(transitions: readonly Transition[]): Record<string, number> {
  const states: Record<string, number> = {};
  let entered: Transition | undefined;
  for (const transition of transitions) {
    if (transition.what === 'entered') entered = transition;
    if (transition.what !== 'exited' || entered?.state !== transition.state) continue;
    states[transition.state] = (states[transition.state] ?? 0) + seconds(entered.at, transition.at);
  }
  return states;
}

const seconds = (from: number, to: number): number => (to - from) / 1000;
