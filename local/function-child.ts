/**
 * Processes run the functions that carry an engine: it is a native addon that no thread may load, and a process that has
 * opened one data directory cannot open another.
 */
import { fork } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followLines, type InvocationResult, type StartRuntime } from './function-runtime.ts';

export const startChild: StartRuntime = (settings, environment, onLine) => {
  // Lambda throws `/tmp` away with the function; here each process has one of its own, which goes with it.
  const temporary = mkdtempSync(join(tmpdir(), 'safehouse-function-'));
  const child = fork(new URL('function-child-main.ts', import.meta.url), {
    env: { ...environment, TMPDIR: temporary },
    // Limits what JavaScript takes. What the engine takes is limited by nothing but the machine.
    execArgv: ['--enable-source-maps', `--max-old-space-size=${settings.memoryMegabytes}`],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const stream of [child.stdout, child.stderr]) followLines(stream, onLine);
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`${error.name}: ${error.message}`));
    child.once('exit', (code, signal) => resolve(signal ?? `exit status ${code}`));
  });
  const cleared = ended.then(() => rm(temporary, { recursive: true, force: true }));
  child.send(settings);
  return {
    ended,
    run: (invocation) => {
      const answered = new Promise<InvocationResult>((resolve) => child.once('message', resolve));
      // A child that has ended cannot be sent anything: `ended` says so.
      child.send(invocation, () => {});
      return answered;
    },
    stop: async () => {
      child.kill('SIGKILL');
      await cleared;
    },
  };
};
