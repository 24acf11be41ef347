/** One execution environment of Lambda: it runs one invocation at a time and stays warm. */
import { randomUUID } from 'node:crypto';
import { carriesEngine } from './carried-engine.ts';
import { startChild } from './function-child.ts';
import type { FunctionRuntime, Invocation, InvocationResult } from './function-runtime.ts';
import { startThread } from './function-thread.ts';
import type { DeployedFunction } from './template.ts';

/** A failed invocation as Step Functions sees it: `name` is matched by Retry and Catch, `message` is the cause. */
export class FunctionError extends Error {
  override readonly name: string;

  constructor(errorType: string, errorMessage: string) {
    super(JSON.stringify({ errorType, errorMessage, trace: [] }));
    this.name = errorType;
  }
}

export class FunctionProcess {
  readonly #timeoutSeconds: number;
  readonly #runtime: FunctionRuntime;
  #alive = true;

  /** @param onLine called with each line that the function writes */
  constructor(
    deployed: DeployedFunction,
    environment: Readonly<Record<string, string>>,
    onLine: (line: string) => void,
  ) {
    const { file, handler, name, arn, memoryMegabytes, timeoutSeconds } = deployed;
    const start = carriesEngine(deployed) ? startChild : startThread;
    this.#timeoutSeconds = timeoutSeconds;
    this.#runtime = start({ file, handler, name, arn, memoryMegabytes }, environment, onLine);
    void this.#runtime.ended.then(() => {
      this.#alive = false;
    });
  }

  /** Whether it can take another invocation. */
  get alive(): boolean {
    return this.#alive;
  }

  /** @throws {FunctionError} what Lambda would report */
  async invoke(event: unknown): Promise<unknown> {
    const result = await this.#answer({
      requestId: randomUUID(),
      event: JSON.stringify(event ?? null),
      deadline: Date.now() + this.#timeoutSeconds * 1000,
    });
    if (result.ok) return JSON.parse(result.value);
    throw new FunctionError(result.errorType, result.errorMessage);
  }

  async stop(): Promise<void> {
    this.#alive = false;
    await this.#runtime.stop();
  }

  async #answer(invocation: Invocation): Promise<InvocationResult> {
    const failed = (errorType: string, errorMessage: string): InvocationResult => ({
      ok: false,
      errorType,
      errorMessage: `RequestId: ${invocation.requestId} Error: ${errorMessage}`,
    });
    const overdue = Promise.withResolvers<InvocationResult>();
    const timer = setTimeout(() => {
      overdue.resolve(
        failed('Sandbox.Timedout', `Task timed out after ${this.#timeoutSeconds.toFixed(2)} seconds`),
      );
      void this.stop();
    }, this.#timeoutSeconds * 1000);
    const died = this.#runtime.ended.then((how) => failed('Lambda.Unknown', `The runtime ended with ${how}`));
    try {
      return await Promise.race([this.#runtime.run(invocation), died, overdue.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
