import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FunctionError } from '../../local/function-process.ts';
import { type Pace, StateMachines, type StateMachinesOptions } from '../../local/state-machines.ts';

const LAMBDA = 'arn:aws:lambda:us-east-1:000000000000:function:';
const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:';
const task = (name: string, more: object) => ({
  Type: 'Task',
  Resource: `${LAMBDA}${name}`,
  TimeoutSeconds: 5,
  ...more,
});

let historyDirectory: string;

beforeAll(async () => {
  historyDirectory = await mkdtemp(join(tmpdir(), 'safehouse-machines-'));
});

afterAll(() => rm(historyDirectory, { recursive: true }));

function machines(
  states: Record<string, object>,
  invoke: StateMachinesOptions['invoke'],
  { pace = { retries: 1, waits: 1 }, top = {} }: { pace?: Pace; top?: object } = {},
): StateMachines {
  const definition = JSON.stringify({ StartAt: Object.keys(states)[0], States: states, ...top });
  const nested = JSON.stringify({ StartAt: 'N', States: { N: task('Nested', { End: true }) } });
  return new StateMachines({
    stateMachines: [
      { name: 'M', arn: `${MACHINE}M`, definition },
      { name: 'Nested', arn: `${MACHINE}Nested`, definition: nested },
    ],
    invoke,
    historyDirectory,
    pace,
  });
}

const SIMPLE = {
  A: task('First', {
    Parameters: { 'execution.$': '$$.Execution.Id', 'input.$': '$' },
    ResultPath: '$.a',
    Next: 'B',
  }),
  B: { Type: 'Wait', SecondsPath: '$.seconds', Next: 'C' },
  C: task('Second', { End: true }),
};

test('each task calls the function that its resource names, with what its parameters say', async () => {
  const calls: unknown[] = [];
  const execution = machines(SIMPLE, async (arn, input) => {
    calls.push([arn.slice(LAMBDA.length), input]);
    return 'result';
  }).start(`${MACHINE}M`, { seconds: 3600 });
  const history = await execution.ended;

  expect(history).toMatchObject({ id: execution.id, status: 'succeeded', output: 'result', error: null });
  expect(calls).toEqual([
    ['First', { execution: execution.id, input: { seconds: 3600 } }],
    ['Second', { seconds: 3600, a: 'result' }],
  ]);
  const entered = history.transitions.filter(({ what }) => what === 'entered').map(({ state }) => state);
  expect(entered).toEqual(['A', 'B', 'C']);
});

test('the history lies in a file of its own, as the view shows it', async () => {
  const execution = machines(SIMPLE, async () => 1).start(`${MACHINE}M`, { seconds: 1 });
  await execution.ended;

  const file = await readFile(join(historyDirectory, `${execution.id}.json`), 'utf8');
  expect(JSON.parse(file)).toEqual(JSON.parse(JSON.stringify(execution.history)));
  expect(await execution.view()).toMatchObject({ status: 'succeeded', state: 'C', output: 1 });
});

test('a wait lasts as long as the definition says, unless a pace is set', async () => {
  const states = { W: { Type: 'Wait', SecondsPath: '$.seconds', End: true } };
  const began = Date.now();
  await machines(states, async () => null, { pace: {} }).start(`${MACHINE}M`, { seconds: 1 }).ended;

  expect(Date.now() - began).toBeGreaterThanOrEqual(990);
});

test('an error is retried by its name, and then caught with its cause', async () => {
  let calls = 0;
  const states = {
    A: task('F', {
      Retry: [{ ErrorEquals: ['TemporarilyUnavailable'], IntervalSeconds: 60, MaxAttempts: 2 }],
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'B' }],
      End: true,
    }),
    B: task('G', { End: true }),
  };
  const history = await machines(states, async (arn, input) => {
    if (arn.endsWith(':G')) return input;
    calls += 1;
    throw new FunctionError('TemporarilyUnavailable', 'later');
  }).start(`${MACHINE}M`, { kept: 1 }).ended;

  expect(calls).toBe(3);
  expect(history.output).toEqual({
    kept: 1,
    error: {
      Error: 'TemporarilyUnavailable',
      Cause: '{"errorType":"TemporarilyUnavailable","errorMessage":"later","trace":[]}',
    },
  });
  expect(history.transitions.filter(({ what }) => what === 'retried')).toHaveLength(2);
});

test('a Fail state ends with the error and cause that its paths name', async () => {
  const states = { A: task('F', { Next: 'B' }), B: { Type: 'Fail', ErrorPath: '$.e', CausePath: '$.c' } };
  const history = await machines(states, async () => ({ e: 'S3_ERROR', c: 'what to do' })).start(
    `${MACHINE}M`,
    {},
  ).ended;

  expect(history).toMatchObject({ status: 'failed', error: 'S3_ERROR', cause: 'what to do', output: null });
});

test('a task that takes too long is States.Timeout', async () => {
  const states = { A: task('F', { TimeoutSeconds: 1, End: true }) };
  const history = await machines(states, () => new Promise(() => {})).start(`${MACHINE}M`, {}).ended;

  expect(history).toMatchObject({ status: 'failed', error: 'States.Timeout' });
});

test('an execution that takes too long has timed out', async () => {
  const states = { A: { Type: 'Wait', Seconds: 60, End: true } };
  const history = await machines(states, async () => null, { pace: {}, top: { TimeoutSeconds: 1 } }).start(
    `${MACHINE}M`,
    {},
  ).ended;

  expect(history).toMatchObject({ status: 'timed out', error: 'States.Timeout' });
});

test('more than Step Functions carries ends the execution, whatever the state catches', async () => {
  const states = {
    A: task('F', { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }], End: true }),
    B: { Type: 'Succeed' },
  };
  const history = await machines(states, async () => 'x'.repeat(262_144)).start(`${MACHINE}M`, {}).ended;

  expect(history).toMatchObject({ status: 'failed', error: 'States.DataLimitExceeded' });
});

test('an aborted execution calls nothing more, not even for a retry that was waiting', async () => {
  let calls = 0;
  const states = {
    A: task('F', { Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 60 }], End: true }),
  };
  const execution = machines(
    states,
    async () => {
      calls += 1;
      throw new FunctionError('Refused', 'no');
    },
    { pace: {} },
  ).start(`${MACHINE}M`, {});
  while (!execution.history.transitions.some(({ what }) => what === 'failed'))
    await new Promise(setImmediate);
  execution.abort();

  expect(await execution.ended).toMatchObject({ status: 'aborted' });
  await new Promise(setImmediate);
  expect(calls).toBe(1);
});

test('a redrive goes on in the state that failed, with its input and under the same id', async () => {
  let broken = true;
  const calls: string[] = [];
  const all = machines(SIMPLE, async (arn, input) => {
    calls.push(arn.slice(LAMBDA.length));
    if (broken && arn.endsWith(':Second')) throw new FunctionError('Refused', 'no');
    return input;
  });
  const first = await all.start(`${MACHINE}M`, { seconds: 1 }).ended;
  expect(first).toMatchObject({ status: 'failed', state: 'C' });
  broken = false;
  const second = await all.redrive(first.id).ended;

  const carried = { seconds: 1, a: { execution: first.id, input: { seconds: 1 } } };
  expect(second).toMatchObject({ id: first.id, status: 'succeeded', output: carried });
  expect(calls).toEqual(['First', 'Second', 'Second']);
  expect(() => all.redrive(first.id)).toThrow('is succeeded');
});

test('a state machine that is started on the way runs by itself, and is waited for', async () => {
  const states = {
    A: {
      Type: 'Task',
      Resource: 'arn:aws:states:::states:startExecution',
      Parameters: { StateMachineArn: `${MACHINE}Nested`, Input: { 'target.$': '$.t' } },
      TimeoutSeconds: 5,
      ResultPath: null,
      End: true,
    },
  };
  const nested = Promise.withResolvers<unknown>();
  const finish = Promise.withResolvers<void>();
  const all = machines(states, async (_arn, input) => {
    nested.resolve(input);
    await finish.promise;
    return null;
  });
  const history = await all.start(`${MACHINE}M`, { t: 'demo' }).ended;

  expect(history).toMatchObject({ status: 'succeeded', output: { t: 'demo' } });
  expect(await nested.promise).toEqual({ target: 'demo' });
  let settled = false;
  const settling = all.settled().then(() => {
    settled = true;
  });
  await new Promise(setImmediate);
  expect(settled).toBe(false);
  finish.resolve();
  await settling;
});

test('an item of a distributed Map is retried by its error, and fails the Map with the error of AWS', async () => {
  let calls = 0;
  const states = {
    M: {
      Type: 'Map',
      ItemsPath: '$.items',
      ItemSelector: { 'execution.$': '$$.Execution.Id', 'item.$': '$$.Map.Item.Value' },
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        StartAt: 'I',
        States: {
          I: task('F', { Retry: [{ ErrorEquals: ['Lambda.Unknown'], MaxAttempts: 2 }], End: true }),
        },
      },
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'C' }],
      ResultPath: null,
      Next: 'C',
    },
    C: task('G', { End: true }),
  };
  const all = machines(states, async (arn, input) => {
    if (arn.endsWith(':G')) return input;
    calls += 1;
    if ((input as { item: number }).item === 2) throw new FunctionError('Lambda.Unknown', 'killed');
    return null;
  });

  expect((await all.start(`${MACHINE}M`, { items: [1, 3] }).ended).output).toEqual({ items: [1, 3] });
  calls = 0;
  expect((await all.start(`${MACHINE}M`, { items: [2] }).ended).output).toMatchObject({
    error: { Error: 'States.ExceedToleratedFailureThreshold' },
  });
  expect(calls).toBe(3);
});

test('a name makes an execution start once', async () => {
  const finish = Promise.withResolvers<null>();
  const all = machines(SIMPLE, () => finish.promise);
  const first = all.start(`${MACHINE}M`, { seconds: 1 }, 'nightly');

  expect(first.id).toBe('nightly');
  expect(all.start(`${MACHINE}M`, { seconds: 1 }, 'nightly')).toBe(first);
  expect(() => all.start(`${MACHINE}M`, { seconds: 2 }, 'nightly')).toThrow('runs with another input');
  finish.resolve(null);
  await first.ended;
  expect(() => all.start(`${MACHINE}M`, { seconds: 1 }, 'nightly')).toThrow('has ended');
  // Another house in the same home, a day later.
  expect(() => machines(SIMPLE, async () => null).start(`${MACHINE}M`, { seconds: 1 }, 'nightly')).toThrow(
    'has ended',
  );
});

test('the view of a proof by itself names the backup that it proves', async () => {
  const proof = { backup: '20260402T020000Z-full-k3f9' };
  const states = { A: task('F', { ResultPath: '$.proof', End: true }) };
  const execution = machines(states, async () => proof).start(`${MACHINE}M`, {});
  await execution.ended;

  expect(await execution.view()).toMatchObject({ backupId: proof.backup });
});

test('a state machine that does not exist is said so', () => {
  expect(() => machines(SIMPLE, async () => null).start(`${MACHINE}X`, {})).toThrow(
    'there is no state machine',
  );
});

test('a stop ends an execution at once, and one that has ended stays as it is', async () => {
  const never = Promise.withResolvers<null>();
  const all = machines(SIMPLE, () => never.promise);
  const execution = all.start(`${MACHINE}M`, { seconds: 1 });
  await all.stop(`arn:aws:states:us-east-1:000000000000:execution:M:${execution.id}`);

  expect(all.look(execution.id)).toMatchObject({ status: 'aborted' });
  expect(await execution.ended).toMatchObject({ status: 'aborted' });
  const good = machines(SIMPLE, async () => 1);
  const { id } = await good.start(`${MACHINE}M`, { seconds: 1 }).ended;
  await good.stop(id);
  expect(good.look(id)).toMatchObject({ status: 'succeeded' });
});

test('a stop reaches an execution that another house in the same home runs', async () => {
  const never = Promise.withResolvers<null>();
  const running = machines(SIMPLE, () => never.promise).start(`${MACHINE}M`, { seconds: 1 });
  await machines(SIMPLE, async () => 1).stop(running.id);

  expect(await running.ended).toMatchObject({ status: 'aborted' });
  // Nothing is left that would end a redrive.
  expect((await readdir(historyDirectory)).filter((name) => name.endsWith('.stop'))).toEqual([]);
});

test('an execution whose process is gone is aborted, and may be redriven', async () => {
  const all = machines(SIMPLE, async () => 1);
  const { id } = await all.start(`${MACHINE}M`, { seconds: 1 }).ended;
  const file = join(historyDirectory, `${id}.json`);
  const history = JSON.parse(await readFile(file, 'utf8')) as { process: object };
  expect(history.process).toEqual({ pid: process.pid, processStarted: expect.anything() });
  const left = { ...history, status: 'running', state: 'C', stateInput: { seconds: 1 } };
  const write = (lives: boolean) =>
    writeFile(
      file,
      JSON.stringify({ ...left, process: { ...history.process, ...(!lives && { processStarted: '1' }) } }),
    );

  await write(true);
  expect(all.look(id)).toMatchObject({ status: 'running' });
  await write(false);
  expect(all.look(id)).toMatchObject({ status: 'aborted' });
  await all.stop(id);
  expect(await all.redrive(id).ended).toMatchObject({ status: 'succeeded' });
});

test.each(['nobody', '../../etc/passwd', ''])('there is no execution %j', async (id) => {
  const all = machines(SIMPLE, async () => null);
  expect(() => all.look(id)).toThrow('there is no execution');
  await expect(all.stop(id)).rejects.toThrow('there is no execution');
});

test('the view of a restore names the backup once it is planned, and not what was asked for', async () => {
  const states = { A: task('F', { End: true }) };
  const viewOf = async (plan: () => object) => {
    const execution = machines(states, async () => plan()).start(`${MACHINE}M`, { backup: 'latest' });
    await execution.ended;
    return execution.view();
  };

  const planned = { restore: 'r', backup: '20260402T020000Z-full-k3f9' };
  expect(await viewOf(() => planned)).toMatchObject({ status: 'succeeded', backupId: planned.backup });
  const refuse = () => {
    throw new FunctionError('InvalidInput', 'no');
  };
  expect(await viewOf(refuse)).toMatchObject({ status: 'failed', backupId: null });
});
