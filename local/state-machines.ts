/**
 * Runs state machines as they were synthesised, with `aws-local-stepfunctions`: each Task calls the function that its
 * Resource names, or starts the state machine that it names. What the package does otherwise than AWS is listed in
 * `definition.ts`.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import {
  ExecutionAbortedError,
  ExecutionError,
  ExecutionTimeoutError,
  StateMachine,
  type StateMachineDefinition,
} from 'aws-local-stepfunctions';
import { compactTime } from '../core/backup-id.ts';
import type { ExecutionView } from '../core/installation.ts';
import { readDefinition, statesOf } from './definition.ts';
import { failingAsOnAws } from './distributed-map.ts';
import { type Begun, ExecutionRecord, type History, hasHistory, readHistory, viewOf } from './execution.ts';
import { executionArn } from './place.ts';
import { requestStop, watchForStop, withdrawStop } from './stop-requests.ts';
import type { DeployedStateMachine } from './template.ts';

type RunOptions = NonNullable<Parameters<StateMachine['run']>[1]>;
type RunningMachine = ReturnType<StateMachine['run']>;
type MachineEvent = RunningMachine['eventLogs'] extends AsyncGenerator<infer Event> ? Event : never;
/** What the package calls JSON; ours comes from `JSON.parse`. */
type Json = Parameters<StateMachine['run']>[0];

/** How long waits last; as the definition says where nothing is given. */
export interface Pace {
  /** Every Wait state, in milliseconds. */
  readonly waits?: number;
  /** Every pause before a retry, in milliseconds. */
  readonly retries?: number;
}

export interface StateMachinesOptions {
  readonly stateMachines: readonly DeployedStateMachine[];
  /** Runs the function of a Task. Rejects with a `FunctionError`. */
  readonly invoke: (functionArn: string, input: unknown, execution: string) => Promise<unknown>;
  /** A file for each execution. */
  readonly historyDirectory: string;
  readonly pace?: Pace;
}

export interface LocalExecution {
  readonly id: string;
  view(): Promise<ExecutionView>;
  /** Resolves when it has ended, however it ended. */
  readonly ended: Promise<History>;
  /** The history so far. */
  readonly history: History;
  /** Ends it at once, as StopExecution does: a function that runs is not stopped. */
  abort(): void;
}

const START_EXECUTION = 'arn:aws:states:::states:startExecution';
/** How often it is looked whether another process has stopped an execution. */
const STOP_LOOK_MILLISECONDS = 100;
/** The limit of Step Functions on the input or result of a state, in bytes of UTF-8. */
const LARGEST_PAYLOAD = 262_144;

interface Machine {
  readonly definition: StateMachineDefinition;
}

/** Ends the execution whatever its Retry and Catch say, as on AWS. The package reads the two flags. */
class DataLimitExceeded extends Error {
  override readonly name = 'States.DataLimitExceeded';
  readonly isRetryable = false;
  readonly isCatchable = false;
}

export class NoStateMachine extends Error {
  override readonly name = 'NoStateMachine';
}

export class NoExecution extends Error {
  override readonly name = 'NoExecution';
}

/** There was an execution of that name, and it has ended or was started with another input. */
export class ExecutionExists extends Error {
  override readonly name = 'ExecutionExists';
}

export class StateMachines {
  readonly #options: StateMachinesOptions;
  readonly #machines: ReadonlyMap<string, Machine>;
  readonly #open = new Set<LocalExecution>();

  constructor(options: StateMachinesOptions) {
    this.#options = options;
    this.#machines = new Map(
      options.stateMachines.map(({ arn, name, definition }) => [
        arn,
        { definition: failingAsOnAws(readDefinition(name, definition)) },
      ]),
    );
  }

  /**
   * @param name makes it start once: while an execution of that name runs with the same input, that one is given
   * @throws {NoStateMachine}
   * @throws {ExecutionExists}
   */
  start(arn: string, input: unknown, name?: string): LocalExecution {
    const machine = this.#machine(arn);
    const same = name === undefined ? undefined : this.#running(name, input);
    if (same !== undefined) return same;
    const id = name ?? `${compactTime(Date.now())}-${randomInt(36 ** 5, 36 ** 6).toString(36)}`;
    return this.#run(
      machine,
      { id, stateMachine: arn, input, startedAt: new Date().toISOString() },
      machine.definition,
      input,
    );
  }

  /**
   * Runs an execution that did not succeed again under its own id, from the state in which it ended and with that state's
   * input, as RedriveExecution does.
   *
   * @throws Error when there is no such execution, or when it runs or succeeded
   */
  redrive(id: string): LocalExecution {
    const history = readHistory(this.#options.historyDirectory, id);
    const { stateMachine, input, startedAt, status, state, stateInput } = history;
    if (status === 'running' || status === 'succeeded')
      throw new Error(`the execution ${id} is ${status}: only one that failed or was stopped is redriven`);
    const machine = this.#machine(stateMachine);
    const definition = { ...machine.definition, StartAt: state ?? machine.definition.StartAt };
    return this.#run(machine, { id, stateMachine, input, startedAt }, definition, stateInput);
  }

  /**
   * An execution of this process or of another one in the same home, as it stands now.
   *
   * @param execution its id, or an ARN that ends with it
   * @throws {NoExecution}
   */
  look(execution: string): History {
    const id = execution.slice(execution.lastIndexOf(':') + 1);
    const open = [...this.#open].find((each) => each.id === id);
    if (open !== undefined) return open.history;
    const { historyDirectory } = this.#options;
    // Only what can be the name of one may become the name of a file.
    if (!/^[\w.-]+$/.test(id) || !hasHistory(historyDirectory, id))
      throw new NoExecution(`there is no execution ${execution}`);
    return readHistory(historyDirectory, id);
  }

  /**
   * Ends an execution, as StopExecution does, and waits until it has ended. One that ended before stays as it is.
   *
   * @throws {NoExecution}
   */
  async stop(execution: string): Promise<void> {
    const { id } = this.look(execution);
    const { historyDirectory } = this.#options;
    const open = [...this.#open].find((each) => each.id === id);
    open?.abort();
    await open?.ended;
    while (this.look(id).status === 'running') {
      requestStop(historyDirectory, id);
      await pause(STOP_LOOK_MILLISECONDS);
    }
    withdrawStop(historyDirectory, id);
  }

  /** Waits until nothing runs any more, what was started on the way included. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all([...this.#open].map(({ ended }) => ended));
  }

  /** Aborts whatever runs. */
  async abort(): Promise<void> {
    for (const execution of this.#open) execution.abort();
    await this.settled();
  }

  #running(name: string, input: unknown): LocalExecution | undefined {
    if (!hasHistory(this.#options.historyDirectory, name)) return undefined;
    const running = [...this.#open].find(({ id }) => id === name);
    if (running !== undefined && isDeepStrictEqual(running.history.input, input)) return running;
    throw new ExecutionExists(
      `Execution Already Exists: '${name}' ${running === undefined ? 'has ended' : 'runs with another input'}`,
    );
  }

  #machine(arn: string): Machine {
    const machine = this.#machines.get(arn);
    if (machine === undefined)
      throw new NoStateMachine(
        `there is no state machine ${arn}; there are ${[...this.#machines.keys()].join(', ')}`,
      );
    return machine;
  }

  #run(machine: Machine, begun: Begun, definition: StateMachineDefinition, input: unknown): LocalExecution {
    const record = new ExecutionRecord(this.#options.historyDirectory, begun);
    const aborted = new AbortController();
    // The definition was checked when it was synthesised; checking again would refuse a redrive's start in the middle.
    const run = new StateMachine(definition, { validationOptions: { noValidate: true } }).run(
      input as Json,
      this.#runOptions(machine, begun.id, aborted.signal),
    );
    const abort = (): void => {
      aborted.abort();
      run.abort();
    };
    const unwatch = watchForStop(this.#options.historyDirectory, begun.id, abort);
    const ended = follow(run, record).finally(() => {
      unwatch();
      this.#open.delete(execution);
    });
    const execution: LocalExecution = {
      id: begun.id,
      view: async () => viewOf(record.history),
      ended,
      get history() {
        return record.history;
      },
      abort,
    };
    this.#open.add(execution);
    return execution;
  }

  #runOptions({ definition }: Machine, id: string, aborted: AbortSignal): RunOptions {
    const { waits, retries } = this.#options.pace ?? {};
    const states = [...statesOf(definition)];
    const those = (test: (state: Readonly<Record<string, unknown>>) => boolean): string[] =>
      states.filter(([, state]) => test(state)).map(([stateName]) => stateName);
    const overrideAll = (
      names: readonly string[],
      milliseconds: number | undefined,
    ): Record<string, number> =>
      milliseconds === undefined ? {} : Object.fromEntries(names.map((each) => [each, milliseconds]));
    return {
      context: { Execution: { Id: id, Name: id } },
      overrides: {
        taskResourceLocalHandlers: Object.fromEntries(
          states
            .filter(([, { Type }]) => Type === 'Task')
            .map(([stateName, state]) => [stateName, this.#task(String(state['Resource']), id, aborted)]),
        ),
        waitTimeOverrides: overrideAll(
          those(({ Type }) => Type === 'Wait'),
          waits,
        ),
        retryIntervalOverrides: overrideAll(
          those((state) => 'Retry' in state),
          retries,
        ),
      },
    };
  }

  #task(resource: string, execution: string, aborted: AbortSignal): (input: Json) => Promise<Json> {
    return async (input) => {
      // The package goes on with a retry that was waiting when the execution was aborted.
      if (aborted.aborted) throw new ExecutionAbortedError();
      const result =
        resource === START_EXECUTION
          ? this.#startNested(input)
          : await this.#options.invoke(resource, limited(input, 'input'), execution);
      return limited(result, 'result') as Json;
    };
  }

  #startNested(input: Json): unknown {
    const { StateMachineArn, Input } = input as { StateMachineArn: string; Input: unknown };
    const { id } = this.start(StateMachineArn, Input);
    return { ExecutionArn: executionArn(StateMachineArn, id), StartDate: new Date().toISOString() };
  }
}

function limited(payload: unknown, what: string): unknown {
  const bytes = Buffer.byteLength(JSON.stringify(payload ?? null));
  if (bytes <= LARGEST_PAYLOAD) return payload;
  throw new DataLimitExceeded(
    `The state's ${what} has ${bytes} bytes; Step Functions carries ${LARGEST_PAYLOAD}.`,
  );
}

async function follow(run: RunningMachine, record: ExecutionRecord): Promise<History> {
  // Observed at once, so that a failure during the reading of the events is not an unhandled rejection.
  const result = run.result.then(
    (output) => record.end.bind(record, 'succeeded', { output }),
    (error: unknown) => endOf(record, error),
  );
  for await (const event of run.eventLogs) note(event, record);
  (await result)();
  return record.history;
}

function endOf(record: ExecutionRecord, error: unknown): () => void {
  if (error instanceof ExecutionAbortedError) return () => record.end('aborted', {});
  if (error instanceof ExecutionTimeoutError)
    return () => record.end('timed out', { error: 'States.Timeout', cause: null });
  const cause = error instanceof ExecutionError ? error.cause : error;
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
  return () => record.end('failed', { error: name, cause: message });
}

const NOTED = {
  StateEntered: 'entered',
  StateExited: 'exited',
  StateFailed: 'failed',
  StateRetried: 'retried',
  StateCaught: 'caught',
} as const;

function note(event: MachineEvent, record: ExecutionRecord): void {
  // What happens within a Map is told by its index; the execution's own way is through the states outside.
  if (!('state' in event) || 'index' in event || !(event.type in NOTED)) return;
  const what = NOTED[event.type as keyof typeof NOTED];
  const { name, input, output } = event.state as { name: string; input: unknown; output?: unknown };
  record.add(
    { at: event.timestamp, what, state: name, ...('Error' in event && { error: event.Error }) },
    what === 'exited' ? output : input,
  );
}
