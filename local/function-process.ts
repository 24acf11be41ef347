/** One execution environment of Lambda: a worker thread that runs one invocation at a time and stays warm. */
import { randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { DeployedFunction } from './template.ts';

export interface WorkerSettings {
  readonly file: string;
  readonly handler: string;
  readonly name: string;
  readonly arn: string;
  readonly memoryMegabytes: number;
}

export interface Invocation {
  readonly requestId: string;
  /** JSON, as it would travel. */
  readonly event: string;
  /** When Lambda ends it, in milliseconds since 1970. */
  readonly deadline: number;
}

export type InvocationResult =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly errorType: string; readonly errorMessage: string };

/** A failed invocation as Step Functions sees it: `name` is matched by Retry and Catch, `message` is the cause. */
export class FunctionError extends Error {
  override readonly name: string;

  constructor(errorType: string, errorMessage: string) {
    super(JSON.stringify({ errorType, errorMessage, trace: [] }));
    this.name = errorType;
  }
}

/** Worker threads, not processes: one starts in 20 ms and has its own globals, modules and environment all the same. */
export class FunctionProcess {
  readonly #function: DeployedFunction;
  readonly #worker: Worker;
  #died = false;

  /** @param onLine called with each line that the function writes */
  constructor(
    deployed: DeployedFunction,
    environment: Readonly<Record<string, string>>,
    onLine: (line: string) => void,
  ) {
    this.#function = deployed;
    const { file, handler, name, arn, memoryMegabytes } = deployed;
    const settings: WorkerSettings = { file, handler, name, arn, memoryMegabytes };
    this.#worker = new Worker(new URL('function-worker.ts', import.meta.url), {
      workerData: settings,
      env: { ...environment },
      // A debugger's or test runner's flags are the parent's business.
      execArgv: ['--enable-source-maps'],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: memoryMegabytes },
    });
    this.#worker.unref();
    for (const stream of [this.#worker.stdout, this.#worker.stderr]) followLines(stream, onLine);
    this.#worker.on('error', () => {
      this.#died = true;
    });
    this.#worker.on('exit', () => {
      this.#died = true;
    });
  }

  /** Whether it can take another invocation. */
  get alive(): boolean {
    return !this.#died;
  }

  /** @throws {FunctionError} what Lambda would report */
  async invoke(event: unknown): Promise<unknown> {
    const { timeoutSeconds } = this.#function;
    const requestId = randomUUID();
    const invocation: Invocation = {
      requestId,
      event: JSON.stringify(event ?? null),
      deadline: Date.now() + timeoutSeconds * 1000,
    };
    const result = await this.#answer(invocation, timeoutSeconds);
    if (result.ok) return JSON.parse(result.value);
    throw new FunctionError(result.errorType, result.errorMessage);
  }

  async stop(): Promise<void> {
    this.#died = true;
    await this.#worker.terminate();
  }

  #answer(invocation: Invocation, timeoutSeconds: number): Promise<InvocationResult> {
    const { promise, resolve } = Promise.withResolvers<InvocationResult>();
    const fail = (errorType: string, errorMessage: string): void =>
      resolve({
        ok: false,
        errorType,
        errorMessage: `RequestId: ${invocation.requestId} Error: ${errorMessage}`,
      });
    const onMessage = (result: InvocationResult): void => resolve(result);
    const onError = (error: Error): void =>
      fail('Lambda.Unknown', `The runtime ended with ${error.name}: ${error.message}`);
    const onExit = (code: number): void =>
      fail('Lambda.Unknown', `The runtime ended with exit status ${code}`);
    const timer = setTimeout(() => {
      fail('Sandbox.Timedout', `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`);
      void this.stop();
    }, timeoutSeconds * 1000);
    this.#worker.once('message', onMessage).once('error', onError).once('exit', onExit);
    this.#worker.postMessage(invocation);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#worker.off('message', onMessage).off('error', onError).off('exit', onExit);
    });
  }
}

function followLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine(line);
  });
}
