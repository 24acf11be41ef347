/** Threads, not processes, run most functions: one starts in 20 ms and has its own globals, modules and environment. */
import { Worker } from 'node:worker_threads';
import { followLines, type InvocationResult, type StartRuntime } from './function-runtime.ts';

export const startThread: StartRuntime = (settings, environment, onLine) => {
  const worker = new Worker(new URL('function-thread-main.ts', import.meta.url), {
    workerData: settings,
    env: { ...environment },
    // A debugger's or test runner's flags are the parent's business.
    execArgv: ['--enable-source-maps'],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: settings.memoryMegabytes },
  });
  worker.unref();
  for (const stream of [worker.stdout, worker.stderr]) followLines(stream, onLine);
  const ended = new Promise<string>((resolve) => {
    worker.once('error', (error: Error) => resolve(`${error.name}: ${error.message}`));
    worker.once('exit', (code) => resolve(`exit status ${code}`));
  });
  return {
    ended,
    run: (invocation) => {
      const answered = new Promise<InvocationResult>((resolve) => worker.once('message', resolve));
      worker.postMessage(invocation);
      return answered;
    },
    stop: async () => {
      await worker.terminate();
    },
  };
};
