/** Runs a state machine as it is in the template, with a handler for each of its tasks. */
import { StateMachine } from 'aws-local-stepfunctions';
import type { Definition } from './state-machines.ts';

export type Payload = Record<string, unknown>;
export type Handler = (input: Payload) => Payload | Promise<Payload>;

export const EXECUTION = 'arn:aws:states:eu-central-1:111122223333:execution:Machine:one';

export interface Run {
  /** The states in the order in which they were entered, without those within a map. */
  readonly way: readonly string[];
  /** What each task received. */
  readonly inputs: Readonly<Record<string, readonly Payload[]>>;
  readonly output: unknown;
  readonly failed: { readonly error: string; readonly cause: string } | undefined;
}

/** Answers one after the other, the last one for ever. */
export function inTurn(...answers: readonly (Payload | Error)[]): Handler {
  let call = 0;
  return () => {
    const answer = answers[Math.min(call, answers.length - 1)];
    call += 1;
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error('no answer');
    return answer;
  };
}

/** An error as Step Functions sees one that a function throws. */
export const named = (name: string): Error => Object.assign(new Error('said the step'), { name });

export async function runLocally(
  definition: Definition,
  handlers: Readonly<Record<string, Handler>>,
  input: Payload,
): Promise<Run> {
  const inputs: Record<string, Payload[]> = {};
  const tasks = Object.entries(handlers).map(([name, handler]) => {
    const task = (received: unknown) => {
      inputs[name] = [...(inputs[name] ?? []), structuredClone(received as Payload)];
      return handler(received as Payload) as never;
    };
    return [name, task] as const;
  });
  const waits = Object.entries(definition.States).filter(([, { Type }]) => Type === 'Wait');
  const execution = new StateMachine(definition as never, { validationOptions: { noValidate: true } }).run(
    input as never,
    {
      overrides: {
        taskResourceLocalHandlers: Object.fromEntries(tasks),
        waitTimeOverrides: Object.fromEntries(waits.map(([name]) => [name, 0])),
        retryIntervalOverrides: Object.fromEntries(tasks.map(([name]) => [name, 0])),
      },
      context: { Execution: { Id: EXECUTION } } as never,
    },
  );
  const output = execution.result.catch(() => undefined);
  const way: string[] = [];
  let failed: Run['failed'];
  for await (const event of execution.eventLogs) {
    if (event.type.endsWith('StateEntered') && 'state' in event && !('index' in event))
      way.push(event.state.name);
    if (event.type === 'ExecutionFailed') failed = { error: event.Error, cause: String(event.Cause) };
  }
  return { way, inputs, output: await output, failed };
}
