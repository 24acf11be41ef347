/** SSM, Step Functions, SNS and CloudWatch as far as the command line speaks to them, for one in a process of its own. */
import type { RecordedDeployment } from '../../core/deployment.ts';
import { element, leaf } from '../../local/bucket/xml.ts';
import {
  type LoopbackAnswer,
  type LoopbackServer,
  startLoopbackServer,
} from '../../local/loopback-server.ts';
import { queryAnswer, readForm } from '../../local/query-protocol.ts';

export interface AwsEndpoint extends LoopbackServer {
  /** Parameters by name; changed as a test likes. */
  readonly parameters: Map<string, string>;
  /** What DescribeExecution answers. */
  execution: Readonly<Record<string, unknown>>;
  /** The alarms of the account, as DescribeAlarms has them; times in seconds since 1970. */
  alarms: readonly Readonly<Record<string, unknown>>[];
  /** The operations that were asked for, in order. */
  readonly operations: string[];
  /** When set, every operation is refused with it. */
  refusal: { readonly type: string; readonly message: string } | undefined;
}

export const DEPLOYMENT: RecordedDeployment = {
  version: 1,
  bucket: 'safehouse',
  region: 'us-east-1',
  topicArn: 'arn:aws:sns:us-east-1:123456789012:alerts',
  alarms: { namePrefix: 'Safehouse-SafehouseAlarms', count: 1 },
  retention: 'arn:aws:states:us-east-1:123456789012:stateMachine:Retention',
  prove: 'arn:aws:states:us-east-1:123456789012:stateMachine:Prove',
  groups: [
    {
      targets: ['shop'],
      backup: 'arn:aws:states:us-east-1:123456789012:stateMachine:BackupShop',
      doctor: 'arn:aws:states:us-east-1:123456789012:stateMachine:DoctorShop',
      restore: 'arn:aws:states:us-east-1:123456789012:stateMachine:RestoreShop',
      cancelRestore: 'arn:aws:states:us-east-1:123456789012:stateMachine:CancelRestoreShop',
    },
  ],
};

export async function startAwsEndpoint(): Promise<AwsEndpoint> {
  const state = {
    parameters: new Map([['/safehouse/Safehouse/deployment', JSON.stringify(DEPLOYMENT)]]),
    execution: { status: 'RUNNING' } as Readonly<Record<string, unknown>>,
    alarms: [] as AwsEndpoint['alarms'],
    operations: [] as string[],
    refusal: undefined as AwsEndpoint['refusal'],
  };
  const server = await startLoopbackServer(({ headers, body }): LoopbackAnswer => {
    const { 'x-amz-target': target } = headers;
    const operation = target === undefined ? readForm(body)['Action'] : String(target).replace(/^.*\./, '');
    if (operation === undefined) throw new Error('a request without an operation');
    state.operations.push(operation);
    const { refusal } = state;
    if (refusal !== undefined) return json(400, { __type: refusal.type, message: refusal.message });
    if (operation === 'ListSubscriptionsByTopic') return queryAnswer(operation, SUBSCRIPTIONS);
    return answer(operation, JSON.parse(body) as Record<string, string>, state);
  });
  return Object.assign(state, server);
}

function answer(
  operation: string,
  input: Readonly<Record<string, string>>,
  { parameters, execution, alarms }: Pick<AwsEndpoint, 'parameters' | 'execution' | 'alarms'>,
): LoopbackAnswer {
  switch (operation) {
    case 'GetParameter': {
      const { Name = '' } = input;
      const Value = parameters.get(Name);
      if (Value === undefined) return json(400, { __type: 'ParameterNotFound', message: 'not found' });
      return json(200, { Parameter: { Name, Value, Type: 'String' } });
    }
    case 'GetParametersByPath':
      return json(200, { Parameters: [...parameters.keys()].map((Name) => ({ Name, Value: 'x' })) });
    case 'StartExecution':
      return json(200, { executionArn: `arn:execution:${input['name']}`, startDate: 0 });
    case 'DescribeExecution':
      return json(200, {
        executionArn: input['executionArn'],
        stateMachineArn: 'arn',
        startDate: 0,
        ...execution,
      });
    case 'GetExecutionHistory':
      return json(200, { events: [] });
    case 'DescribeAlarms':
      return json(200, pageOf(alarms, input));
    case 'StopExecution':
      return json(200, { stopDate: 0 });
    default:
      return json(400, { __type: 'UnknownOperationException', message: operation });
  }
}

/** One person, who has confirmed. */
const SUBSCRIPTIONS = element(
  'Subscriptions',
  element(
    'member',
    leaf('Protocol', 'email'),
    leaf('Endpoint', 'oncall@example.com'),
    leaf('SubscriptionArn', `${DEPLOYMENT.topicArn}:1`),
  ),
);

/** Few on a page: CloudWatch gives at most what is asked for. */
const ALARMS_A_PAGE = 20;

function pageOf(
  alarms: AwsEndpoint['alarms'],
  { AlarmNamePrefix = '', NextToken = '0' }: Readonly<Record<string, string>>,
): object {
  const named = alarms.filter(({ AlarmName }) => String(AlarmName).startsWith(AlarmNamePrefix));
  const end = Number(NextToken) + ALARMS_A_PAGE;
  return {
    MetricAlarms: named.slice(Number(NextToken), end),
    ...(end < named.length && { NextToken: String(end) }),
  };
}

const json = (status: number, body: unknown): LoopbackAnswer => ({
  status,
  contentType: 'application/x-amz-json-1.0',
  body: JSON.stringify(body),
});
