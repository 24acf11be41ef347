/**
 * Executions as Step Functions carries them out: a step at a time, with its retries, from one state to the next, so that each of
 * them can be stopped after any transition, killed within any request, begun twice, or redriven.
 */
import type { Context } from 'aws-lambda';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { Timeline } from './timeline.ts';

export type Handler = (event: unknown, context: Context) => Promise<unknown>;
export type State = Readonly<Record<string, unknown>>;

export interface Caught {
  readonly Error: string;
  readonly Cause: string;
}

/** What goes wrong with one execution, as the walk has decided. */
export interface Trouble {
  /** It is stopped after so many transitions, and nothing of it goes on by itself. */
  readonly diesAfter?: number;
  /** By how many milliseconds the clocks of its functions are ahead. */
  readonly skew?: number;
  /** Of each step: whether it is run a second time although it has succeeded. */
  readonly isRepeated?: () => boolean;
  /** Of each step: whether its function is killed in the middle. It is given the way to do it. */
  readonly isKilled?: () => boolean;
}

export interface Surroundings {
  readonly timeline: Timeline;
  /** Has the function of this execution ended at one of its next requests, and says when that is done. */
  readonly kill: (execution: string) => Promise<'killed'>;
  readonly spare: (execution: string) => void;
}

export type ExecutionStatus = 'running' | 'succeeded' | 'failed' | 'failed untold' | 'died';

/** The execution has been stopped. */
class Died extends Error {}

/** What the task state of a step throws when Lambda's own error is the answer. */
class LambdaEnded extends Error {
  override readonly name = 'Lambda.Unknown';
}

/** As `infra/task.ts` has them, without their jitter. */
const RETRY_SECONDS = [5, 10, 20, 40, 60, 60];
const LAMBDA_MILLISECONDS = 900_000;

/** Step Functions keeps 25,000 events of an execution, about five for each transition, and ends it then. */
const MOST_TRANSITIONS = 5000;

export abstract class Machine<Name extends string> {
  status: ExecutionStatus = 'running';
  readonly execution: string;
  protected state: State = {};
  protected readonly around: Surroundings;
  #next: Name | 'end';
  #trouble: Trouble;
  #transitions = 0;

  constructor(execution: string, around: Surroundings, trouble: Trouble, first: Name) {
    this.execution = execution;
    this.around = around;
    this.#trouble = trouble;
    this.#next = first;
  }

  /** Carries out one state and says which one follows. */
  protected abstract enter(state: Name): Promise<Name | 'end'>;

  get skew(): number {
    return this.#trouble.skew ?? 0;
  }

  async run(): Promise<void> {
    this.status = 'running';
    try {
      while (this.#next !== 'end') {
        this.#next = await this.enter(this.#next);
        this.#transitions += 1;
        if (this.#transitions === this.#trouble.diesAfter) throw new Died();
        if (this.#transitions > MOST_TRANSITIONS) throw new Error(`${this.execution} goes round in circles`);
      }
      if (this.status === 'running') this.status = 'succeeded';
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      this.status = 'died';
    }
  }

  /** From where it stopped, as an operator does with what was stopped. */
  async redrive(): Promise<void> {
    this.#trouble = {};
    await this.run();
  }

  /** A task state: the step, its retries, and the error with which it gives up. */
  protected async task(handler: Handler, payload: unknown): Promise<State> {
    let ended = 0;
    for (let retry = 0; ; retry += 1) {
      try {
        const result = await this.#invoke(handler, payload);
        if (this.#trouble.isRepeated?.() === true) return await this.#invoke(handler, payload);
        return result;
      } catch (error) {
        const seconds = RETRY_SECONDS[retry];
        const isEnded = error instanceof LambdaEnded || nameOf(error) === ERROR_NAMES.outOfTime;
        if (isEnded) ended += 1;
        const passes = nameOf(error) === ERROR_NAMES.unavailable || (isEnded && ended === 1);
        if (!passes || seconds === undefined) throw error;
        await this.around.timeline.sleep(seconds * 1000);
      }
    }
  }

  /** What Step Functions puts under `$.error`. */
  protected caught(error: unknown): Caught {
    if (error instanceof Died || !(error instanceof SafehouseError || error instanceof LambdaEnded))
      throw error;
    return {
      Error: error.name,
      Cause: JSON.stringify({ errorType: error.name, errorMessage: error.message }),
    };
  }

  async #invoke(handler: Handler, payload: unknown): Promise<State> {
    const { timeline, kill, spare } = this.around;
    const work = (): Promise<unknown> =>
      handler(JSON.parse(JSON.stringify(payload)), {
        awsRequestId: 'request',
        getRemainingTimeInMillis: () => LAMBDA_MILLISECONDS,
      } as Context);
    const killed = this.#trouble.isKilled?.() === true ? kill(this.execution) : undefined;
    const answer = timeline.as({ name: this.execution, skew: this.skew }, work);
    const result = await (killed === undefined ? answer : Promise.race([answer, killed])).finally(() =>
      spare(this.execution),
    );
    if (result === 'killed') throw new LambdaEnded('the function was ended');
    return JSON.parse(JSON.stringify(result)) as State;
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');
