import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Functions } from '../../local/functions.ts';
import type { DeployedFunction } from '../../local/template.ts';

let directory: string;
let functions: Functions;

/** One bundle that does what its event says. */
const BUNDLE = `
  let calls = 0;
  export const handler = async (event, context) => {
    calls += 1;
    switch (event?.do) {
      case 'environment': return { ...process.env };
      case 'context': return { ...context, remaining: context.getRemainingTimeInMillis() };
      case 'calls': return calls;
      case 'nothing': return undefined;
      case 'throw': throw Object.assign(new Error('no more'), { name: 'Refused' });
      case 'throw text': throw 'just so';
      case 'exit': process.exit(3);
      case 'hang': return new Promise(() => {});
      case 'wait': return new Promise((resolve) => setTimeout(() => resolve(calls), 100));
      case 'fill': { const all = []; for (;;) all.push(new Array(1e5).fill(Math.random())); }
      case 'log':
        console.log('a line');
        console.log(JSON.stringify({ _aws: { Timestamp: 5, CloudWatchMetrics: [
          { Namespace: 'N', Dimensions: [['Target']], Metrics: [{ Name: 'Age', Unit: 'Seconds' }] } ] }, Target: 't', Age: 7 }));
        return null;
      default: return event;
    }
  };`;

const deployed = (name: string, more: Partial<DeployedFunction> = {}): DeployedFunction => ({
  name,
  arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
  description: '',
  file: join(directory, 'index.mjs'),
  handler: 'handler',
  environment: { ITS_OWN: name },
  memoryMegabytes: 64,
  timeoutSeconds: 10,
  ...more,
});

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safehouse-functions-'));
  await writeFile(join(directory, 'index.mjs'), BUNDLE);
  functions = new Functions({
    functions: [
      deployed('F'),
      deployed('G'),
      deployed('Hasty', { timeoutSeconds: 0.3 }),
      deployed('Broken', { handler: 'nowhere' }),
    ],
    environment: { AWS_REGION: 'us-east-1' },
    logDirectory: join(directory, 'logs'),
  });
});

afterAll(async () => {
  await functions.stop();
  await rm(directory, { recursive: true });
});

const invoke = (event: unknown, name = 'F'): Promise<unknown> =>
  functions.invoke(`arn:aws:lambda:us-east-1:000000000000:function:${name}`, event);

test('a function has its own environment, and nothing of whoever runs it', async () => {
  process.env['SECRET_OF_THE_SHELL'] = 'x';
  const environment = (await invoke({ do: 'environment' })) as Record<string, string>;
  delete process.env['SECRET_OF_THE_SHELL'];

  expect(environment).toMatchObject({ ITS_OWN: 'F', AWS_REGION: 'us-east-1', AWS_LAMBDA_FUNCTION_NAME: 'F' });
  expect(environment).not.toHaveProperty('SECRET_OF_THE_SHELL');
  expect(environment).not.toHaveProperty('PATH');
});

test('the context says which invocation it is and how long it has', async () => {
  const context = (await invoke({ do: 'context' })) as Record<string, unknown>;

  expect(context).toMatchObject({ functionName: 'F', memoryLimitInMB: '64' });
  expect(context['awsRequestId']).toMatch(/^[0-9a-f-]{36}$/);
  expect(context['remaining']).toBeGreaterThan(9000);
  expect(context['remaining']).toBeLessThanOrEqual(10_000);
});

test('events and results go through JSON', async () => {
  expect(await invoke({ a: new Date(0), b: undefined })).toEqual({ a: '1970-01-01T00:00:00.000Z' });
  expect(await invoke({ do: 'nothing' })).toBeNull();
});

test('an environment stays warm, and two invocations at once have one each', async () => {
  const first = await invoke({ do: 'calls' }, 'G');
  expect(await invoke({ do: 'calls' }, 'G')).toBe((first as number) + 1);

  expect(await Promise.all([invoke({ do: 'wait' }, 'G'), invoke({ do: 'wait' }, 'G')])).toEqual([3, 1]);
});

test.each([
  ['throw', 'F', 'Refused', 'no more'],
  ['throw text', 'F', 'Error', 'just so'],
  ['exit', 'F', 'Lambda.Unknown', 'exit status 3'],
  ['fill', 'F', 'Lambda.Unknown', 'memory'],
  ['hang', 'Hasty', 'Sandbox.Timedout', 'Task timed out after 0.30 seconds'],
  ['anything', 'Broken', 'Error', 'exports no function "nowhere"'],
])('%s of %s is %s to Step Functions', async (what, name, errorType, text) => {
  const error: Error = await invoke({ do: what }, name).then(
    () => new Error('it succeeded'),
    (thrown: Error) => thrown,
  );

  expect(error.name).toBe(errorType);
  const cause = JSON.parse(error.message);
  expect(Object.keys(cause)).toEqual(['errorType', 'errorMessage', 'trace']);
  expect(cause).toMatchObject({ errorType, errorMessage: expect.stringContaining(text), trace: [] });
});

test('a function that died is there again at the next call', async () => {
  await expect(invoke({ do: 'exit' })).rejects.toThrow('exit status 3');

  expect(await invoke('still here')).toBe('still here');
});

test('a function that does not exist is said so', async () => {
  await expect(invoke({}, 'None')).rejects.toThrow('Function not found');
});

test('lines are in the log when the invocation has ended, and metrics are taken from them', async () => {
  await invoke({ do: 'log' });

  expect(await readFile(join(directory, 'logs', 'F.log'), 'utf8')).toContain('a line\n');
  expect(functions.metrics).toEqual([
    { namespace: 'N', name: 'Age', value: 7, unit: 'Seconds', dimensions: { Target: 't' }, at: 5 },
  ]);
});
