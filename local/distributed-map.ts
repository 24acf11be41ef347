/**
 * How a distributed Map fails. On AWS its items are executions of their own: whatever ends one of them, the Map ends with one
 * and the same error. The package runs the items inline, where an item's own error becomes the Map's.
 */
import type { State, States } from './definition.ts';

const EXCEEDED: State = {
  Type: 'Fail',
  Error: 'States.ExceedToleratedFailureThreshold',
  Cause: 'The specified tolerated failure threshold was exceeded',
};

interface Steps {
  readonly States: States;
}

/** The definition with every distributed Map in it failing as it does on AWS. */
export const failingAsOnAws = <Definition extends object>(definition: Definition): Definition => ({
  ...definition,
  States: Object.fromEntries(
    Object.entries((definition as Definition & Steps).States).map(([name, state]) => [
      name,
      isDistributed(state) ? mapOfExecutions(name, state) : state,
    ]),
  ),
});

const isDistributed = (state: State): boolean =>
  (state['ItemProcessor'] as { ProcessorConfig?: { Mode?: string } } | undefined)?.ProcessorConfig?.Mode ===
  'DISTRIBUTED';

function mapOfExecutions(name: string, state: State): State {
  const processor = state['ItemProcessor'] as Steps;
  const failed = `${name}: an item failed`;
  const caught = Object.entries(processor.States).map(
    ([step, item]) => [step, catching(item, failed)] as const,
  );
  return {
    ...state,
    ItemProcessor: { ...processor, States: { ...Object.fromEntries(caught), [failed]: EXCEEDED } },
  };
}

const CATCH: readonly unknown[] = ['Task', 'Map', 'Parallel'];

const catching = (state: State, next: string): State =>
  CATCH.includes(state['Type'])
    ? {
        ...state,
        Catch: [
          ...((state['Catch'] as unknown[] | undefined) ?? []),
          { ErrorEquals: ['States.ALL'], Next: next },
        ],
      }
    : state;
