/** The AWS services that fit on a screen, asked by the SDK that asks them on AWS. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DescribeExecutionCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { History } from '../../local/execution.ts';
import type { LoopbackServer } from '../../local/loopback-server.ts';
import { startParameters } from '../../local/parameters.ts';
import { startExecutions } from '../../local/started-executions.ts';
import {
  ExecutionExists,
  type LocalExecution,
  NoExecution,
  NoStateMachine,
} from '../../local/state-machines.ts';
import { startTemporaryCredentials } from '../../local/temporary-credentials.ts';
import { readMessages, startTopic, type TopicMessage } from '../../local/topic.ts';

const started: unknown[] = [];

function start(arn: string, input: unknown, name?: string): LocalExecution {
  if (arn.endsWith(':X')) throw new NoStateMachine(arn);
  if (name === 'taken') throw new ExecutionExists(name);
  started.push([arn, input, name]);
  return { id: name ?? 'generated', history: { startedAt: '2026-04-02T02:00:00.000Z' } } as LocalExecution;
}

function look(execution: string): History {
  if (!execution.endsWith(':known')) throw new NoExecution(execution);
  const stateMachine = 'arn:aws:states:us-east-1:000000000000:stateMachine:M';
  return { id: 'known', stateMachine, status: 'timed out', startedAt: '2026-04-02T02:00:00Z' } as History;
}

let directory: string;
let servers: LoopbackServer[];
const values = new Map([
  ['/a', 'one'],
  ['/aws/secretsmanager/clickhouse', '{"password":"p"}'],
]);
const heard: TopicMessage[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safehouse-services-'));
  servers = [
    await startParameters((name) => values.get(name)),
    await startTopic({ file: join(directory, 'topic.jsonl'), onMessage: (message) => heard.push(message) }),
    await startTemporaryCredentials(),
    await startExecutions({ start, look }),
  ];
});

afterAll(async () => {
  for (const server of servers) await server.stop();
  await rm(directory, { recursive: true });
});

const reach = (index: number) => ({
  endpoint: servers[index]?.url ?? '',
  region: 'us-east-1',
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  maxAttempts: 1,
});

test('a parameter is read, as it is at that moment', async () => {
  const ssm = new SSMClient(reach(0));
  const read = async () => (await ssm.send(new GetParameterCommand({ Name: '/a' }))).Parameter?.Value;

  expect(await read()).toBe('one');
  values.set('/a', 'two');
  expect(await read()).toBe('two');
});

test('a secret of Secrets Manager is read through SSM', async () => {
  const answer = await new SSMClient(reach(0)).send(
    new GetParameterCommand({ Name: '/aws/secretsmanager/clickhouse', WithDecryption: true }),
  );

  expect(answer.Parameter?.Value).toBe('{"password":"p"}');
});

test('a parameter that does not exist is ParameterNotFound, as on AWS', async () => {
  await expect(new SSMClient(reach(0)).send(new GetParameterCommand({ Name: '/b' }))).rejects.toMatchObject({
    name: 'ParameterNotFound',
  });
});

test('what is not served is refused, not pretended', async () => {
  const put = new PutParameterCommand({ Name: '/a', Value: 'x' });

  await expect(new SSMClient(reach(0)).send(put)).rejects.toMatchObject({
    name: 'UnknownOperationException',
  });
});

const publish = (subject: string, text: string) =>
  new SNSClient(reach(1)).send(
    new PublishCommand({ TopicArn: 'arn:aws:sns:us-east-1:000000000000:T', Subject: subject, Message: text }),
  );

test('a message is kept, shown and read back with every character that it had', async () => {
  const text = 'Target: a\n<b> & "c" = ü + 100 %';
  const { MessageId } = await publish('Safehouse: it failed', text);
  const message = {
    id: MessageId,
    subject: 'Safehouse: it failed',
    text,
    topicArn: 'arn:aws:sns:us-east-1:000000000000:T',
  };

  expect(heard).toMatchObject([message]);
  expect(readMessages(join(directory, 'topic.jsonl'))).toMatchObject([message]);
});

test.each([
  ['x'.repeat(101), 'text'],
  ['two\nlines', 'text'],
  ['not ASCII: ü', 'text'],
  ['no text', ''],
])('SNS refuses the subject %j with the text %j, and so does this', async (subject, text) => {
  const before = heard.length;

  await expect(publish(subject, text)).rejects.toMatchObject({
    name: expect.stringContaining('InvalidParameter'),
  });
  expect(heard).toHaveLength(before);
});

test('a role is assumed for as long as was asked', async () => {
  const { Credentials, AssumedRoleUser } = await new STSClient(reach(2)).send(
    new AssumeRoleCommand({
      RoleArn: 'arn:aws:iam::1:role/writer',
      RoleSessionName: 's',
      DurationSeconds: 900,
    }),
  );

  expect(Credentials?.AccessKeyId).toMatch(/^ASIA/);
  expect(Credentials?.SessionToken).toBeTruthy();
  const lasts = (Credentials?.Expiration?.getTime() ?? 0) - Date.now();
  expect(lasts).toBeGreaterThan(890_000);
  expect(lasts).toBeLessThanOrEqual(900_000);
  expect(AssumedRoleUser?.Arn).toBe('arn:aws:sts::1:assumed-role/writer/s');
});

const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:M';
const startExecution = (more: object, stateMachineArn = MACHINE) =>
  new SFNClient(reach(3)).send(new StartExecutionCommand({ stateMachineArn, ...more }));

test('an execution is started with its input and name, and answered with its ARN', async () => {
  const answer = await startExecution({ name: 'a-b.c_1', input: '{"target":"demo"}' });

  expect(started).toEqual([[MACHINE, { target: 'demo' }, 'a-b.c_1']]);
  expect(answer).toMatchObject({
    executionArn: 'arn:aws:states:us-east-1:000000000000:execution:M:a-b.c_1',
    startDate: new Date('2026-04-02T02:00:00Z'),
  });
  expect((await startExecution({})).executionArn).toMatch(/:generated$/);
});

test.each([
  [{ name: 'taken' }, MACHINE, 'ExecutionAlreadyExists'],
  [{}, `${MACHINE.slice(0, -1)}X`, 'StateMachineDoesNotExist'],
  [{ input: '{' }, MACHINE, 'InvalidExecutionInput'],
  [{ name: '../../elsewhere' }, MACHINE, 'ValidationException'],
])('a start of %j of %s is refused as %s', async (more, arn, name) => {
  const before = started.length;

  await expect(startExecution(more, arn)).rejects.toMatchObject({ name });
  expect(started).toHaveLength(before);
});

test('nothing else of Step Functions is served', async () => {
  const stop = new SFNClient(reach(3)).send(new StopExecutionCommand({ executionArn: `${MACHINE}:x` }));

  await expect(stop).rejects.toMatchObject({ name: 'UnknownOperationException' });
});

test('an execution is described in the words of AWS, and one that does not exist is refused in them', async () => {
  const sfn = new SFNClient(reach(3));
  const describe = (name: string) =>
    sfn.send(
      new DescribeExecutionCommand({
        executionArn: `arn:aws:states:us-east-1:000000000000:execution:M:${name}`,
      }),
    );

  expect(await describe('known')).toMatchObject({
    executionArn: 'arn:aws:states:us-east-1:000000000000:execution:M:known',
    status: 'TIMED_OUT',
    startDate: new Date('2026-04-02T02:00:00Z'),
  });
  await expect(describe('lost')).rejects.toMatchObject({ name: 'ExecutionDoesNotExist' });
});
