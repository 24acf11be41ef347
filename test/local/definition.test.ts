import { expect, test } from 'vitest';
import { readDefinition, statesOf } from '../../local/definition.ts';

const task = {
  Type: 'Task',
  Resource: 'arn:aws:lambda:us-east-1:000000000000:function:F',
  TimeoutSeconds: 5,
  End: true,
};
const machine = (state: object, more: object = {}): string =>
  JSON.stringify({ StartAt: 'A', States: { A: { ...task, ...state } }, ...more });

test('a definition that means the same here is read as it is', () => {
  const text = machine({ Parameters: { 'e.$': '$$.Execution.Id' }, ResultPath: '$.a' });

  expect(readDefinition('M', text)).toEqual(JSON.parse(text));
});

test.each([
  [{ QueryLanguage: 'JSONata' }, 'QueryLanguage'],
  [{ Assign: { a: 1 } }, 'Assign'],
  [{ Arguments: {} }, 'Arguments'],
  [{ Output: {} }, 'Output'],
  [{ HeartbeatSeconds: 5 }, 'HeartbeatSeconds'],
  [{ ItemReader: {} }, 'ItemReader'],
  [{ ItemBatcher: {} }, 'ItemBatcher'],
  [{ ResultWriter: {} }, 'ResultWriter'],
  [{ ToleratedFailurePercentage: 5 }, 'ToleratedFailurePercentage'],
  [{ ResultPath: '$' }, 'ResultPath "$"'],
  [{ TimeoutSeconds: undefined }, 'a Task without TimeoutSeconds'],
  [{ Parameters: { 's.$': '$$.State.Name' } }, '$$.State.Name'],
  [{ Parameters: { 's.$': 'States.Format($$.Task.Token)' } }, '$$.Task.Token'],
  [{ Type: 'Fail', CausePath: "States.Format('{}', $.a)" }, 'CausePath'],
])('%j is refused, for it would run here in silence and differently', (state, named) => {
  expect(() => readDefinition('M', machine(state))).toThrow(`A: ${named}`);
});

test('every problem is named at once, with the state machine', () => {
  expect(() =>
    readDefinition('Retention', machine({ Assign: {}, ResultPath: '$' }, { QueryLanguage: 'JSONata' })),
  ).toThrow(
    /Retention would not run[\s\S]*QueryLanguage is not JSONPath[\s\S]*A: Assign[\s\S]*A: ResultPath/,
  );
});

test('states within Map and Parallel are looked at too', () => {
  const inner = (name: string) => ({ StartAt: name, States: { [name]: { ...task, Assign: {} } } });
  const definition = {
    StartAt: 'Each',
    States: {
      Each: { Type: 'Map', ItemProcessor: inner('InMap'), Next: 'Both' },
      Both: { Type: 'Parallel', Branches: [inner('InBranch')], End: true },
    },
  };

  expect([...statesOf(definition)].map(([name]) => name)).toEqual(['Each', 'InMap', 'Both', 'InBranch']);
  expect(() => readDefinition('M', JSON.stringify(definition))).toThrow(
    /InMap: Assign[\s\S]*InBranch: Assign/,
  );
});
