/** A clock that can be set, in place of the one that a function reads. Runs in the function's own thread. */
import type { Context } from 'aws-lambda';

export interface TimedEvent {
  /** What `Date.now()` is to answer, in milliseconds since 1970. */
  readonly now: number;
  /** The function's own time limit. */
  readonly timeoutMilliseconds: number;
  readonly event: unknown;
}

type Handler = (event: unknown, context: Context) => Promise<unknown>;

const RealDate = Date;
let ahead = 0;

const now = (): number => RealDate.now() + ahead;

/** Whoever asks for the time gets the simulated one; whoever names a time gets that. */
globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, newTarget) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as Date,
  apply: () => new Date().toString(),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});

/** A handler that is told the time with each event. */
export const atSimulatedTime =
  (handler: Handler) =>
  ({ now: time, timeoutMilliseconds, event }: TimedEvent, context: Context): Promise<unknown> => {
    ahead = time - RealDate.now();
    // What is left of an invocation is real time. The runtime reckons it by the clock that was just set.
    const end = performance.now() + timeoutMilliseconds;
    return handler(event, { ...context, getRemainingTimeInMillis: () => end - performance.now() });
  };
