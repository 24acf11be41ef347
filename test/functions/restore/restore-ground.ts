/**
 * Restores by the functions themselves, in the order in which the state machine calls them, onto the real engine that made the
 * backup. Only SSM and SNS are made up.
 */
import { SafehouseError } from '../../../core/errors.ts';
import { restoreKey, restoreReportKey } from '../../../core/keys.ts';
import {
  type RestorePlan,
  type RestoreReport,
  restorePlanSchema,
  restoreReportSchema,
} from '../../../core/restore.ts';
import type { RestoreInput } from '../../../core/restore-input.ts';
import type { Poll } from '../../../core/workflow.ts';
import { handler as cleanUp } from '../../../functions/restore/clean-up.ts';
import { handler as compare } from '../../../functions/restore/compare.ts';
import { handler as finish } from '../../../functions/restore/finish.ts';
import { handler as makeRoom } from '../../../functions/restore/make-room.ts';
import { handler as pin } from '../../../functions/restore/pin.ts';
import { handler as plan } from '../../../functions/restore/plan.ts';
import { handler as poll } from '../../../functions/restore/poll.ts';
import { handler as preflight } from '../../../functions/restore/preflight.ts';
import { handler as recordFailure } from '../../../functions/restore/record-failure.ts';
import { handler as stop } from '../../../functions/restore/stop.ts';
import { handler as submit } from '../../../functions/restore/submit.ts';
import { carried, invoke } from '../../support/surroundings.ts';
import { ProvingGround } from '../prove/proving-ground.ts';

const ARN = 'arn:aws:states:eu-central-1:123456789012:execution:Restore:';
const LAMBDA_MILLISECONDS = 900_000;

type State = Record<string, unknown> & { readonly poll?: Poll };

export interface Restored {
  readonly status: 'succeeded' | 'failed';
  /** What a failed execution says. */
  readonly error: string;
  readonly cause: string;
  readonly plan: RestorePlan | undefined;
  readonly report: RestoreReport | undefined;
}

/** What a test does between two steps. */
export type Between = Partial<
  Record<'before submit' | 'after submit' | 'before compare', () => Promise<unknown>>
>;

let executions = 0;

export class RestoreGround extends ProvingGround {
  async restore(input: RestoreInput | Record<string, unknown>, between: Between = {}): Promise<Restored> {
    executions += 1;
    const execution = `${ARN}restore-${executions}`;
    let state: State = {};
    try {
      state = await this.step(plan, { execution, startedAt: new Date().toISOString(), input });
    } catch (error) {
      return this.fail(execution, { ...(input as object) }, error);
    }
    try {
      return await this.#go(state, between, (next) => {
        state = next;
      });
    } catch (error) {
      return this.#undo(execution, state, error);
    }
  }

  async #go(given: State, between: Between, keep: (state: State) => void): Promise<Restored> {
    let state = given;
    const next = async (name: string, handler: Handler): Promise<void> => {
      state = { ...state, [name]: await this.step(handler, state) };
      keep(state);
    };
    await next('pinned', pin);
    await next('preflight', preflight);
    if ((state['preflight'] as { outcome: string }).outcome === 'go') {
      await next('room', makeRoom);
      await between['before submit']?.();
      await next('poll', submit);
      await between['after submit']?.();
      while (state.poll?.outcome === 'running') await next('poll', poll);
      if (state.poll?.outcome !== 'finished') throw undefined;
      await between['before compare']?.();
      do await next('compared', compare);
      while ((state['compared'] as { done: boolean }).done === false);
      if ((state['compared'] as { outcome: string }).outcome !== 'equal') throw undefined;
      if (state['drill'] === true) await next('cleaned', cleanUp);
    }
    await next('finished', finish);
    return { status: 'succeeded', error: '', cause: '', ...(await this.read(state)) };
  }

  async #undo(execution: string, given: State, error: unknown): Promise<Restored> {
    let state: State = given;
    do state = { ...state, stopped: await this.step(stop, state) };
    while ((state['stopped'] as { stopped: boolean }).stopped === false);
    state = { ...state, cleaned: await this.step(cleanUp, state) };
    return this.fail(execution, state, error);
  }

  async fail(execution: string, state: State, error: unknown): Promise<Restored> {
    if (error !== undefined && !(error instanceof SafehouseError)) throw error;
    const run =
      error === undefined
        ? state
        : {
            ...state,
            error: {
              Error: error.name,
              Cause: JSON.stringify({ errorType: error.name, errorMessage: error.message }),
            },
          };
    const recorded = await carried(invoke(recordFailure, { execution, run }));
    return { status: 'failed', error: recorded.error, cause: recorded.cause, ...(await this.read(state)) };
  }

  async read(state: State): Promise<Pick<Restored, 'plan' | 'report'>> {
    if (typeof state['restore'] !== 'string') return { plan: undefined, report: undefined };
    const made = restorePlanSchema.parse(
      await this.json(restoreKey(String(state['to']), state['restore'], 'plan')),
    );
    const key = restoreReportKey(made.target, made.backup, made.restore);
    return { plan: made, report: restoreReportSchema.parse(await this.json(key)) };
  }

  step(handler: Handler, input: unknown): Promise<State> {
    return carried(invoke(handler, input, LAMBDA_MILLISECONDS) as Promise<State>);
  }

  databases(): Promise<string[]> {
    return this.ask<{ name: string }>('SELECT name FROM system.databases ORDER BY name').then((rows) =>
      rows.map(({ name }) => name),
    );
  }
}

type Handler = Parameters<typeof invoke<unknown>>[0];
