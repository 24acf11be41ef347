/**
 * StopExecution for an execution of another process: a file beside its history asks the process that runs it to end it, for
 * with `local up` several commands work in one home.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LOOK_MILLISECONDS = 200;

const fileOf = (directory: string, id: string): string => join(directory, `${id}.stop`);

export const requestStop = (directory: string, id: string): void =>
  writeFileSync(fileOf(directory, id), `${process.pid}\n`);

/** Takes a request away that was followed, or came too late. */
export const withdrawStop = (directory: string, id: string): void =>
  rmSync(fileOf(directory, id), { force: true });

/**
 * Calls `stop` once it is asked for.
 *
 * @returns what ends the watching
 */
export function watchForStop(directory: string, id: string, stop: () => void): () => void {
  const file = fileOf(directory, id);
  const timer = setInterval(() => {
    if (existsSync(file)) stop();
  }, LOOK_MILLISECONDS);
  timer.unref();
  return () => clearInterval(timer);
}
