import aslValidator from 'asl-validator';
import { describe, expect, test } from 'vitest';
import { ERROR_NAMES } from '../../core/errors.ts';
import { functionsOf } from './functions.ts';
import { machinesOf, type Retrier, tasksOf } from './state-machines.ts';
import { maximal, synthesise } from './synthesis.ts';

const { template } = synthesise(maximal);
const functions = functionsOf(template);
const machines = machinesOf(template);
const tasks = machines.flatMap((machine) =>
  tasksOf(machine).map(([name, state]) => ({ machine: machine.logicalId, name, state })),
);
const functionTasks = tasks.filter(({ state }) => state.Resource?.startsWith('<Safehouse'));

/** What AWS itself calls its errors; nothing else may stand in a state machine but Safehouse's own names. */
const AWS_NAMES = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  'Sandbox.Timedout',
  'States.ALL',
  'States.TaskFailed',
];

const waits = ({ IntervalSeconds, BackoffRate = 2, MaxAttempts, MaxDelaySeconds = Infinity }: Retrier) =>
  Array.from({ length: MaxAttempts }, (_, attempt) =>
    Math.min(IntervalSeconds * BackoffRate ** attempt, MaxDelaySeconds),
  );
const total = (retrier: Retrier) => waits(retrier).reduce((sum, wait) => sum + wait, 0);

test('finds every task: 8 in each of two backups, 3 of retention, 1 in each of two doctors', () => {
  expect(machines).toHaveLength(5);
  expect(tasks).toHaveLength(8 + 8 + 3 + 1 + 1);
  expect(functionTasks).toHaveLength(tasks.length - 2);
});

describe.each(machines)('$logicalId', ({ definition }) => {
  test('is what Step Functions accepts', () => {
    // References to other resources are not ARNs before deployment.
    const { isValid, errorsText } = aslValidator(definition, { checkArn: false, checkPaths: true });
    expect(errorsText('\n')).toBe('');
    expect(isValid).toBe(true);
  });

  test('speaks JSONPath, which is what runs on one machine', () => {
    expect(JSON.stringify(definition)).not.toContain('JSONata');
  });
});

describe.each(tasks)('$machine $name', ({ machine, name, state }) => {
  test('ends by itself, half a minute after its function would have ended', () => {
    const called = functions.find(({ logicalId }) => state.Resource === `<${logicalId}.Arn>`);
    const expected = called === undefined ? 60 : Number(called.resource.Properties['Timeout']) + 30;
    expect(state.TimeoutSeconds).toBe(expected);
  });

  test('retries and catches only errors that exist', () => {
    const names = [...(state.Retry ?? []), ...(state.Catch ?? [])].flatMap(({ ErrorEquals }) => ErrorEquals);
    const known: readonly string[] = [...Object.values(ERROR_NAMES), ...AWS_NAMES];
    expect(names.filter((each) => !known.includes(each))).toEqual([]);
    expect(names.length).toBeGreaterThan(0);
  });

  test('sends what it cannot mend to where a person is told', () => {
    const expected = machine.includes('Doctor')
      ? // Whoever started the examination is waiting for it: the execution ends with the error itself.
        undefined
      : [
          name === 'RecordFailure'
            ? { ErrorEquals: ['States.ALL'], ResultPath: '$.recordError', Next: 'AlertNotSent' }
            : { ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'RecordFailure' },
        ];
    expect(state.Catch).toEqual(expected);
  });
});

describe.each(functionTasks)('$machine $name', ({ state }) => {
  test('waits 195 seconds in all for what passes by itself', () => {
    const [unavailable] = state.Retry ?? [];
    expect(unavailable?.ErrorEquals).toEqual([
      'TemporarilyUnavailable',
      'Lambda.ServiceException',
      'Lambda.AWSLambdaException',
      'Lambda.SdkClientException',
      'Lambda.TooManyRequestsException',
      'Lambda.ClientExecutionTimeoutException',
    ]);
    expect(unavailable && waits(unavailable)).toEqual([5, 10, 20, 40, 60, 60]);
    expect(unavailable && total(unavailable)).toBe(195);
    expect(unavailable?.JitterStrategy).toBe('FULL');
  });

  test('is tried once more when Lambda ended it, and no third time', () => {
    expect(state.Retry).toHaveLength(2);
    expect(state.Retry?.[1]).toMatchObject({
      ErrorEquals: ['Lambda.Unknown', 'Sandbox.Timedout'],
      MaxAttempts: 1,
    });
  });
});

test('the call of another state machine waits 35 seconds in all', () => {
  const native = tasks.filter(({ state }) => state.Resource === 'arn:aws:states:::states:startExecution');
  expect(native).toHaveLength(2);
  for (const { state } of native) expect(state.Retry?.map(total)).toEqual([35]);
});

test('each state calls the function of its name', () => {
  const calls = functionTasks.map(({ machine, name, state }) => {
    const called = functions.find(({ logicalId }) => state.Resource === `<${logicalId}.Arn>`);
    return [machine.replace(/Machine.*/, ''), name, called?.step];
  });
  const backup = (machine: string) => [
    [machine, 'Begin', 'backup/begin'],
    [machine, 'CheckBefore', 'backup/check-before'],
    [machine, 'Prepare', 'backup/prepare'],
    [machine, 'Submit', 'backup/submit'],
    [machine, 'Poll', 'backup/poll'],
    [machine, 'Verify', 'backup/verify'],
    [machine, 'RecordFailure', 'backup/record-failure'],
  ];
  const [backupInVpc] = calls
    .map(([machine]) => machine)
    .filter((machine) => /Backup\w{8}$/.test(machine ?? ''));
  const [doctorInVpc] = calls
    .map(([machine]) => machine)
    .filter((machine) => /Doctor\w{8}$/.test(machine ?? ''));
  const expected = [
    ...backup('SafehouseBackup'),
    ...backup(backupInVpc ?? ''),
    ['SafehouseRetention', 'Plan', 'retention/plan'],
    ['SafehouseRetention', 'Remove', 'retention/remove'],
    ['SafehouseRetention', 'RecordFailure', 'retention/record-failure'],
    ['SafehouseDoctor', 'Examine', 'doctor/examine'],
    [doctorInVpc, 'Examine', 'doctor/examine'],
  ];
  expect(calls.map((call) => call.join(' ')).sort()).toEqual(expected.map((call) => call.join(' ')).sort());
});

test('each state machine calls functions of its own network only', () => {
  for (const machine of machines) {
    const [own = ''] = machine.logicalId.split('Machine');
    for (const [, { Resource }] of tasksOf(machine))
      if (Resource?.startsWith('<Safehouse')) expect(Resource).toMatch(new RegExp(`^<${own}[A-Z][a-z]`));
  }
});
