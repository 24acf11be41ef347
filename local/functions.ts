/** Runs the bundled functions as Lambda does: one invocation at a time in each environment, kept warm, logged. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { carriesEngine, engineVariables } from './carried-engine.ts';
import { FunctionError, FunctionProcess } from './function-process.ts';
import { type Metric, metricsIn } from './metrics.ts';
import type { DeployedFunction } from './template.ts';
import { Turns } from './turns.ts';

export interface FunctionsOptions {
  readonly functions: readonly DeployedFunction[];
  /** What every function has beside its own variables: region, credentials, the addresses of the local servers. */
  readonly environment: Readonly<Record<string, string>>;
  /** A file for each function, appended to. */
  readonly logDirectory: string;
}

/**
 * Lambda would start a thousand. An engine uses every processor by itself, and takes half a gigabyte: one may read while
 * another one opens, and whatever comes beside them waits.
 */
const ENGINES_AT_ONCE = 2;

export class Functions {
  readonly #options: FunctionsOptions;
  readonly #byArn: ReadonlyMap<string, DeployedFunction>;
  readonly #idle = new Map<string, FunctionProcess[]>();
  readonly #all = new Set<FunctionProcess>();
  readonly #metrics: Metric[] = [];
  readonly #engines = new Turns(ENGINES_AT_ONCE);

  constructor(options: FunctionsOptions) {
    this.#options = options;
    this.#byArn = new Map(options.functions.map((deployed) => [deployed.arn, deployed]));
    mkdirSync(options.logDirectory, { recursive: true });
  }

  /** Every metric that the functions have published, oldest first. */
  get metrics(): readonly Metric[] {
    return this.#metrics;
  }

  /** @throws {FunctionError} what Step Functions would see: the error's name, and its cause as JSON in the message */
  async invoke(arn: string, event: unknown): Promise<unknown> {
    const deployed = this.#byArn.get(arn);
    if (deployed === undefined)
      throw new FunctionError('Lambda.ResourceNotFoundException', `Function not found: ${arn}`);
    return carriesEngine(deployed)
      ? this.#engines.take(() => this.#run(deployed, event))
      : this.#run(deployed, event);
  }

  /** Ends every environment, whatever it is doing. */
  async stop(): Promise<void> {
    this.#engines.refuse(new FunctionError('Lambda.Unknown', 'Everything is being stopped'));
    const all = [...this.#all];
    this.#all.clear();
    this.#idle.clear();
    await Promise.all(all.map((environment) => environment.stop()));
  }

  async #run(deployed: DeployedFunction, event: unknown): Promise<unknown> {
    const { arn } = deployed;
    const idle = this.#idle.get(arn) ?? [];
    this.#idle.set(arn, idle);
    let environment = idle.pop();
    // One that ended while nobody used it is not asked again.
    while (environment !== undefined && !environment.alive) environment = idle.pop();
    environment ??= this.#open(deployed);
    try {
      return await environment.invoke(event);
    } finally {
      if (environment.alive) idle.push(environment);
      else this.#all.delete(environment);
    }
  }

  #open(deployed: DeployedFunction): FunctionProcess {
    const log = join(this.#options.logDirectory, `${deployed.name}.log`);
    const opened = new FunctionProcess(
      deployed,
      {
        ...lambdaVariables(deployed),
        ...deployed.environment,
        ...this.#options.environment,
        ...(carriesEngine(deployed) && engineVariables(deployed)),
      },
      (line) => {
        appendFileSync(log, `${line}\n`);
        this.#metrics.push(...metricsIn(line));
      },
    );
    this.#all.add(opened);
    return opened;
  }
}

/** What Lambda sets by itself. */
const lambdaVariables = ({ name, memoryMegabytes, file }: DeployedFunction): Record<string, string> => ({
  TZ: ':UTC',
  LANG: 'en_US.UTF-8',
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_LAMBDA_FUNCTION_NAME: name,
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMegabytes),
  AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  LAMBDA_TASK_ROOT: dirname(file),
});
