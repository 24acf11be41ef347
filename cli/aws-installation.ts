/** A Safehouse on AWS: what the stack left in SSM, and its state machines. */
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';
import { readAlarms } from '../clients/alarms.ts';
import { readListeners } from '../clients/listeners.ts';
import { readParameter, readTarget } from '../clients/parameters.ts';
import { storageError } from '../clients/storage-errors.ts';
import { compactTime } from '../core/backup-id.ts';
import { nearestText } from '../core/config-problems.ts';
import { type Deployment, deploymentSchema } from '../core/deployment.ts';
import { deploymentParameter, settingsPrefix } from '../core/environment.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { type Installation, targetOf, type Workflow } from '../core/installation.ts';
import type { StackAlarms } from '../core/stack-alarms.ts';
import { followExecution, stopExecution } from './aws-execution.ts';

/** @throws {SafehouseError} NotFound, when there is no such stack in this account and region */
export async function openAws(stack: string): Promise<Installation> {
  const deployment = await readDeployment(stack);
  const client = new SFNClient({ maxAttempts: 5 });
  return {
    title: `stack ${stack} in ${deployment.region}`,
    bucketName: deployment.bucket,
    region: deployment.region,
    endpoint: process.env['AWS_ENDPOINT_URL_S3'],
    targets: async () => Object.keys(deployment.targets),
    target: (name) => readTarget(settingsPrefix(stack), name),
    start: async (workflow, input) => {
      const target = targetOf(workflow, input);
      const id = await startExecution(client, machineOf(deployment, workflow, target), input);
      return followExecution(client, id);
    },
    stop: (execution) => stopExecution(client, execution),
    listeners: () => readListeners(deployment.topicArn),
    alarms: () => deployedAlarms(deployment),
    close: async () => client.destroy(),
  };
}

async function deployedAlarms({ region, topicArn, alarms }: Deployment): Promise<StackAlarms> {
  const { namePrefix, count } = alarms;
  return { alarms: await readAlarms({ region, topicArn, namePrefix }), deployed: count };
}

async function readDeployment(stack: string): Promise<Deployment> {
  const parameter = deploymentParameter(stack);
  const text = await readParameter(parameter).catch(async (cause: unknown) => {
    if (cause instanceof SafehouseError && cause.name === ERROR_NAMES.notFound)
      throw await noStack(stack, cause);
    throw cause;
  });
  const parsed = deploymentSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new SafehouseError(ERROR_NAMES.configuration, {
    what: `${parameter} in SSM does not describe a deployment that this release knows: ${parsed.error.issues[0]?.path.join('.') || 'the whole'} ${parsed.error.issues[0]?.message}.`,
    remedy: 'Deploy the stack with the release that this command line belongs to.',
  });
}

async function noStack(stack: string, cause: unknown): Promise<SafehouseError> {
  const region = await new SSMClient({}).config.region();
  const known = await deployedStacks();
  const there =
    known.length === 0
      ? 'No other was seen there.'
      : `There is: ${known.join(', ')}${nearestText(stack, known)}.`;
  return new SafehouseError(
    ERROR_NAMES.notFound,
    {
      what: `There is no stack ${JSON.stringify(stack)} of Safehouse in ${region}, in the account of these credentials. ${there}`,
      remedy:
        'Name it with --stack or SAFEHOUSE_STACK, and the place with AWS_REGION and AWS_PROFILE. Without AWS: --local.',
    },
    { cause },
  );
}

/** The stacks that were deployed here; none when these credentials may not list them, for this is only advice. */
async function deployedStacks(): Promise<string[]> {
  const path = deploymentParameter('*').split('*')[0] ?? '/';
  try {
    const { Parameters = [] } = await new SSMClient({}).send(
      new GetParametersByPathCommand({ Path: path, Recursive: true, MaxResults: 10 }),
    );
    return [...new Set(Parameters.flatMap(({ Name = '' }) => Name.slice(path.length).split('/')[0] || []))];
  } catch {
    return [];
  }
}

function machineOf({ retention, prove, targets }: Deployment, workflow: Workflow, target: string): string {
  if (workflow === 'retention') return retention;
  if (workflow === 'prove') return prove;
  const machines = Object.hasOwn(targets, target) ? targets[target] : undefined;
  if (machines === undefined)
    throw new SafehouseError(ERROR_NAMES.notFound, {
      what: `The stack has no target ${JSON.stringify(target)}.`,
      remedy: `It has ${Object.keys(targets).join(', ')}.`,
    });
  return machines[workflow];
}

/** The name says in the console what the execution is; no two starts share it. */
async function startExecution(
  client: SFNClient,
  stateMachineArn: string,
  input: { readonly target: string },
): Promise<string> {
  const name = `${input.target}-${compactTime(Date.now())}-${crypto.randomUUID().slice(0, 8)}`;
  const { executionArn } = await client
    .send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }))
    .catch((cause: unknown) => {
      throw storageError(cause, `start ${stateMachineArn}`);
    });
  if (executionArn === undefined)
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `Step Functions answered the start of ${stateMachineArn} without naming an execution.`,
      remedy: 'Look at the state machine in the console: it may run all the same.',
    });
  return executionArn;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
