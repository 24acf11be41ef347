import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { GetParameterCommand, GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, it } from 'vitest';
import { openAws } from '../../cli/aws-installation.ts';
import type { RecordedDeployment } from '../../core/deployment.ts';
import type { Poll } from '../../core/workflow.ts';
import { shopTarget } from './house.ts';

const ssm = mockClient(SSMClient);
const sfn = mockClient(SFNClient);

const MACHINE = 'arn:aws:states:eu-central-1:123456789012:stateMachine';
const EXECUTION = 'arn:aws:states:eu-central-1:123456789012:execution:BackupShop:by-hand';
const DEPLOYMENT: RecordedDeployment = {
  version: 1,
  bucket: 'company-backups',
  region: 'eu-central-1',
  topicArn: 'arn:aws:sns:eu-central-1:123456789012:alerts',
  alarms: { namePrefix: 'Safehouse-SafehouseAlarms', count: 2 },
  retention: `${MACHINE}:Retention`,
  prove: `${MACHINE}:Prove`,
  groups: ['Shop', 'Mes'].map((name) => ({
    targets: [name.toLowerCase()],
    backup: `${MACHINE}:Backup${name}`,
    doctor: `${MACHINE}:Doctor${name}`,
    restore: `${MACHINE}:Restore${name}`,
    cancelRestore: `${MACHINE}:CancelRestore${name}`,
  })),
};

/** Another one for each test: what was read of a stack is remembered for a minute. */
let stack = '';
let stacks = 0;

beforeEach(() => {
  stacks += 1;
  stack = `Safehouse${stacks}`;
  process.env['AWS_REGION'] = 'eu-central-1';
  ssm.reset();
  ssm.onAnyCommand().rejects(new Error('unexpected command'));
  sfn.reset();
  sfn.onAnyCommand().rejects(new Error('unexpected command'));
  answerParameter(`/safehouse/${stack}/deployment`, JSON.stringify(DEPLOYMENT));
});

const answerParameter = (Name: string, Value: string): void => {
  ssm.on(GetParameterCommand, { Name, WithDecryption: true }).resolves({ Parameter: { Name, Value } });
};

const notFound = (): Error => Object.assign(new Error('ParameterNotFound'), { name: 'ParameterNotFound' });

it('knows bucket, region and targets from what the stack left in SSM', async () => {
  const installation = await openAws(stack);
  expect(installation).toMatchObject({
    title: `stack ${stack} in eu-central-1`,
    bucketName: 'company-backups',
    region: 'eu-central-1',
  });
  expect(await installation.targets()).toEqual(['shop', 'mes']);
});

it('reads a target as it was deployed', async () => {
  const target = shopTarget();
  answerParameter(`/safehouse/${stack}/targets/shop`, JSON.stringify(target));
  expect(await (await openAws(stack)).target('shop')).toEqual(target);
});

it('says which stacks there are where the one that was named is none', async () => {
  ssm.on(GetParameterCommand, { Name: '/safehouse/Safehuose/deployment' }).rejects(notFound());
  ssm.on(GetParametersByPathCommand).resolves({
    Parameters: [{ Name: '/safehouse/Safehouse/deployment' }, { Name: '/safehouse/Safehouse/targets/shop' }],
  });
  await expect(openAws('Safehuose')).rejects.toMatchObject({
    name: 'NotFound',
    failure: {
      what: expect.stringMatching(
        /no stack "Safehuose".*eu-central-1.*There is: Safehouse \(did you mean "Safehouse"\?\)/s,
      ),
      remedy: expect.stringContaining('AWS_REGION'),
    },
  });
});

it('says that there is no such stack also to those who may not list the others', async () => {
  ssm.on(GetParameterCommand).rejects(notFound());
  ssm
    .on(GetParametersByPathCommand)
    .rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));
  await expect(openAws('Other')).rejects.toMatchObject({ name: 'NotFound' });
});

it.each(['{', '{"version": 2}', 'null'])('refuses a deployment that it does not know: %s', async (value) => {
  answerParameter(`/safehouse/${stack}/deployment`, value);
  await expect(openAws(stack)).rejects.toMatchObject({ name: 'InvalidConfiguration' });
});

it.each([
  ['backup', 'BackupShop'],
  ['doctor', 'DoctorShop'],
  ['retention', 'Retention'],
  ['prove', 'Prove'],
  ['restore', 'RestoreShop'],
  ['cancelRestore', 'CancelRestoreShop'],
] as const)(
  'starts %s on its own state machine, under a name that no other start has',
  async (workflow, machine) => {
    sfn.on(StartExecutionCommand).resolves({ executionArn: EXECUTION });
    const installation = await openAws(stack);
    await installation.start(workflow, { target: 'shop' });
    await installation.start(workflow, { target: 'shop' });
    const inputs = sfn.commandCalls(StartExecutionCommand).map(({ args }) => args[0].input);
    expect(inputs).toEqual(
      [1, 2].map(() => ({
        stateMachineArn: `${MACHINE}:${machine}`,
        input: '{"target":"shop"}',
        name: expect.stringMatching(/^shop-\d{8}T\d{6}Z-[0-9a-f]{8}$/),
      })),
    );
    expect(new Set(inputs.map(({ name }) => name)).size).toBe(2);
  },
);

it('starts a restore where it goes to, and everything else where it comes from', async () => {
  sfn.on(StartExecutionCommand).resolves({ executionArn: EXECUTION });
  const installation = await openAws(stack);
  await installation.start('restore', { target: 'shop', to: 'mes' });
  await installation.start('backup', { target: 'shop', to: 'mes' });
  const inputs = sfn.commandCalls(StartExecutionCommand).map(({ args }) => args[0].input);
  expect(inputs.map(({ stateMachineArn }) => stateMachineArn)).toEqual([
    `${MACHINE}:RestoreMes`,
    `${MACHINE}:BackupShop`,
  ]);
  expect(inputs[0]?.input).toBe('{"target":"shop","to":"mes"}');
});

it('stops an execution', async () => {
  sfn.on(StopExecutionCommand, { executionArn: EXECUTION }).resolves({ stopDate: new Date(0) });
  await (await openAws(stack)).stop(EXECUTION);
  expect(sfn.commandCalls(StopExecutionCommand)).toHaveLength(1);
});

it.each(['ExecutionDoesNotExist', 'InvalidArn'])('says that there is none to stop: %s', async (name) => {
  sfn.on(StopExecutionCommand).rejects(Object.assign(new Error('no'), { name }));
  await expect((await openAws(stack)).stop('20260402T090000Z-abc')).rejects.toMatchObject({
    name: 'NotFound',
    failure: { what: expect.stringContaining('20260402T090000Z-abc') },
  });
});

it('does not take a stop that was refused for one that has nothing to stop', async () => {
  sfn.on(StopExecutionCommand).rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));
  await expect((await openAws(stack)).stop(EXECUTION)).rejects.toMatchObject({ name: 'Refused' });
});

it.each(['constructor', 'nobody'])('starts nothing for the target %s', async (target) => {
  const installation = await openAws(stack);
  await expect(installation.start('backup', { target })).rejects.toMatchObject({ name: 'NotFound' });
  expect(sfn.calls()).toHaveLength(0);
});

const POLL: Poll = {
  outcome: 'running',
  submittedAt: '2026-04-02T02:00:00Z',
  waitSeconds: 2,
  server: 's',
  progress: { files: 12, bytes: 34 },
  movedAt: '2026-04-02T02:00:00Z',
  silentSince: null,
  polls: 3,
  failure: null,
};
const carrying = (id: string, poll?: Poll): string =>
  JSON.stringify({ target: 'shop', prepared: { backup: { id } }, ...(poll && { poll }) });

const entered = (name: string, input: string): HistoryEvent => ({
  id: 1,
  timestamp: new Date(0),
  type: 'TaskStateEntered',
  stateEnteredEventDetails: { name, input },
});
const exited = (name: string, output: string): HistoryEvent => ({
  id: 2,
  timestamp: new Date(0),
  type: 'TaskStateExited',
  stateExitedEventDetails: { name, output },
});

async function startedExecution() {
  sfn.on(StartExecutionCommand).resolves({ executionArn: EXECUTION });
  return (await openAws(stack)).start('backup', { target: 'shop' });
}

function answerView(
  described: Partial<DescribeExecutionCommandOutput>,
  newestFirst: readonly HistoryEvent[],
): void {
  sfn.on(DescribeExecutionCommand, { executionArn: EXECUTION }).resolves({
    executionArn: EXECUTION,
    stateMachineArn: MACHINE,
    startDate: new Date(0),
    ...described,
  });
  sfn
    .on(GetExecutionHistoryCommand, {
      executionArn: EXECUTION,
      reverseOrder: true,
      includeExecutionData: true,
    })
    .resolves({ events: [...newestFirst] });
}

it('sees the newest state, backup and poll of an execution', async () => {
  const execution = await startedExecution();
  answerView({ status: 'RUNNING' }, [
    entered('WaitForClickHouse', carrying('new', POLL)),
    exited('Poll', carrying('new', POLL)),
    exited('Poll', carrying('old')),
  ]);
  expect(await execution.view()).toEqual({
    status: 'running',
    state: 'WaitForClickHouse',
    backupId: 'new',
    poll: POLL,
    output: null,
    error: null,
    cause: null,
  });
});

it('sees the backup of a restore once it is planned, and not what was asked for', async () => {
  const execution = await startedExecution();
  answerView({ status: 'RUNNING' }, [entered('Plan', '{"target":"shop","backup":"latest"}')]);
  expect((await execution.view()).backupId).toBeNull();
  answerView({ status: 'RUNNING' }, [
    exited('Poll', JSON.stringify({ restore: 'r', target: 'shop', backup: 'b', poll: POLL })),
  ]);
  expect(await execution.view()).toMatchObject({ backupId: 'b', poll: POLL });
});

it('remembers the backup when the newest events do not carry it', async () => {
  const execution = await startedExecution();
  answerView({ status: 'RUNNING' }, [exited('Poll', carrying('b', POLL))]);
  await execution.view();
  answerView({ status: 'FAILED', error: 'S3_ERROR', cause: 'why' }, [entered('GivenUp', '"not an object"')]);
  expect(await execution.view()).toMatchObject({
    status: 'failed',
    state: 'GivenUp',
    backupId: 'b',
    poll: POLL,
    error: 'S3_ERROR',
    cause: 'why',
  });
});

it('reads the result of an execution', async () => {
  const execution = await startedExecution();
  answerView({ status: 'SUCCEEDED', output: '{"done":true}' }, []);
  expect(await execution.view()).toMatchObject({ status: 'succeeded', output: { done: true }, state: null });
});

it.each([
  ['RUNNING', 'running'],
  ['PENDING_REDRIVE', 'running'],
  ['SUCCEEDED', 'succeeded'],
  ['FAILED', 'failed'],
  ['TIMED_OUT', 'timed out'],
  ['ABORTED', 'aborted'],
] as const)('calls %s "%s"', async (status, word) => {
  const execution = await startedExecution();
  answerView({ status }, []);
  expect((await execution.view()).status).toBe(word);
});

it('concludes nothing from an answer without a status', async () => {
  const execution = await startedExecution();
  answerView({}, []);
  await expect(execution.view()).rejects.toMatchObject({ name: 'IncompleteReading' });
});

it('tells a throttled look from a forbidden one', async () => {
  const execution = await startedExecution();
  sfn.on(DescribeExecutionCommand).rejects(Object.assign(new Error('slow'), { name: 'ThrottlingException' }));
  await expect(execution.view()).rejects.toMatchObject({ name: 'TemporarilyUnavailable' });
  sfn.on(DescribeExecutionCommand).rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));
  await expect(execution.view()).rejects.toMatchObject({ name: 'Refused' });
});
