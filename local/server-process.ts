import { type ChildProcess, fork } from 'node:child_process';
import * as z from 'zod';

export interface ServerProcess {
  /** Where it listens on 127.0.0.1. */
  readonly port: number;
  readonly pid: number;
  /** Lets it finish what it has begun, and resolves once the process has ended. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash or the out-of-memory killer would; resolves once the process has ended. */
  kill(): Promise<void>;
}

export interface ServerProcessOptions {
  /** What messages call it: `engine`, `bucket`. */
  readonly name: string;
  readonly entry: URL;
  /** Sent over IPC and not as arguments, which every user of the machine can read. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly environment: NodeJS.ProcessEnv;
  readonly log?: ((line: string) => void) | undefined;
}

const announcementSchema = z.union([
  z.object({ port: z.number().int() }),
  z.object({ failure: z.string(), unexpected: z.boolean() }),
]);

/** A running BACKUP is waited for, as ClickHouse does; anything slower than this is stuck. */
const STOP_WITHIN_MILLISECONDS = 60_000;

/**
 * Runs a server in a process of its own and resolves when it listens. The child ends with its parent, however the
 * parent ends.
 *
 * @throws Error when the server cannot start, with the reason it gave and the end of what it wrote to stderr
 */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const child = fork(options.entry, {
    env: options.environment,
    // A debugger's or test runner's flags are the parent's business.
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const written = followOutput(child, options);
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  child.send(options.settings);
  const port = await announcedPort(child, exited, options.name, written);

  let ending = false;
  void exited.then((how) => {
    if (!ending) options.log?.(`${options.name} ended unexpectedly (${how})`);
  });
  const kill = async (): Promise<void> => {
    ending = true;
    child.kill('SIGKILL');
    await exited;
  };
  const stop = async (): Promise<void> => {
    ending = true;
    if (child.connected) child.send('stop');
    const overdue = Promise.withResolvers<'overdue'>();
    const timer = setTimeout(() => overdue.resolve('overdue'), STOP_WITHIN_MILLISECONDS);
    const outcome = await Promise.race([exited, overdue.promise]);
    clearTimeout(timer);
    if (outcome !== 'overdue') return;
    await kill();
    throw new Error(
      `${options.name} (process ${child.pid}) did not stop within ${STOP_WITHIN_MILLISECONDS / 1000} s and was killed`,
    );
  };
  return { port, pid: child.pid ?? 0, stop, kill };
}

/** Passes every line on to the log, and keeps the last ones for the message of a failed start. */
function followOutput(child: ChildProcess, options: ServerProcessOptions): () => string {
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n').filter(Boolean)) {
        last.push(line);
        if (last.length > 10) last.shift();
        options.log?.(`${options.name}: ${line}`);
      }
    });
  }
  return () => last.join('\n');
}

async function announcedPort(
  child: ChildProcess,
  exited: Promise<string>,
  name: string,
  written: () => string,
): Promise<number> {
  const announced = new Promise<unknown>((resolve) => child.once('message', resolve));
  const died = exited.then((how) => ({ failure: `it ended before it was ready (${how})`, unexpected: true }));
  const announcement = announcementSchema.parse(await Promise.race([announced, died]));
  if ('port' in announcement) return announcement.port;
  // The reason may still be on its way through stderr.
  await exited;
  const detail = announcement.unexpected && written() !== '' ? `\n${written()}` : '';
  throw new Error(`${name} did not start: ${announcement.failure}${detail}`);
}
