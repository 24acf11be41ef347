/** The state machines of backup, retention, proof and restore, with the handlers that are deployed. */
import { handler as begin } from '../../functions/backup/begin.ts';
import { handler as poll } from '../../functions/backup/poll.ts';
import { handler as prepare } from '../../functions/backup/prepare.ts';
import { handler as recordBackupFailure } from '../../functions/backup/record-failure.ts';
import { handler as submit } from '../../functions/backup/submit.ts';
import { handler as verify } from '../../functions/backup/verify.ts';
import { handler as proveItem } from '../../functions/prove/item.ts';
import { handler as judgeProof } from '../../functions/prove/judge.ts';
import { handler as planProof } from '../../functions/prove/plan.ts';
import { handler as recordProofFailure } from '../../functions/prove/record-failure.ts';
import { handler as finishRestore } from '../../functions/restore/finish.ts';
import { handler as pinRestore } from '../../functions/restore/pin.ts';
import { handler as planRestore } from '../../functions/restore/plan.ts';
import { handler as recordRestoreFailure } from '../../functions/restore/record-failure.ts';
import { handler as planRetention } from '../../functions/retention/plan.ts';
import { handler as recordRetentionFailure } from '../../functions/retention/record-failure.ts';
import { handler as remove } from '../../functions/retention/remove.ts';
import { type Handler, Machine, type State, type Surroundings, type Trouble } from './machine.ts';

const ARN = 'arn:aws:states:eu-central-1:123456789012:execution:';

export interface BackupInput {
  readonly target: string;
  readonly kind: 'full' | 'incremental';
  readonly scheduledTime: string;
}

type BackupState =
  | 'begin'
  | 'prepare'
  | 'submit'
  | 'wait'
  | 'poll'
  | 'verify'
  | 'prove'
  | 'retention'
  | 'fail';

export class BackupExecution extends Machine<BackupState> {
  readonly input: BackupInput;
  readonly #after: AfterBackup;

  constructor(name: string, around: Surroundings, trouble: Trouble, input: BackupInput, after: AfterBackup) {
    super(`${ARN}Backup:${name}`, around, trouble, 'begin');
    this.input = input;
    this.#after = after;
  }

  protected async enter(state: BackupState): Promise<BackupState | 'end'> {
    if (state === 'fail') return this.#fail();
    try {
      return await this.#go(state);
    } catch (error) {
      this.state = { ...this.state, error: this.caught(error) };
      return 'fail';
    }
  }

  async #go(state: Exclude<BackupState, 'fail'>): Promise<BackupState | 'end'> {
    const { execution, input } = this;
    switch (state) {
      case 'begin':
        this.state = await this.task(begin, { execution, input });
        return this.state['outcome'] === 'already ran' ? 'end' : 'prepare';
      case 'prepare':
        await this.#into('prepared', prepare);
        return this.#part('prepared')['outcome'] === 'skipped' ? 'end' : 'submit';
      case 'submit':
        await this.#into('poll', submit);
        return 'wait';
      case 'wait':
        await this.around.timeline.sleep(Number(this.#part('poll')['waitSeconds']) * 1000);
        return 'poll';
      case 'poll':
        await this.#into('poll', poll);
        return this.#afterPoll();
      case 'verify':
        await this.#into('verified', verify);
        return 'prove';
      case 'prove':
        await this.#prove(String(this.#part('verified')['id']));
        return 'retention';
      case 'retention':
        this.#after.startRetention();
        return 'end';
    }
  }

  #afterPoll(): BackupState {
    const outcome = this.#part('poll')['outcome'];
    return outcome === 'running' ? 'wait' : outcome === 'finished' ? 'verify' : 'fail';
  }

  /** The definition's RecordFailure, its choice and NextAttempt. */
  async #fail(): Promise<BackupState | 'end'> {
    const { execution } = this;
    const run = this.state['attempt'] === undefined ? { ...this.input, ...this.state } : this.state;
    const recorded = await this.#record({ execution, run });
    if (recorded?.['outcome'] !== 'new attempt') {
      this.status = recorded === undefined ? 'failed untold' : 'failed';
      return 'end';
    }
    const { target, kind, scheduledTime, slot, hasBefore } = this.state;
    const { attempt } = recorded;
    this.state = { execution, target, kind, scheduledTime, slot, hasBefore, attempt, outcome: 'go' };
    return 'prepare';
  }

  /** Undefined when the step itself fails: then the alarm on failed executions without an alert is what tells. */
  async #record(payload: unknown): Promise<State | undefined> {
    try {
      return await this.task(recordBackupFailure, payload);
    } catch (error) {
      this.caught(error);
      return undefined;
    }
  }

  async #into(key: string, handler: Handler): Promise<void> {
    this.state = { ...this.state, [key]: await this.task(handler, this.state) };
  }

  #part(key: string): State {
    return (this.state[key] ?? {}) as State;
  }

  async #prove(backup: string): Promise<void> {
    const proof = { execution: this.execution, target: this.input.target, backup };
    await this.#after.around(backup, async () => {
      const judged = await carryOut(this.#after.proof, proof, {}, (handler, payload) =>
        this.task(handler, payload),
      );
      this.state = { ...this.state, proof: { outcome: 'go' }, judged };
    });
  }
}

/** How backups are proven: by the real steps, by one that stands for them, or not at all. */
export type ProofSteps = 'real' | 'none' | Handler;

export interface AfterBackup {
  readonly proof: ProofSteps;
  /** Carries out a proof, with what it needs around it. */
  readonly around: (backup: string, prove: () => Promise<void>) => Promise<void>;
  readonly startRetention: () => void;
}

interface Proof {
  readonly execution: string;
  readonly target: string;
  readonly backup: string;
}

/** As the map and the states around it do. */
async function carryOut(
  steps: ProofSteps,
  proof: Proof,
  more: State,
  task: (handler: Handler, payload: unknown) => Promise<State>,
): Promise<State> {
  if (steps === 'none') return { verdict: 'not wanted' };
  if (steps !== 'real') return task(steps, proof);
  const { execution, target, backup } = proof;
  const planned = await task(planProof, { execution, input: { target, backup, ...more } });
  const named = { execution, target, backup, proof: planned['proof'] };
  for (const index of planned['items'] as number[]) await task(proveItem, { ...named, index });
  return task(judgeProof, named);
}

type ProofState = 'prove' | 'fail';

/** A proof by itself, as the daily walk starts them. */
export class ProofExecution extends Machine<ProofState> {
  readonly #input: { readonly target: string; readonly backup: string };
  readonly #steps: ProofSteps;

  constructor(name: string, around: Surroundings, target: string, backup: string, steps: ProofSteps) {
    super(`${ARN}Prove:${name}`, around, {}, 'prove');
    this.#input = { target, backup };
    this.#steps = steps;
  }

  protected async enter(state: ProofState): Promise<ProofState | 'end'> {
    const proof = { execution: this.execution, ...this.#input };
    try {
      if (state === 'prove') {
        await carryOut(this.#steps, proof, { occasion: 'again' }, (handler, payload) =>
          this.task(handler, payload),
        );
        return 'end';
      }
      this.status = 'failed';
      await this.task(recordProofFailure, { execution: this.execution, run: this.state });
      return 'end';
    } catch (error) {
      const caught = this.caught(error);
      if (state === 'prove') {
        this.state = { ...this.#input, error: caught };
        return 'fail';
      }
      this.status = 'failed untold';
      return 'end';
    }
  }
}

type RetentionState = 'plan' | 'remove' | 'fail';

export class RetentionExecution extends Machine<RetentionState> {
  readonly #target: string;
  readonly #planned: (remove: readonly string[], execution: RetentionExecution) => void;

  constructor(
    name: string,
    around: Surroundings,
    trouble: Trouble,
    target: string,
    /** Is told what the plan lets go, before anything goes. */
    planned: (remove: readonly string[], execution: RetentionExecution) => void,
  ) {
    super(`${ARN}Retention:${name}`, around, trouble, 'plan');
    this.#target = target;
    this.#planned = planned;
  }

  protected async enter(state: RetentionState): Promise<RetentionState | 'end'> {
    if (state === 'fail') return this.#fail();
    try {
      if (state === 'plan') {
        this.state = await this.task(planRetention, {
          execution: this.execution,
          input: { target: this.#target },
        });
        const remove = this.state['remove'] as { id: string }[];
        this.#planned(
          remove.map(({ id }) => id),
          this,
        );
      } else this.state = await this.task(remove, this.state);
      return this.state['done'] === true ? 'end' : 'remove';
    } catch (error) {
      this.state = { target: this.#target, ...this.state, error: this.caught(error) };
      return 'fail';
    }
  }

  /** How many backups it has removed. */
  get removed(): number {
    return ((this.state['removed'] ?? []) as unknown[]).length;
  }

  async #fail(): Promise<'end'> {
    this.status = 'failed';
    try {
      await this.task(recordRetentionFailure, { execution: this.execution, run: this.state });
    } catch (error) {
      this.caught(error);
      this.status = 'failed untold';
    }
    return 'end';
  }
}

/** Is told when a restore has its pins and begins to read, and when it has read. */
export interface RestoreWitness {
  readonly reads: (restore: string) => void;
  readonly ends: (restore: string) => void;
}

type RestoreState = 'plan' | 'pin' | 'read' | 'finish' | 'fail';

/** As far as the bucket is concerned: plan, pin, hours of reading, and an end that gives the pin back, or none. */
export class RestoreExecution extends Machine<RestoreState> {
  readonly #input: { readonly target: string; readonly backup: string };
  readonly #hours: number;
  readonly #endsWell: boolean;
  readonly #startedAt: string;
  readonly #witness: RestoreWitness;

  constructor(
    name: string,
    around: Surroundings,
    trouble: Trouble,
    input: { readonly target: string; readonly backup: string },
    how: { readonly hours: number; readonly endsWell: boolean },
    witness: RestoreWitness,
  ) {
    super(`${ARN}Restore:${name}`, around, trouble, 'plan');
    this.#input = input;
    this.#hours = how.hours;
    this.#endsWell = how.endsWell;
    this.#startedAt = new Date().toISOString();
    this.#witness = witness;
  }

  protected async enter(state: RestoreState): Promise<RestoreState | 'end'> {
    const { execution } = this;
    try {
      switch (state) {
        case 'plan':
          this.state = await this.task(planRestore, {
            execution,
            startedAt: this.#startedAt,
            input: this.#input,
          });
          return 'pin';
        case 'pin':
          await this.task(pinRestore, this.state);
          this.#witness.reads(String(this.state['restore']));
          return 'read';
        case 'read':
          await this.around.timeline.sleep(this.#hours * 3_600_000);
          this.#witness.ends(String(this.state['restore']));
          return this.#endsWell ? 'finish' : 'fail';
        case 'finish':
          await this.task(finishRestore, { ...this.state, compared: EQUAL });
          return 'end';
        case 'fail':
          this.status = 'failed';
          await this.task(recordRestoreFailure, { execution, run: { ...this.#input, ...this.state } });
          return 'end';
      }
    } catch (error) {
      const caught = this.caught(error);
      if (state === 'fail') {
        this.status = 'failed untold';
        return 'end';
      }
      this.state = { ...this.state, error: caught };
      return 'fail';
    }
  }
}

const EQUAL = { outcome: 'equal', done: true, checked: 1, differences: 0 };
