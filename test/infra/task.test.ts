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

test('finds every task: 8 and a proof in each of two backups, 12 in each of two restores, 4 in each end of one, a proof by itself, retention, 2 in each of two doctors', () => {
  expect(machines).toHaveLength(10);
  expect(tasks).toHaveLength(2 * (8 + 3) + 2 * (12 + 4) + (3 + 1) + 3 + 2 * 2);
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

const TO_RECORD_FAILURE = { ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'RecordFailure' };
/** After the plan of a restore there is something to be ended before a person is told. */
const TO_STOP = { ...TO_RECORD_FAILURE, Next: 'Stop' };
/** However an examination ends, its end is the same state. */
const TO_CONCLUDE = { ...TO_RECORD_FAILURE, Next: 'Conclude' };
const TO_RECORD_CLEAN_UP = { ...TO_RECORD_FAILURE, ResultPath: '$.cleanUpError' };
const CAUGHT_ELSEWHERE = [
  // The end of an examination: whatever keeps it from telling is missed by the alarm on examinations.
  / Conclude$/,
  // The execution of one item ends with it, and with that the map, which is caught.
  / ProveItem$/,
];

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
    if (CAUGHT_ELSEWHERE.some((pattern) => pattern.test(`${machine} ${name}`)))
      expect(state.Catch).toBeUndefined();
    else
      expect(state.Catch).toEqual([
        name === 'RecordFailure'
          ? { ErrorEquals: ['States.ALL'], ResultPath: '$.recordError', Next: 'AlertNotSent' }
          : catcherOf(machine, name),
      ]);
  });
});

function catcherOf(machine: string, name: string): object {
  if (name === 'Examine') return TO_CONCLUDE;
  if (!/^Safehouse(Cancel)?Restore/.test(machine) || ['Plan', 'Reopen'].includes(name))
    return TO_RECORD_FAILURE;
  return ['Stop', 'CleanUp'].includes(name) ? TO_RECORD_CLEAN_UP : TO_STOP;
}

describe.each(functionTasks)('$machine $name', ({ name, state }) => {
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

  test('is tried once more when Lambda ended it, an item of a proof twice, and no further time', () => {
    expect(state.Retry).toHaveLength(2);
    expect(state.Retry?.[1]).toMatchObject({
      ErrorEquals: ['OutOfTime', 'Lambda.Unknown', 'Sandbox.Timedout'],
      MaxAttempts: name === 'ProveItem' ? 2 : 1,
    });
  });
});

describe.each(machines.filter(({ definition }) => 'ProveItems' in definition.States))(
  'the map of $logicalId',
  ({ definition }) => {
    const map = definition.States['ProveItems'];

    test('runs each item as an execution of its own, as many at once as the configuration says', () => {
      expect(map).toMatchObject({
        Type: 'Map',
        Label: 'ProveItems',
        MaxConcurrency: 20,
        ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' } },
      });
    });

    test('tolerates no failed item, and sends a failure to where a person is told', () => {
      for (const field of Object.keys(map ?? {})) expect(field).not.toMatch(/Tolerated/);
      expect(map?.Catch).toEqual([TO_RECORD_FAILURE]);
    });

    test('carries nothing of the results, which lie in the bucket', () => {
      expect(map).toMatchObject({ ResultPath: null });
      expect(map).not.toHaveProperty('ResultWriter');
      expect(map?.ItemProcessor?.States['ProveItem']).toMatchObject({ OutputPath: null });
    });
  },
);

test('a proof is part of every backup, and a state machine by itself', () => {
  const proving = machines.filter(({ definition }) => 'ProveItems' in definition.States);
  expect(proving.map(({ logicalId }) => logicalId.replace(/Machine.*/, '')).sort()).toEqual([
    'SafehouseBackup',
    expect.stringMatching(/^SafehouseBackup[0-9a-f]{8}$/),
    'SafehouseProve',
  ]);
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
  const proof = (machine: string) => [
    [machine, 'PlanProof', 'prove/plan'],
    [machine, 'ProveItem', 'prove/item'],
    [machine, 'JudgeProof', 'prove/judge'],
  ];
  const backup = (machine: string) => [
    [machine, 'Begin', 'backup/begin'],
    [machine, 'CheckBefore', 'backup/check-before'],
    [machine, 'Prepare', 'backup/prepare'],
    [machine, 'Submit', 'backup/submit'],
    [machine, 'Poll', 'backup/poll'],
    [machine, 'Verify', 'backup/verify'],
    ...proof(machine),
    [machine, 'RecordFailure', 'backup/record-failure'],
  ];
  const ending = (machine: string) => [
    [machine, 'Stop', 'restore/stop'],
    [machine, 'CleanUp', 'restore/clean-up'],
    [machine, 'RecordFailure', 'restore/record-failure'],
  ];
  const restore = (machine: string) => [
    [machine, 'Plan', 'restore/plan'],
    [machine, 'Pin', 'restore/pin'],
    [machine, 'Preflight', 'restore/preflight'],
    [machine, 'MakeRoom', 'restore/make-room'],
    [machine, 'Submit', 'restore/submit'],
    [machine, 'Poll', 'restore/poll'],
    [machine, 'Compare', 'restore/compare'],
    [machine, 'DropDrill', 'restore/clean-up'],
    [machine, 'Finish', 'restore/finish'],
    ...ending(machine),
  ];
  const cancel = (machine: string) => [[machine, 'Reopen', 'restore/reopen'], ...ending(machine)];
  const [backupInVpc] = calls
    .map(([machine]) => machine)
    .filter((machine) => /Backup\w{8}$/.test(machine ?? ''));
  const [doctorInVpc] = calls
    .map(([machine]) => machine)
    .filter((machine) => /Doctor\w{8}$/.test(machine ?? ''));
  const doctor = (machine: string) => [
    [machine, 'Examine', 'doctor/examine'],
    [machine, 'Conclude', 'doctor/conclude'],
  ];
  const expected = [
    ...backup('SafehouseBackup'),
    ...backup(backupInVpc ?? ''),
    ...proof('SafehouseProve'),
    ['SafehouseProve', 'RecordFailure', 'prove/record-failure'],
    ['SafehouseRetention', 'Plan', 'retention/plan'],
    ['SafehouseRetention', 'Remove', 'retention/remove'],
    ['SafehouseRetention', 'RecordFailure', 'retention/record-failure'],
    ...doctor('SafehouseDoctor'),
    ...doctor(doctorInVpc ?? ''),
    ...calls.flatMap(([machine = '', name]) =>
      name === 'Pin' ? restore(machine) : name === 'Reopen' ? cancel(machine) : [],
    ),
  ];
  expect(calls.map((call) => call.join(' ')).sort()).toEqual(expected.map((call) => call.join(' ')).sort());
});

test('each state machine calls functions of its own network only, and those that prove, which have none', () => {
  for (const machine of machines) {
    const [own = ''] = machine.logicalId.split('Machine');
    for (const [name, { Resource }] of tasksOf(machine))
      if (Resource?.startsWith('<Safehouse'))
        expect(Resource).toMatch(
          name.includes('Prove') || name.includes('Proof')
            ? /^<SafehouseProve(Plan|Item|Judge)Function/
            : // What ends a restore is part of the restore, whoever calls it; one function ends every examination.
              new RegExp(
                `^<(${own}|${own.replace('CancelRestore', 'Restore')}|SafehouseDoctorConclude)[A-Z][a-z]`,
              ),
        );
  }
});
