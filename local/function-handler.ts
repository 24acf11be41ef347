/** What Lambda's runtime does around a handler: loads the module once, then calls it for each event. */
import { pathToFileURL } from 'node:url';
import type { FunctionSettings, Invocation, InvocationResult } from './function-runtime.ts';

type Handler = (event: unknown, context: object) => Promise<unknown>;

/** Answers invocations, whatever becomes of them, once every line that the function wrote is on its way. */
export function answering(settings: FunctionSettings): (invocation: Invocation) => Promise<InvocationResult> {
  const loaded = load(settings);
  // A module that cannot be loaded is answered to whoever calls, not left as an unhandled rejection.
  loaded.catch(() => {});
  return async (invocation) => {
    const result = await run(loaded, settings, invocation);
    await Promise.all([drained(process.stdout), drained(process.stderr)]);
    return result;
  };
}

async function load({ file, handler: name }: FunctionSettings): Promise<Handler> {
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const handler = module[name];
  if (typeof handler !== 'function') throw new Error(`${file} exports no function "${name}"`);
  return handler as Handler;
}

async function run(
  loaded: Promise<Handler>,
  settings: FunctionSettings,
  { requestId, event, deadline }: Invocation,
): Promise<InvocationResult> {
  try {
    const handler = await loaded;
    const value = await handler(JSON.parse(event), contextOf(settings, requestId, deadline));
    return { ok: true, value: JSON.stringify(value ?? null) };
  } catch (error) {
    return { ok: false, ...describe(error) };
  }
}

const contextOf = (
  { name, arn, memoryMegabytes }: FunctionSettings,
  requestId: string,
  deadline: number,
): object => ({
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
