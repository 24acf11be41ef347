/**
 * Safehouse on the S3 under test: the state machines and functions as they would be deployed, each function with a session
 * that may do what its own role may and nothing else.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bucket } from '../../clients/bucket.ts';
import { targetOf, type Workflow } from '../../core/installation.ts';
import type { FunctionName } from '../../infra/function-names.ts';
import type { History } from '../../local/execution.ts';
import { Functions } from '../../local/functions.ts';
import { startParameters } from '../../local/parameters.ts';
import { startExecutions } from '../../local/started-executions.ts';
import { StateMachines } from '../../local/state-machines.ts';
import { readMessages, startTopic, type TopicMessage } from '../../local/topic.ts';
import { type Deployed, deploy } from './deployed.ts';
import { forDeleteObjects, type Keys, reach, sessionWith, variablesOf } from './served-s3.ts';

/** What is tested is who may do what, not how long it waits: a fortieth of a second. */
const PACE = { waits: 25, retries: 25 };

const REMOVER: FunctionName = 'retention/remove';

export type Input = Readonly<Record<string, unknown>> & { readonly target: string };

export interface Installed {
  readonly deployed: Deployed;
  /** The keys of each function's role, but for those that may do nothing in the bucket. */
  readonly sessions: ReadonlyMap<FunctionName, Keys>;
  /** The functions that have done their work at least once. */
  readonly succeeded: ReadonlySet<FunctionName>;
  /** Starts a workflow and waits for its end, and for that of whatever it started. */
  run(workflow: Workflow, input: Input): Promise<History>;
  /** Calls a function by itself. */
  call(step: FunctionName, event: unknown): Promise<unknown>;
  messages(): readonly TopicMessage[];
  /** The server of a target may change while Safehouse runs. */
  setServer(target: string, url: string): void;
  close(): Promise<void>;
}

export async function install(bucket: Bucket): Promise<Installed> {
  const deployed = await deploy({ region: reach.region, bucketName: bucket.name });
  const { stack, functions: named } = deployed;
  const home = await mkdtemp(join(tmpdir(), 'safehouse-s3-'));
  const servers = new Map<string, string>();
  const sessions = new Map<FunctionName, Keys>();
  for (const { step, policy } of named)
    if (policy !== undefined && !sessions.has(step))
      sessions.set(
        step,
        await sessionWith(step === REMOVER ? forDeleteObjects(policy, bucket.name) : policy),
      );

  const stepOf = new Map(named.map(({ arn, step }) => [arn, step]));
  const succeeded = new Set<FunctionName>();
  const invoke = async (arn: string, input: unknown): Promise<unknown> => {
    const output = await functions.invoke(arn, input);
    const step = stepOf.get(arn);
    if (step !== undefined) succeeded.add(step);
    return output;
  };
  const machines: StateMachines = new StateMachines({
    stateMachines: stack.stateMachines,
    invoke,
    historyDirectory: join(home, 'executions'),
    pace: PACE,
  });
  const topic = join(home, 'topic.jsonl');
  const services = {
    AWS_ENDPOINT_URL_SSM: await startParameters((name) =>
      withServer(stack.parameters.get(name), name, servers),
    ),
    AWS_ENDPOINT_URL_SNS: await startTopic({ file: topic }),
    AWS_ENDPOINT_URL_SFN: await startExecutions(machines),
  };
  const functions: Functions = new Functions({
    functions: named.map((deployed) => ({
      ...deployed,
      // Where Lambda sets them. Without a session there are keys all the same, which S3 does not know.
      environment: {
        ...deployed.environment,
        ...variablesOf(sessions.get(deployed.step) ?? { accessKeyId: 'nobody', secretAccessKey: 'nobody' }),
      },
    })),
    environment: {
      AWS_REGION: reach.region,
      AWS_DEFAULT_REGION: reach.region,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL_S3: reach.endpoint,
      ...Object.fromEntries(Object.entries(services).map(([name, { url }]) => [name, url])),
    },
    logDirectory: join(home, 'logs'),
  });
  return {
    deployed,
    sessions,
    succeeded,
    run: async (workflow, input) => {
      const { targets, ...shared } = stack.deployment;
      const arns: Readonly<Record<string, unknown>> = { ...shared, ...targets[targetOf(workflow, input)] };
      const history = await machines.start(String(arns[workflow]), input).ended;
      await machines.settled();
      return history;
    },
    call: async (step, event) => {
      const [first] = named.filter((candidate) => candidate.step === step);
      return invoke(first?.arn ?? step, event);
    },
    messages: () => readMessages(topic),
    setServer: (target, url) => servers.set(target, url),
    close: async () => {
      await machines.abort();
      await functions.stop();
      for (const service of Object.values(services)) await service.stop();
      await rm(home, { recursive: true });
    },
  };
}

/** A target's settings with the address where its server listens in this run. */
function withServer(
  value: string | undefined,
  name: string,
  servers: ReadonlyMap<string, string>,
): string | undefined {
  const url = servers.get(name.slice(name.lastIndexOf('/') + 1));
  return value === undefined || url === undefined
    ? value
    : JSON.stringify({ ...(JSON.parse(value) as object), url });
}
