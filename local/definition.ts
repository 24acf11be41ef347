/**
 * What `aws-local-stepfunctions` would run differently from AWS without a word. A definition that uses any of it is
 * refused: a run that is green here and means nothing on AWS is worse than none.
 *
 * Found in version 3.0.0 by reading and running it:
 * - JSONata, `Assign`, `Arguments` and `Output` are skipped, and the data goes on as it was;
 * - `ResultPath: "$"` puts the result under a key called `$`; leaving it out means the same on AWS and is right here;
 * - a Task without `TimeoutSeconds` ends after 60 seconds, on AWS never;
 * - `HeartbeatSeconds`, `ItemReader`, `ItemBatcher`, `ResultWriter` and tolerated failures are ignored;
 * - the context object holds `Execution` and, in a Map, `Map`: no `State`, `StateMachine` or `Task`;
 * - `ErrorPath` and `CausePath` take paths, no intrinsic functions.
 *
 * What differs and is made good in `state-machines.ts`: aborting does not stop a retry that waits, and results are not
 * limited to 256 KiB; in `distributed-map.ts`: how such a Map fails. What differs and does not matter here: the history has
 * no limit of 25,000 events, `$$.Execution.Id` is a name instead of an ARN, `$$.Execution.StartTime` is that of the redrive, and of a Map in which one item has failed, those
 * that waited for their turn are begun all the same.
 */
import type { StateMachineDefinition } from 'aws-local-stepfunctions';

/** A state as JSON has it; the package's own types describe only what it knows. */
export type State = Readonly<Record<string, unknown>>;
export type States = Readonly<Record<string, State>>;

const IGNORED = [
  'QueryLanguage',
  'Assign',
  'Arguments',
  'Output',
  'HeartbeatSeconds',
  'HeartbeatSecondsPath',
  'ItemReader',
  'ItemBatcher',
  'ResultWriter',
  'ToleratedFailureCount',
  'ToleratedFailurePercentage',
  'Credentials',
] as const;

const CONTEXT_PATH = /\$\$\.(?!Execution\.(?:Id|Name|Input|StartTime)\b|Map\.Item\.(?:Index|Value)\b)[\w.]+/;

/**
 * @param name the state machine's, for the message
 * @throws Error, naming every state and field that would not run as on AWS
 */
export function readDefinition(name: string, text: string): StateMachineDefinition {
  const definition = JSON.parse(text) as StateMachineDefinition;
  const problems: string[] = [];
  if ('QueryLanguage' in definition && definition['QueryLanguage'] !== 'JSONPath')
    problems.push('QueryLanguage is not JSONPath');
  for (const [stateName, state] of statesOf(definition))
    for (const problem of problemsOf(state)) problems.push(`${stateName}: ${problem}`);
  if (problems.length > 0)
    throw new Error(
      `the state machine ${name} would not run here as it does on AWS:\n${problems.map((line) => `  - ${line}`).join('\n')}`,
    );
  return definition;
}

/** Every state, those within Map and Parallel included. */
export function* statesOf(definition: unknown): Generator<readonly [name: string, state: State], void> {
  const { States: states = {} } = definition as { States?: States };
  for (const [name, state] of Object.entries(states)) {
    yield [name, state];
    for (const part of ['ItemProcessor', 'Iterator'] as const)
      if (part in state) yield* statesOf(state[part]);
    for (const branch of (state['Branches'] ?? []) as unknown[]) yield* statesOf(branch);
  }
}

function problemsOf(state: State): string[] {
  const problems = IGNORED.filter((field) => field in state).map((field) => `${field} is ignored`);
  if (state['ResultPath'] === '$') problems.push('ResultPath "$" is misread; leave it out');
  if (state['Type'] === 'Task' && !('TimeoutSeconds' in state || 'TimeoutSecondsPath' in state))
    problems.push('a Task without TimeoutSeconds ends after 60 seconds');
  for (const field of ['ErrorPath', 'CausePath'])
    if (String(state[field] ?? '$').startsWith('States.'))
      problems.push(`${field} takes no intrinsic function`);
  const foreign = CONTEXT_PATH.exec(
    JSON.stringify({ ...state, ItemProcessor: null, Iterator: null, Branches: null }),
  );
  if (foreign !== null) problems.push(`${foreign[0]} is not in the context object`);
  return problems;
}
