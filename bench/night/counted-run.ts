/** Runs the synthesised state machines as they are, without waiting, and counts what Step Functions would bill. */
import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import { readDefinition, type State, statesOf } from '../../local/definition.ts';
import type { DeployedStateMachine } from '../../local/template.ts';

type RunOptions = NonNullable<Parameters<StateMachine['run']>[1]>;
/** What the package calls JSON; ours comes from `JSON.parse`. */
type Json = Parameters<StateMachine['run']>[0];

export interface CountedRunOptions {
  readonly stateMachines: readonly DeployedStateMachine[];
  /** `$$.Execution.Id` */
  readonly execution: string;
  /** Runs the function of a Task. */
  readonly invoke: (functionArn: string, input: unknown) => Promise<unknown>;
}

export interface CountedRun {
  /** States entered and retries, the start of each execution included. */
  readonly transitions: number;
  /** Seconds in Wait states, by the fields that they name. */
  readonly waited: number;
  readonly output: unknown;
}

const START_EXECUTION = 'arn:aws:states:::states:startExecution';

/**
 * Runs an execution and those that it starts to their ends.
 *
 * @throws what the execution failed with
 */
export async function countedRun(
  options: CountedRunOptions,
  arn: string,
  input: unknown,
): Promise<CountedRun> {
  const { stateMachines, execution, invoke } = options;
  const machine = stateMachines.find((each) => each.arn === arn);
  if (machine === undefined) throw new Error(`there is no state machine ${arn}`);
  const definition = readDefinition(machine.name, machine.definition);
  const states = new Map(statesOf(definition));
  let [transitions, waited] = [1, 0];
  const task =
    (resource: string) =>
    async (given: Json): Promise<Json> => {
      if (resource !== START_EXECUTION) return (await invoke(resource, given)) as Json;
      const { StateMachineArn, Input } = given as { StateMachineArn: string; Input: unknown };
      const nested = await countedRun(
        { ...options, execution: `${execution}-nested` },
        StateMachineArn,
        Input,
      );
      transitions += nested.transitions;
      waited += nested.waited;
      return { ExecutionArn: `${StateMachineArn}:nested` };
    };
  const run = new StateMachine(definition, { validationOptions: { noValidate: true } }).run(
    input as Json,
    runOptions(execution, definition, task),
  );
  const counted = (async () => {
    for await (const event of run.eventLogs) {
      if (event.type === 'StateRetried') transitions += 1;
      // Each item of a distributed Map is an execution of its own.
      if (event.type === 'MapIterationStarted') transitions += 1;
      if (event.type !== 'StateEntered') continue;
      transitions += 1;
      waited += secondsToWait(states.get(event.state.name), event.state.input);
    }
  })();
  const output: unknown = await run.result;
  await counted;
  return { transitions, waited, output };
}

/** 0 for a state that does not wait. */
function secondsToWait(state: State | undefined, input: unknown): number {
  const { Type, SecondsPath } = (state ?? {}) as { Type?: string; SecondsPath?: string };
  if (Type !== 'Wait') return 0;
  const fields = SecondsPath?.split('.').slice(1) ?? [];
  const seconds = fields.reduce<unknown>((value, field) => (value as Record<string, unknown>)[field], input);
  if (typeof seconds !== 'number') throw new Error(`a Wait state has no number of seconds at ${SecondsPath}`);
  return seconds;
}

function runOptions(
  execution: string,
  definition: StateMachineDefinition,
  task: (resource: string) => (input: Json) => Promise<Json>,
): RunOptions {
  const states = [...statesOf(definition)];
  return {
    context: { Execution: { Id: execution, Name: execution } },
    overrides: {
      taskResourceLocalHandlers: Object.fromEntries(
        states
          .filter(([, { Type }]) => Type === 'Task')
          .map(([name, { Resource }]) => [name, task(String(Resource))]),
      ),
      // Nor for a retry.
      retryIntervalOverrides: Object.fromEntries(
        states.filter(([, { Retry }]) => Retry !== undefined).map(([name]) => [name, 0]),
      ),
      waitTimeOverrides: Object.fromEntries(
        states.filter(([, { Type }]) => Type === 'Wait').map(([name]) => [name, 0]),
      ),
    },
  };
}
