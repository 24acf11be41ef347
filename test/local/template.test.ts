import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { builtInConfig } from '../../local/configuration.ts';
import { readDefinition, statesOf } from '../../local/definition.ts';
import { STACK_NAME, synthesise } from '../../local/synthesis.ts';
import { type DeployedStack, readStack } from '../../local/template.ts';

let stack: DeployedStack;
let directory: string;

beforeAll(async () => {
  ({ directory } = await synthesise(builtInConfig()));
  stack = readStack(directory, STACK_NAME, { region: 'eu-west-1', bucketName: 'the-bucket' });
});

test('each task of each state machine calls a function of the stack, or starts a state machine of it', () => {
  const functions = new Set(stack.functions.map(({ arn }) => arn));
  const machines = new Set(stack.stateMachines.map(({ arn }) => arn));
  const tasks = stack.stateMachines.flatMap(({ name, definition }) =>
    [...statesOf(readDefinition(name, definition))].filter(([, { Type }]) => Type === 'Task'),
  );

  expect(tasks.length).toBeGreaterThan(10);
  for (const [name, { Resource, Parameters }] of tasks)
    if (Resource === 'arn:aws:states:::states:startExecution')
      expect(machines, name).toContain((Parameters as { StateMachineArn: string }).StateMachineArn);
    else expect(functions, name).toContain(Resource);
});

test('each function has its bundle, its handler and an environment of texts', () => {
  for (const { file, handler, environment, timeoutSeconds } of stack.functions) {
    expect(readFileSync(file, 'utf8').length).toBeGreaterThan(1000);
    expect(handler).toBe('handler');
    expect(Object.values(environment).every((value) => typeof value === 'string')).toBe(true);
    expect(timeoutSeconds).toBeGreaterThan(3);
  }
  const environments = stack.functions.map(({ environment }) => environment);
  expect(
    environments.filter(({ SAFEHOUSE_BUCKET }) => SAFEHOUSE_BUCKET === 'the-bucket').length,
  ).toBeGreaterThan(5);
});

test('each schedule starts something of the stack, and names the scheduled time where a backup begins', () => {
  const known = [...stack.stateMachines, ...stack.functions].map(({ arn }) => arn);
  const starts = stack.schedules.filter(({ input }) => 'target' in JSON.parse(input));

  for (const { targetArn } of stack.schedules) expect(known).toContain(targetArn);
  expect(starts.map(({ input }) => JSON.parse(input))).toEqual([
    { target: 'demo', kind: 'full', scheduledTime: '<aws.scheduler.scheduled-time>' },
    { target: 'demo', kind: 'incremental', scheduledTime: '<aws.scheduler.scheduled-time>' },
    { target: 'demo', scheduled: true },
  ]);
});

test('the deployment that the command line reads names what is there', () => {
  const machines = stack.stateMachines.map(({ arn }) => arn);
  const { bucket, region, retention, targets } = stack.deployment;

  expect({ bucket, region }).toEqual({ bucket: 'the-bucket', region: 'eu-west-1' });
  expect(machines).toContain(retention);
  expect(machines).toContain(targets['demo']?.backup);
  expect(machines).toContain(targets['demo']?.doctor);
  expect(machines).toContain(targets['demo']?.restore);
  expect(machines).toContain(targets['demo']?.cancelRestore);
});

test('the settings of each target are among the parameters', () => {
  const settings = stack.parameters.get('/safehouse/Safehouse/targets/demo') ?? '';

  expect(JSON.parse(settings)).toMatchObject({ user: 'safehouse', retention: { daily: 7 } });
});

test('alarms come with what they say and what they read', () => {
  for (const { description, metrics } of stack.alarms) {
    expect(description).toMatch(/runbook/);
    expect(metrics.length).toBeGreaterThan(0);
  }
});

test('the same configuration is not synthesised twice', async () => {
  expect(await synthesise(builtInConfig())).toEqual({ directory, fresh: false });
  const other = builtInConfig();
  expect((await synthesise({ ...other, writerRoles: ['another'] })).directory).not.toBe(directory);
  expect(existsSync(directory)).toBe(true);
});
