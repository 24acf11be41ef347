/** The AWS services that fit on a screen, asked by the SDK that asks them on AWS. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoopbackServer } from '../../local/loopback-server.ts';
import { startParameters } from '../../local/parameters.ts';
import { startTemporaryCredentials } from '../../local/temporary-credentials.ts';
import { readMessages, startTopic, type TopicMessage } from '../../local/topic.ts';

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
