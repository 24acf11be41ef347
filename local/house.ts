/** Safehouse, whole, on this machine: the synthesised stack with everything around it that AWS would be. */
import { join } from 'node:path';
import { type Config, parseTarget, type Target } from '../core/config.ts';
import { nearestText } from '../core/config-problems.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Workflow } from '../core/installation.ts';
import { isEmbedded } from './configuration.ts';
import { Functions } from './functions.ts';
import { type Home, homeAt, readSecrets } from './home.ts';
import type { LoopbackServer } from './loopback-server.ts';
import type { Metric } from './metrics.ts';
import { startParameters } from './parameters.ts';
import { openServers, type Servers } from './servers.ts';
import { type LocalExecution, type Pace, StateMachines } from './state-machines.ts';
import { STACK_NAME, synthesise } from './synthesis.ts';
import { type DeployedStack, readStack } from './template.ts';
import { startTemporaryCredentials } from './temporary-credentials.ts';
import { readMessages, type TopicMessage } from './topic.ts';

export const DEFAULT_BUCKET = 'safehouse';

export interface HouseOptions {
  readonly config: Config;
  /** `SAFEHOUSE_HOME`, else `.safehouse`. */
  readonly home?: string | undefined;
  readonly pace?: Pace;
  readonly onMessage?: (message: TopicMessage) => void;
  readonly environment?: NodeJS.ProcessEnv;
  /** Stands between the state machines and the functions: what a test or a demonstration wants to see or to break. */
  readonly around?: (call: FunctionCall, invoke: () => Promise<unknown>) => Promise<unknown>;
}

export interface FunctionCall {
  /** The function's logical id. */
  readonly name: string;
  readonly execution: string;
  readonly input: unknown;
}

/** @throws {SafehouseError} RefusedForSafety, when another command works in the home */
export async function openHouse(options: HouseOptions): Promise<House> {
  const home = homeAt(options.home);
  const { config, environment, onMessage } = options;
  const servers = await openServers({
    home,
    bucketName: config.bucket.existing ?? DEFAULT_BUCKET,
    ...(environment && { environment }),
    ...(onMessage && { onMessage }),
  });
  return new House(home, servers, options);
}

interface Workshop {
  readonly stack: DeployedStack;
  readonly functions: Functions;
  readonly machines: StateMachines;
  readonly services: readonly LoopbackServer[];
}

/**
 * Bucket and topic are there from the start. Stack, functions and state machines come when something is started, for a
 * command that only lists does without; the engine when a target asks for it.
 */
export class House {
  readonly home: Home;
  readonly servers: Servers;
  readonly config: Config;
  readonly #options: HouseOptions;
  #workshop: Promise<Workshop> | undefined;
  #engineUrl: string | undefined;

  constructor(home: Home, servers: Servers, options: HouseOptions) {
    this.home = home;
    this.servers = servers;
    this.config = options.config;
    this.#options = options;
  }

  /** @throws {SafehouseError} InvalidConfiguration, naming the targets there are */
  target(name: string): Target {
    const { targets } = this.config;
    const target = Object.hasOwn(targets, name) ? targets[name] : undefined;
    if (target !== undefined) return target;
    const names = Object.keys(targets);
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `There is no target ${JSON.stringify(name)} on this machine${nearestText(name, names)}.`,
      remedy: `There ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}.`,
    });
  }

  /** The stack as it would be deployed. */
  async stack(): Promise<DeployedStack> {
    return (await this.#open()).stack;
  }

  /**
   * Starts a workflow, as a person or EventBridge would.
   *
   * @throws {SafehouseError} InvalidConfiguration, when there is no such target
   */
  async start(workflow: Workflow, input: { readonly target: string }): Promise<LocalExecution> {
    const target = this.target(input.target);
    const { stack, machines } = await this.#open();
    if (isEmbedded(target)) await this.startEngine();
    return machines.start(machineOf(stack, workflow, input.target), input);
  }

  /** Runs an execution that did not succeed again, from where it stopped. */
  async redrive(id: string): Promise<LocalExecution> {
    return (await this.#open()).machines.redrive(id);
  }

  /** What EventBridge would send to a function or a state machine. */
  async deliver(arn: string, input: unknown): Promise<void> {
    const { machines, functions, stack } = await this.#open();
    if (stack.stateMachines.some((machine) => machine.arn === arn)) machines.start(arn, input);
    else await functions.invoke(arn, input);
  }

  /** Waits until every execution has ended, retention that a backup started included. */
  async settled(): Promise<void> {
    await (await this.#workshop)?.machines.settled();
  }

  /** The metrics that functions of this process have published. */
  async metrics(): Promise<readonly Metric[]> {
    return (await this.#workshop)?.functions.metrics ?? [];
  }

  /** What the topic has been told, oldest first. */
  messages(): TopicMessage[] {
    return readMessages(this.home.topic);
  }

  async startEngine(): Promise<string> {
    this.#engineUrl = await this.servers.engineUrl();
    return this.#engineUrl;
  }

  /**
   * Ends everything that this process runs.
   *
   * @param how `settle` waits for executions, retention included; `abort` does not, and gives a running BACKUP a second
   */
  async close(how: 'settle' | 'abort' = 'settle'): Promise<void> {
    const workshop = await this.#workshop?.catch(() => undefined);
    if (workshop !== undefined) {
      await (how === 'settle' ? workshop.machines.settled() : workshop.machines.abort());
      await workshop.functions.stop();
      await Promise.all(workshop.services.map((service) => service.stop()));
    }
    await this.servers.close(...(how === 'settle' ? [] : [1000]));
  }

  #open(): Promise<Workshop> {
    this.#workshop ??= this.#openWorkshop();
    return this.#workshop;
  }

  async #openWorkshop(): Promise<Workshop> {
    const { s3, topicUrl } = this.servers;
    const { directory } = await synthesise(this.config);
    const stack = readStack(directory, STACK_NAME, { region: s3.region, bucketName: s3.bucketName });
    const parameters = await startParameters((name) => this.#parameter(stack, name));
    const credentials = await startTemporaryCredentials();
    const functions = new Functions({
      functions: stack.functions,
      environment: {
        AWS_REGION: s3.region,
        AWS_DEFAULT_REGION: s3.region,
        AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
        ...(s3.credentials.sessionToken && { AWS_SESSION_TOKEN: s3.credentials.sessionToken }),
        AWS_ENDPOINT_URL_S3: s3.endpoint,
        AWS_ENDPOINT_URL_SNS: topicUrl,
        AWS_ENDPOINT_URL_SSM: parameters.url,
        AWS_ENDPOINT_URL_STS: credentials.url,
      },
      logDirectory: join(this.home.logs, 'functions'),
    });
    const machines = new StateMachines({
      stateMachines: stack.stateMachines,
      invoke: (arn, input, execution) => this.#invoke(functions, arn, input, execution),
      historyDirectory: this.home.executions,
      ...(this.#options.pace && { pace: this.#options.pace }),
    });
    return { stack, functions, machines, services: [parameters, credentials] };
  }

  #invoke(functions: Functions, arn: string, input: unknown, execution: string): Promise<unknown> {
    const invoke = (): Promise<unknown> => functions.invoke(arn, input);
    const { around } = this.#options;
    if (around === undefined) return invoke();
    return around({ name: arn.slice(arn.lastIndexOf(':') + 1), execution, input }, invoke);
  }

  /** A parameter of the stack, with the engine's address in a target's settings; else a secret of this home. */
  #parameter({ parameters, deployment, name: stackName }: DeployedStack, name: string): string | undefined {
    const value = parameters.get(name);
    if (value === undefined) return readSecrets(this.home)[name];
    const isTarget = Object.keys(deployment.targets).some((each) => name.endsWith(`/targets/${each}`));
    if (!isTarget || this.#engineUrl === undefined) return value;
    const target = parseTarget(JSON.parse(value), `${stackName} ${name}`);
    return isEmbedded(target) ? JSON.stringify({ ...target, url: this.#engineUrl }) : value;
  }
}

function machineOf({ deployment }: DeployedStack, workflow: Workflow, target: string): string {
  const machine = workflow === 'retention' ? deployment.retention : deployment.targets[target]?.[workflow];
  if (machine === undefined) throw new Error(`the stack has no state machine for ${workflow} of ${target}`);
  return machine;
}
