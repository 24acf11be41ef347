/** Where the work of a stack is done: its functions and state machines, with the AWS services that they call. */
import { join } from 'node:path';
import { Functions } from './functions.ts';
import type { Home } from './home.ts';
import { startParameters } from './parameters.ts';
import type { Servers } from './servers.ts';
import { startExecutions } from './started-executions.ts';
import { type Pace, StateMachines } from './state-machines.ts';
import type { DeployedStack } from './template.ts';
import { startTemporaryCredentials } from './temporary-credentials.ts';
import type { TopicMessage } from './topic.ts';

export interface WorkshopOptions {
  readonly stack: DeployedStack;
  readonly home: Home;
  readonly servers: Servers;
  /** The value of a parameter of SSM, or of a secret. */
  readonly parameter: (name: string) => string | undefined;
  readonly pace?: Pace;
  readonly around?: Around;
}

/** Stands between the state machines and the functions: what a test wants to see or to break. */
export type Around = (call: FunctionCall, invoke: () => Promise<unknown>) => Promise<unknown>;

export interface FunctionCall {
  /** The function's logical id. */
  readonly name: string;
  readonly execution: string;
  readonly input: unknown;
}

export interface Workshop {
  readonly stack: DeployedStack;
  readonly functions: Functions;
  readonly machines: StateMachines;
  /** Hands a message of the topic to the functions that are subscribed to it. */
  notify(message: TopicMessage): Promise<void>;
  close(): Promise<void>;
}

export async function openWorkshop(options: WorkshopOptions): Promise<Workshop> {
  const { stack, home, pace } = options;
  // Before anything listens: a definition that cannot run here is refused.
  const machines: StateMachines = new StateMachines({
    stateMachines: stack.stateMachines,
    invoke: (arn, input, execution) => invokeAround(options.around, functions, arn, input, execution),
    historyDirectory: home.executions,
    ...(pace && { pace }),
  });
  const parameters = await startParameters(options.parameter);
  const credentials = await startTemporaryCredentials();
  const executions = await startExecutions(machines);
  const functions: Functions = new Functions({
    functions: stack.functions,
    environment: environmentOf(options.servers, {
      AWS_ENDPOINT_URL_SSM: parameters.url,
      AWS_ENDPOINT_URL_STS: credentials.url,
      AWS_ENDPOINT_URL_SFN: executions.url,
    }),
    logDirectory: join(home.logs, 'functions'),
  });
  return {
    stack,
    functions,
    machines,
    notify: async (message) => {
      await Promise.allSettled(stack.subscribers.map((arn) => functions.invoke(arn, topicEvent(message))));
    },
    close: async () => {
      await functions.stop();
      for (const server of [parameters, credentials, executions]) await server.stop();
    },
  };
}

const environmentOf = (
  { s3: { region, endpoint, credentials }, topicUrl }: Servers,
  endpoints: Readonly<Record<string, string>>,
): Record<string, string> => ({
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  ...(credentials.sessionToken && { AWS_SESSION_TOKEN: credentials.sessionToken }),
  AWS_ENDPOINT_URL_S3: endpoint,
  AWS_ENDPOINT_URL_SNS: topicUrl,
  ...endpoints,
});

function invokeAround(
  around: Around | undefined,
  functions: Functions,
  arn: string,
  input: unknown,
  execution: string,
): Promise<unknown> {
  const invoke = (): Promise<unknown> => functions.invoke(arn, input);
  if (around === undefined) return invoke();
  return around({ name: arn.slice(arn.lastIndexOf(':') + 1), execution, input }, invoke);
}

/** What SNS sends to a function; the log of the function says what became of it. */
const topicEvent = ({ id, at, topicArn, subject, text }: TopicMessage): unknown => ({
  Records: [
    {
      EventSource: 'aws:sns',
      EventVersion: '1.0',
      Sns: {
        Type: 'Notification',
        MessageId: id,
        TopicArn: topicArn,
        Timestamp: at,
        Subject: subject,
        Message: text,
      },
    },
  ],
});
