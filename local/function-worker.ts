/**
 * What Lambda's runtime does around a handler: loads the module once, then calls it for each event. Runs as a worker
 * thread of `function-process.ts`, with an environment of its own.
 */
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { Invocation, InvocationResult, WorkerSettings } from './function-process.ts';

const { file, handler: handlerName, name, arn, memoryMegabytes } = workerData as WorkerSettings;
const port = parentPort;

type Handler = (event: unknown, context: object) => Promise<unknown>;

const loaded = load();
// A module that cannot be loaded is answered to whoever calls, not left as an unhandled rejection.
loaded.catch(() => {});

port?.on('message', (invocation: Invocation) => void answer(invocation));

async function load(): Promise<Handler> {
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const handler = module[handlerName];
  if (typeof handler !== 'function') throw new Error(`${file} exports no function "${handlerName}"`);
  return handler as Handler;
}

async function answer(invocation: Invocation): Promise<void> {
  const result = await run(invocation);
  // The parent has read every line of the log before it hears of the end.
  await Promise.all([drained(process.stdout), drained(process.stderr)]);
  port?.postMessage(result);
}

async function run({ requestId, event, deadline }: Invocation): Promise<InvocationResult> {
  try {
    const handler = await loaded;
    const value = await handler(JSON.parse(event), contextOf(requestId, deadline));
    return { ok: true, value: JSON.stringify(value ?? null) };
  } catch (error) {
    return { ok: false, ...describe(error) };
  }
}

const contextOf = (requestId: string, deadline: number): object => ({
  awsRequestId: requestId,
  functionName: name,
  functionVersion: '$LATEST',
  invokedFunctionArn: arn,
  memoryLimitInMB: String(memoryMegabytes),
  logGroupName: `/aws/lambda/${name}`,
  logStreamName: 'local',
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
});

function describe(error: unknown): { errorType: string; errorMessage: string } {
  if (error instanceof Error) return { errorType: error.name, errorMessage: error.message };
  return { errorType: 'Error', errorMessage: String(error) };
}

const drained = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    stream.write('', () => resolve());
  });
