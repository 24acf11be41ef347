/** SNS's Publish on this machine: what an e-mail would say is kept in a file and shown. */
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import * as z from 'zod';
import { leaf } from './bucket/xml.ts';
import { type LoopbackServer, startLoopbackServer } from './loopback-server.ts';
import { queryAnswer, queryRefusal, readForm } from './query-protocol.ts';

const messageSchema = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  topicArn: z.string(),
  subject: z.string(),
  text: z.string(),
});
export type TopicMessage = z.infer<typeof messageSchema>;

export interface TopicOptions {
  /** A line of JSON for each message, appended to. */
  readonly file: string;
  readonly port?: number;
  readonly onMessage?: (message: TopicMessage) => void;
}

/** SNS refuses longer subjects, and any that are not plain text on one line. */
const SUBJECT = /^[\x20-\x7e]{1,100}$/;

export const startTopic = ({ file, port = 0, onMessage }: TopicOptions): Promise<LoopbackServer> => {
  mkdirSync(dirname(file), { recursive: true });
  return startLoopbackServer(({ body }) => {
    const { Action, TopicArn = '', Subject = '', Message = '' } = readForm(body);
    if (Action !== 'Publish') return queryRefusal('InvalidAction', `${Action} is not served on one machine`);
    if (!SUBJECT.test(Subject)) return queryRefusal('InvalidParameter', 'Invalid parameter: Subject');
    if (Message === '') return queryRefusal('InvalidParameter', 'Invalid parameter: Empty message');
    const message: TopicMessage = {
      id: randomUUID(),
      at: new Date().toISOString(),
      topicArn: TopicArn,
      subject: Subject,
      text: Message,
    };
    appendFileSync(file, `${JSON.stringify(message)}\n`);
    onMessage?.(message);
    return queryAnswer(Action, leaf('MessageId', message.id));
  }, port);
};

/** What EventBridge Scheduler names as the target of a schedule that calls SNS's Publish itself. */
export const PUBLISH_ARN = 'arn:aws:scheduler:::aws-sdk:sns:publish';

const publishSchema = z.object({ TopicArn: z.string(), Subject: z.string(), Message: z.string() });

/** Calls Publish with the input of such a schedule. */
export async function publish(topicUrl: string, input: unknown): Promise<void> {
  const client = new SNSClient({
    endpoint: topicUrl,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  try {
    await client.send(new PublishCommand(publishSchema.parse(input)));
  } finally {
    client.destroy();
  }
}

/** The messages of a topic's file, oldest first. */
export const readMessages = (file: string): TopicMessage[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => messageSchema.parse(JSON.parse(line)))
    : [];
