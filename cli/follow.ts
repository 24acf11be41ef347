/** Stays with an execution until it ends, or until the person at the keyboard has had enough. */
import { setTimeout as wait } from 'node:timers/promises';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Execution, ExecutionView } from '../core/installation.ts';

/** So many looks in a row may fail before it is said: a laptop that changes its network is not a reason to give up. */
const MOST_SILENT_LOOKS = 10;

export interface Followed {
  /** As it was seen last; null when not one look succeeded. */
  readonly view: ExecutionView | null;
  /** True when Ctrl-C ended the watching and not the execution. */
  readonly interrupted: boolean;
}

export interface Following {
  readonly execution: Execution;
  readonly interrupted: AbortSignal;
  readonly everyMilliseconds: number;
  readonly onView: (view: ExecutionView) => void;
}

/** @throws {SafehouseError} when it cannot be looked at any more; the execution goes on */
export async function follow({
  execution,
  interrupted,
  everyMilliseconds,
  onView,
}: Following): Promise<Followed> {
  let view: ExecutionView | null = null;
  let silent = 0;
  while (!interrupted.aborted) {
    try {
      view = await execution.view();
      silent = 0;
      onView(view);
      if (view.status !== 'running') return { view, interrupted: false };
    } catch (error) {
      silent += 1;
      if (!isPassing(error) || silent >= MOST_SILENT_LOOKS) throw error;
    }
    await wait(everyMilliseconds, undefined, { signal: interrupted }).catch((reason: unknown) => {
      if (!interrupted.aborted) throw reason;
    });
  }
  return { view, interrupted: true };
}

const isPassing = (error: unknown): boolean =>
  error instanceof SafehouseError && error.name === ERROR_NAMES.unavailable;
