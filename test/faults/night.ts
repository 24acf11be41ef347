/** A night's backup by the functions themselves, in the order of the state machine, with its retries and its attempts. */
import '../support/function-environment.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { Poll, PreparedBackup, RecordedFailure } from '../../core/workflow.ts';
import { handler as begin } from '../../functions/backup/begin.ts';
import { handler as poll } from '../../functions/backup/poll.ts';
import { handler as prepare } from '../../functions/backup/prepare.ts';
import { handler as recordFailure } from '../../functions/backup/record-failure.ts';
import { handler as submit } from '../../functions/backup/submit.ts';
import { handler as verify } from '../../functions/backup/verify.ts';
import { carried, invoke } from '../support/surroundings.ts';

const HANDLERS = { begin, prepare, submit, poll, verify, recordFailure };
export type StepName = keyof typeof HANDLERS;

export interface NightInput {
  readonly target: string;
  readonly kind?: 'full' | 'incremental';
  readonly scheduledTime?: string;
}

export interface NightEnd {
  readonly status: 'verified' | 'skipped' | 'already ran' | 'failed';
  /** The id of each attempt, in their order. */
  readonly attempts: readonly string[];
  readonly reason: string | null;
  /** What a failed execution says. */
  readonly error: string;
  readonly cause: string;
}

/** Stands between the state machine and a step: what a test wants to see, to repeat or to break. */
export type Around = (step: StepName, call: () => Promise<unknown>, state: State) => Promise<unknown>;

export interface State extends Readonly<Record<string, unknown>> {
  readonly attempt?: number;
  readonly prepared?: PreparedBackup;
  readonly poll?: Poll;
}

const LAMBDA_MILLISECONDS = 900_000;
/** By the real clock, whatever the test has set. */
const POLLED_MILLISECONDS = 40_000;
/** As the state machine does; without the waits in between. */
export const RETRIES = 6;

/** The execution has died: nothing follows, as when Step Functions is told to stop it. */
export class Died extends Error {}

let executions = 0;

/** Begins under a new execution, unless one is given: then it is a redelivery under the same name. */
export async function runNight(input: NightInput, around: Around = (_, call) => call()): Promise<NightEnd> {
  executions += 1;
  const execution = `arn:aws:states:eu-central-1:123456789012:execution:Backup:night-${executions}`;
  return new Night(execution, input, around).run();
}

class Night {
  readonly #execution: string;
  readonly #input: NightInput;
  readonly #around: Around;
  readonly #attempts: string[] = [];

  constructor(execution: string, input: NightInput, around: Around) {
    this.#execution = execution;
    this.#input = input;
    this.#around = around;
  }

  async run(): Promise<NightEnd> {
    let state: State = {};
    const keep = (next: State): State => {
      state = next;
      return next;
    };
    for (;;) {
      try {
        return await this.#attempt(state, keep);
      } catch (error) {
        if (error instanceof Died || (error !== undefined && !(error instanceof SafehouseError))) throw error;
        const recorded = await this.#record(state, error);
        if (recorded.outcome === 'give up') return this.#end('failed', null, recorded);
        const { poll: _poll, prepared: _prepared, verified: _verified, ...rest } = state;
        state = { ...rest, attempt: recorded.attempt, outcome: 'go' };
      }
    }
  }

  async #attempt(given: State, keep: (state: State) => State): Promise<NightEnd> {
    let state = given;
    if (state.attempt === undefined)
      state = keep((await this.#step('begin', { execution: this.#execution, input: this.#input })) as State);
    if (state['outcome'] === 'already ran') return this.#end('already ran', String(state['reason']));
    const into = async (key: string, step: StepName): Promise<void> => {
      state = keep({ ...state, [key]: await this.#step(step, state) });
    };
    await into('prepared', 'prepare');
    if (state.prepared?.backup == null) return this.#end('skipped', state.prepared?.reason ?? null);
    this.#attempts.push(state.prepared.backup.id);
    await into('poll', 'submit');
    const began = performance.now();
    while (state.poll?.outcome === 'running') {
      if (performance.now() - began > POLLED_MILLISECONDS)
        throw new Error('the backup does not come to its end');
      await into('poll', 'poll');
    }
    if (state.poll?.outcome !== 'finished') throw undefined;
    await into('verified', 'verify');
    return this.#end('verified', state.prepared.reason);
  }

  async #record(state: State, error: SafehouseError | undefined): Promise<RecordedFailure> {
    const cause = error && { Error: error.name, Cause: asLambda(error) };
    const run = { ...(state.attempt === undefined ? this.#input : state), ...(cause && { error: cause }) };
    const recorded = await this.#step('recordFailure', { execution: this.#execution, run });
    return recorded as RecordedFailure;
  }

  async #step(step: StepName, payload: unknown): Promise<unknown> {
    const call = () =>
      carried(invoke(HANDLERS[step] as Parameters<typeof invoke<unknown>>[0], payload, LAMBDA_MILLISECONDS));
    for (let retry = 0; ; retry += 1) {
      try {
        return await this.#around(step, call, payload as State);
      } catch (error) {
        const passes = error instanceof SafehouseError && error.name === ERROR_NAMES.unavailable;
        if (!passes || retry === RETRIES) throw error;
      }
    }
  }

  #end(status: NightEnd['status'], reason: string | null, failure = { error: '', cause: '' }): NightEnd {
    return { status, attempts: this.#attempts, reason, error: failure.error, cause: failure.cause };
  }
}

/** As Lambda tells Step Functions, and Step Functions the next state. */
const asLambda = ({ name, message }: SafehouseError): string =>
  JSON.stringify({ errorType: name, errorMessage: message });
