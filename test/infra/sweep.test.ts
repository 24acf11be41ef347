import { expect, test } from 'vitest';
import { parseRestoreMachines } from '../../core/restore-machines.ts';
import { functionsOf } from './functions.ts';
import { textOf } from './references.ts';
import { maximal, resourcesOf, synthesise } from './synthesis.ts';

const { template } = synthesise(maximal);
const rules = resourcesOf(template, 'AWS::Events::Rule').map(([, { Properties }]) => Properties);
const [sweep, ...others] = functionsOf(template).filter(({ step }) => step === 'restore/sweep');
if (sweep === undefined || others.length > 0) throw new Error('the sweep is one function');

interface Pattern {
  readonly detail: { readonly status: readonly string[]; readonly stateMachineArn: readonly unknown[] };
}
const patternOf = (rule: Readonly<Record<string, unknown>>) => rule['EventPattern'] as Pattern;

test('is told of every restore that was stopped or ran out of time, and of nothing else', () => {
  expect(rules.map((rule) => textOf(patternOf(rule).detail.stateMachineArn[0])).sort()).toEqual([
    expect.stringMatching(/^<SafehouseRestoreMachineStateMachine/),
    expect.stringMatching(/^<SafehouseRestore[0-9a-f]{8}MachineStateMachine/),
  ]);
  for (const rule of rules) {
    expect(rule).toMatchObject({ State: 'ENABLED' });
    expect(patternOf(rule)).toEqual({
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: { status: ['ABORTED', 'TIMED_OUT'], stateMachineArn: [expect.anything()] },
    });
  }
});

test('is called by those rules alone', () => {
  const called = rules.flatMap((rule) => rule['Targets'] as { readonly Arn: unknown }[]);
  expect(called.map(({ Arn }) => textOf(Arn))).toEqual(rules.map(() => `<${sweep.logicalId}.Arn>`));
  const permissions = resourcesOf(template, 'AWS::Lambda::Permission').filter(
    ([, { Properties }]) => textOf(Properties['FunctionName']) === `<${sweep.logicalId}.Arn>`,
  );
  expect(permissions).toHaveLength(rules.length);
  for (const [, { Properties }] of permissions)
    expect(Properties).toMatchObject({
      Action: 'lambda:InvokeFunction',
      Principal: 'events.amazonaws.com',
      SourceArn: { 'Fn::GetAtt': [expect.stringMatching(/^SafehouseSweepStopped/), 'Arn'] },
    });
});

test('knows the state machines of each target', () => {
  const { Variables } = sweep.resource.Properties['Environment'] as { Variables: Record<string, unknown> };
  const machines = parseRestoreMachines(textOf(Variables['SAFEHOUSE_RESTORE_MACHINES']));
  expect(machines).toEqual({
    events: {
      restore: expect.stringMatching(/^<SafehouseRestoreMachine/),
      cancelRestore: expect.stringMatching(/^<SafehouseCancelRestoreMachine/),
    },
    billing: {
      restore: expect.stringMatching(/^<SafehouseRestore[0-9a-f]{8}Machine/),
      cancelRestore: expect.stringMatching(/^<SafehouseCancelRestore[0-9a-f]{8}Machine/),
    },
  });
});
