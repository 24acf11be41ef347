/** State machines as Step Functions will have them, read out of a template. */

import { textOf } from './references.ts';
import type { Resource, Template } from './synthesis.ts';
import { resourcesOf } from './synthesis.ts';

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds: number;
  readonly MaxAttempts: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: string;
}

export interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Parameters?: Readonly<Record<string, unknown>>;
  readonly ItemProcessor?: { readonly StartAt: string; readonly States: Readonly<Record<string, State>> };
  readonly TimeoutSeconds?: number;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly {
    readonly ErrorEquals: readonly string[];
    readonly Next: string;
    readonly ResultPath: string;
  }[];
}

export interface Definition {
  readonly StartAt: string;
  readonly TimeoutSeconds: number;
  readonly States: Readonly<Record<string, State>>;
}

export interface Machine {
  readonly logicalId: string;
  readonly resource: Resource;
  readonly definition: Definition;
}

/** The state machines of a template, by the beginning of their logical id: `SafehouseBackup`, `SafehouseRetention`. */
export function machinesOf(template: Template): readonly Machine[] {
  return resourcesOf(template, 'AWS::StepFunctions::StateMachine').map(([logicalId, resource]) => ({
    logicalId,
    resource,
    definition: JSON.parse(textOf(resource.Properties['DefinitionString'])) as Definition,
  }));
}

export function machine(template: Template, prefix: string): Machine {
  const found = machinesOf(template).filter(({ logicalId }) => logicalId.startsWith(prefix));
  const [only] = found;
  if (only === undefined || found.length > 1)
    throw new Error(`${found.length} state machines begin with ${prefix}`);
  return only;
}

/** Every state, those within a map included. */
export const statesOf = ({ States }: Pick<Definition, 'States'>): [name: string, State][] =>
  Object.entries(States).flatMap(([name, state]) => [
    [name, state],
    ...(state.ItemProcessor === undefined ? [] : statesOf(state.ItemProcessor)),
  ]);

export const tasksOf = ({ definition }: Machine): [name: string, State][] =>
  statesOf(definition).filter(([, { Type }]) => Type === 'Task');
