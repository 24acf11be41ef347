/** The bundled functions, run at simulated times, with the real time that each invocation took. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { carriesEngine } from '../../local/carried-engine.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import type { DeployedFunction } from '../../local/template.ts';
import type { Clock } from './clock.ts';
import type { Invocation } from './prices.ts';
import type { TimedEvent } from './simulated-clock.ts';

export interface ClockedFunctionsOptions {
  readonly functions: readonly DeployedFunction[];
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Where wrappers are written. */
  readonly directory: string;
}

export interface FunctionInvocation extends Invocation {
  /** `backup/poll` */
  readonly name: string;
  /** Whether the function was loaded for it. */
  readonly cold: boolean;
}

interface Warm {
  readonly process: FunctionProcess;
  /** Simulated milliseconds. */
  readonly usedAt: number;
}

/** AWS says nowhere how long it keeps an idle environment; five minutes is the least that people report. */
const WARM_MILLISECONDS = 300_000;
const CLOCK = new URL('simulated-clock.ts', import.meta.url).href;

export class ClockedFunctions {
  readonly #options: ClockedFunctionsOptions;
  readonly #byArn: ReadonlyMap<string, DeployedFunction>;
  /** The functions that carry the engine, which is there for one architecture only. */
  readonly #provers: ReadonlySet<string>;
  readonly #warm = new Map<string, Warm>();
  #invocations: FunctionInvocation[] = [];

  constructor(options: ClockedFunctionsOptions) {
    this.#options = options;
    this.#provers = new Set(options.functions.filter(carriesEngine).map(({ arn }) => arn));
    this.#byArn = new Map(
      options.functions.map((deployed) => [deployed.arn, wrapped(deployed, options.directory)]),
    );
  }

  /** `backup/poll`, as the description begins with it. */
  nameOf(arn: string): string {
    const [, name = arn] = /^Safehouse, ([\w/-]+):/.exec(this.#byArn.get(arn)?.description ?? '') ?? [];
    return name;
  }

  async invoke(arn: string, event: unknown): Promise<unknown> {
    const deployed = this.#byArn.get(arn);
    if (deployed === undefined) throw new Error(`there is no function ${arn}`);
    const { clock, environment } = this.#options;
    const warm = await this.#warmEnvironment(arn);
    const timed: TimedEvent = {
      now: clock.now(),
      timeoutMilliseconds: deployed.timeoutSeconds * 1000,
      event,
    };
    const before = performance.now();
    const process =
      warm ?? new FunctionProcess(deployed, { ...deployed.environment, ...environment }, () => {});
    try {
      return await process.invoke(timed);
    } finally {
      this.#warm.set(arn, { process, usedAt: clock.now() });
      this.#invocations.push({
        name: this.nameOf(arn),
        cold: warm === undefined,
        milliseconds: performance.now() - before,
        memoryMegabytes: deployed.memoryMegabytes,
        architecture: this.#provers.has(arn) ? 'x86_64' : 'arm64',
      });
    }
  }

  /** The invocations since the last time. */
  take(): readonly FunctionInvocation[] {
    const invocations = this.#invocations;
    this.#invocations = [];
    return invocations;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#warm.values()].map(({ process }) => process.stop()));
    this.#warm.clear();
  }

  async #warmEnvironment(arn: string): Promise<FunctionProcess | undefined> {
    const warm = this.#warm.get(arn);
    if (warm === undefined) return undefined;
    if (warm.process.alive && this.#options.clock.now() - warm.usedAt < WARM_MILLISECONDS)
      return warm.process;
    this.#warm.delete(arn);
    await warm.process.stop();
    return undefined;
  }
}

/** The bundle as it is, behind a module that sets the clock before the bundle is loaded. */
function wrapped(deployed: DeployedFunction, directory: string): DeployedFunction {
  const file = join(directory, `${deployed.name}.mjs`);
  writeFileSync(
    file,
    [
      `import { atSimulatedTime } from ${JSON.stringify(CLOCK)};`,
      `import { ${deployed.handler} as real } from ${JSON.stringify(pathToFileURL(deployed.file).href)};`,
      `export const ${deployed.handler} = atSimulatedTime(real);`,
      '',
    ].join('\n'),
  );
  return { ...deployed, file };
}
