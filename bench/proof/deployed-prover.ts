/** The functions and the state machine of a proof as they are deployed, in processes as fresh as Lambda's at night. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ENGINE_DIRECTORY } from '../../core/engine-package.ts';
import { carriesEngine } from '../../local/carried-engine.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import type { DeployedFunction, DeployedStack } from '../../local/template.ts';
import { countedRun } from '../night/counted-run.ts';
import { observation } from './observed.ts';

export interface DeployedProverOptions {
  readonly stack: DeployedStack;
  /** Region, keys, and the addresses of S3 and SSM. */
  readonly environment: Readonly<Record<string, string>>;
  /** Absent before: wrappers and unpacked engines. */
  readonly directory: string;
}

export interface ProverInvocation {
  /** `prove/item` */
  readonly name: string;
  /** Whether a process was started for it. */
  readonly cold: boolean;
  readonly seconds: number;
  /** Of processes with an engine, everything in them counted. */
  readonly peakBytes?: number;
}

export interface ProofRun {
  readonly proof: string;
  readonly seconds: number;
  readonly transitions: number;
  readonly invocations: readonly ProverInvocation[];
}

interface Environment {
  readonly process: FunctionProcess;
  readonly observed: { peakBytes?: number };
}

const OBSERVED = new URL('observed.ts', import.meta.url).href;
let proofs = 0;

/** Each invocation that finds no idle process starts one, which unpacks an engine of its own. */
export class DeployedProver {
  readonly #options: DeployedProverOptions;
  readonly #idle = new Map<string, Environment[]>();
  readonly #all: Environment[] = [];
  #invocations: ProverInvocation[] = [];
  #stopped = false;
  readonly #failed = Promise.withResolvers<never>();

  constructor(options: DeployedProverOptions) {
    this.#options = options;
    mkdirSync(options.directory);
  }

  /** The whole proof at the level `bytes`: plan, items as many at once as the map lets, judgement. */
  async prove(target: string, backup: string): Promise<ProofRun> {
    const { stack } = this.#options;
    proofs += 1;
    const proof = `bench-${proofs}`;
    this.#invocations = [];
    const before = performance.now();
    const run = countedRun(
      {
        stateMachines: stack.stateMachines,
        execution: proof,
        invoke: (arn, input) => this.#invoke(arn, input),
      },
      stack.deployment.prove,
      { target, backup, level: 'bytes' },
    );
    run.catch(() => {});
    // A step that failed is tried again, and then told of: whatever comes of it, there is nothing to measure.
    const { transitions } = await Promise.race([run, this.#failed.promise]);
    const seconds = (performance.now() - before) / 1000;
    return { proof, seconds, transitions, invocations: this.#invocations };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#all.map((environment) => environment.process.stop()));
    rmSync(this.#options.directory, { recursive: true, force: true });
  }

  async #invoke(arn: string, input: unknown): Promise<unknown> {
    if (this.#stopped) throw new Error('the prover was stopped');
    const deployed = this.#options.stack.functions.find((each) => each.arn === arn);
    if (deployed === undefined) throw new Error(`there is no function ${arn}`);
    const before = performance.now();
    const idle = this.#idle.get(arn)?.pop();
    const environment = idle ?? this.#start(deployed);
    try {
      return await environment.process.invoke(input);
    } catch (error) {
      this.#failed.reject(error);
      throw error;
    } finally {
      this.#idle.set(arn, [...(this.#idle.get(arn) ?? []), environment]);
      this.#invocations.push({
        name: nameOf(deployed),
        cold: idle === undefined,
        seconds: (performance.now() - before) / 1000,
        ...environment.observed,
      });
    }
  }

  #start(deployed: DeployedFunction): Environment {
    const place = join(this.#options.directory, String(this.#all.length));
    const observed: Environment['observed'] = {};
    const environment = {
      process: new FunctionProcess(
        carriesEngine(deployed) ? wrapped(deployed, place) : deployed,
        {
          ...deployed.environment,
          ...this.#options.environment,
          AWS_EC2_METADATA_DISABLED: 'true',
          AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(deployed.memoryMegabytes),
          LAMBDA_TASK_ROOT: dirname(deployed.file),
          ...(carriesEngine(deployed) && { NODE_PATH: join(place, 'unpacked') }),
        },
        (line) => {
          const bytes = observation(line);
          if (bytes !== undefined) observed.peakBytes = bytes;
        },
      ),
      observed,
    };
    this.#all.push(environment);
    return environment;
  }
}

/** The bundle as it is, behind a module that looks at the process around it; beside it, as beside the bundle, the engine. */
function wrapped(deployed: DeployedFunction, place: string): DeployedFunction {
  mkdirSync(place);
  symlinkSync(join(dirname(deployed.file), ENGINE_DIRECTORY), join(place, ENGINE_DIRECTORY));
  const file = join(place, 'observed.mjs');
  writeFileSync(
    file,
    [
      `import { observed } from ${JSON.stringify(OBSERVED)};`,
      `import { ${deployed.handler} as real } from ${JSON.stringify(pathToFileURL(deployed.file).href)};`,
      `export const ${deployed.handler} = observed(real);`,
      '',
    ].join('\n'),
  );
  return { ...deployed, file };
}

/** `prove/item`, as the description begins with it. */
const nameOf = ({ description, name }: DeployedFunction): string =>
  /^Safehouse, ([\w/-]+):/.exec(description)?.[1] ?? name;
