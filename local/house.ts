/** Safehouse, whole, on this machine: the synthesised stack with everything around it that AWS would be. */
import { type Config, parseTarget, type Target } from '../core/config.ts';
import { nearestText } from '../core/config-problems.ts';
import { settingsPrefix } from '../core/environment.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { targetOf, type Workflow } from '../core/installation.ts';
import { isEmbedded } from './configuration.ts';
import { type Home, homeAt, readSecrets } from './home.ts';
import type { Metric } from './metrics.ts';
import { openServers, type Servers } from './servers.ts';
import { type LocalExecution, NoExecution, type Pace } from './state-machines.ts';
import { STACK_NAME, synthesise } from './synthesis.ts';
import { type DeployedStack, readStack } from './template.ts';
import { PUBLISH_ARN, publish, readMessages, type TopicMessage } from './topic.ts';
import { type Around, openWorkshop, type Workshop } from './workshop.ts';

export const DEFAULT_BUCKET = 'safehouse';

/** The others work on the bucket alone. */
const ASKS_CLICKHOUSE: ReadonlySet<Workflow> = new Set(['backup', 'doctor', 'restore', 'cancelRestore']);

export type StartInput = Readonly<Record<string, unknown>> & { readonly target: string };

export interface HouseOptions {
  readonly config: Config;
  /** `SAFEHOUSE_HOME`, else `.safehouse`. */
  readonly home?: string | undefined;
  readonly pace?: Pace;
  readonly onMessage?: (message: TopicMessage) => void;
  readonly environment?: NodeJS.ProcessEnv;
  readonly around?: Around;
}

/** @throws {SafehouseError} RefusedForSafety, when another command works in the home */
export async function openHouse(options: HouseOptions): Promise<House> {
  const home = homeAt(options.home);
  const { config, environment } = options;
  let house: House | undefined;
  const servers = await openServers({
    home,
    bucketName: config.bucket.existing ?? DEFAULT_BUCKET,
    onMessage: (message) => house?.hear(message),
    ...(environment && { environment }),
  });
  house = new House(home, servers, options);
  return house;
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
  readonly #handedOn = new Set<Promise<void>>();

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
  async start(workflow: Workflow, input: StartInput): Promise<LocalExecution> {
    const name = targetOf(workflow, input);
    const target = this.target(name);
    const { stack, machines } = await this.#open();
    if (ASKS_CLICKHOUSE.has(workflow) && isEmbedded(target)) await this.startEngine();
    return machines.start(machineOf(stack, workflow, name), input);
  }

  /**
   * Ends an execution, as StopExecution does: one of this process, or of another one in the same home.
   *
   * @throws {SafehouseError} NotFound
   */
  async stop(id: string): Promise<void> {
    const { machines } = await this.#open();
    await machines.stop(id).catch((cause: unknown) => {
      if (!(cause instanceof NoExecution)) throw cause;
      throw new SafehouseError(
        ERROR_NAMES.notFound,
        {
          what: `There is no execution ${JSON.stringify(id)} in ${this.home.directory}.`,
          remedy: 'Use the same SAFEHOUSE_HOME as when it was started.',
        },
        { cause },
      );
    });
  }

  /** Runs an execution that did not succeed again, from where it stopped. */
  async redrive(id: string): Promise<LocalExecution> {
    return (await this.#open()).machines.redrive(id);
  }

  /** What EventBridge would send to a function, a state machine or the topic. */
  async deliver(arn: string, input: unknown): Promise<void> {
    if (arn === PUBLISH_ARN) return publish(this.servers.topicUrl, input);
    const { machines, functions, stack } = await this.#open();
    if (!stack.stateMachines.some((machine) => machine.arn === arn))
      return void (await functions.invoke(arn, input));
    if (Object.values(this.config.targets).some(isEmbedded)) await this.startEngine();
    machines.start(arn, input);
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

  /** What comes over the topic: for whoever watches, and for the webhook, where there is one. */
  hear(message: TopicMessage): void {
    this.#options.onMessage?.(message);
    if (this.config.alerts.webhook === undefined) return;
    const handed = this.#open()
      .then((workshop) => workshop.notify(message))
      // The stack cannot be synthesised: whoever starts something is told so, and the message stands in the file.
      .catch(() => {})
      .finally(() => this.#handedOn.delete(handed));
    this.#handedOn.add(handed);
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
      if (how === 'settle') await Promise.all(this.#handedOn);
      await workshop.close();
    }
    await this.servers.close(...(how === 'settle' ? [] : [1000]));
  }

  #open(): Promise<Workshop> {
    this.#workshop ??= this.#openWorkshop();
    return this.#workshop;
  }

  async #openWorkshop(): Promise<Workshop> {
    const { s3 } = this.servers;
    const { directory } = await synthesise(this.config);
    const stack = readStack(directory, STACK_NAME, { region: s3.region, bucketName: s3.bucketName });
    return openWorkshop({
      stack,
      home: this.home,
      servers: this.servers,
      parameter: (name) => this.#parameter(stack, name),
      ...(this.#options.pace && { pace: this.#options.pace }),
      ...(this.#options.around && { around: this.#options.around }),
    });
  }

  /** A parameter of the stack, with the engine's address in a target's settings; else a secret of this home. */
  #parameter({ parameters, name: stackName }: DeployedStack, name: string): string | undefined {
    const value = parameters.get(name);
    if (value === undefined) return readSecrets(this.home)[name];
    if (!name.startsWith(settingsPrefix(stackName)) || this.#engineUrl === undefined) return value;
    const target = parseTarget(JSON.parse(value), name);
    return isEmbedded(target) ? JSON.stringify({ ...target, url: this.#engineUrl }) : value;
  }
}

/** Some workflows have a state machine for each target, the others one for all. */
function machineOf({ deployment }: DeployedStack, workflow: Workflow, target: string): string {
  const { targets, ...shared } = deployment;
  const machines: Readonly<Record<string, unknown>> = { ...shared, ...targets[target] };
  const machine = machines[workflow];
  if (typeof machine === 'string') return machine;
  throw new Error(`the stack has no state machine for ${workflow} of ${target}`);
}
