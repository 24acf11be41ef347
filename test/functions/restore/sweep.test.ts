import '../../support/function-environment.ts';
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  type ExecutionStatus,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { putOnce } from '../../../clients/bucket.ts';
import { ENVIRONMENT } from '../../../core/environment.ts';
import { handler } from '../../../functions/restore/sweep.ts';
import { awsError } from '../../support/aws.ts';
import { failureOf } from '../../support/failures.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';
import { EXECUTION, writePage, writePlan } from './written-restore.ts';

const around = new Surroundings();
let sfn = mockClient(SFNClient);

beforeEach(() => {
  sfn = mockClient(SFNClient);
  sfn.onAnyCommand().rejects(new Error('unexpected command'));
  sfn.on(StartExecutionCommand).resolves({});
});
afterEach(() => sfn.restore());

const is = (status: ExecutionStatus) => sfn.on(DescribeExecutionCommand).resolves({ status });

function sweep(...targets: readonly string[]) {
  const machines = targets.map((target) => ({
    targets: [target],
    restore: 'arn:restore',
    cancelRestore: `arn:cancel:${target}`,
  }));
  vi.stubEnv(ENVIRONMENT.restoreMachines, JSON.stringify(machines));
  return carried(invoke(handler, {}));
}

const starts = () => sfn.commandCalls(StartExecutionCommand).map(({ args }) => args[0].input);

it.each(['ABORTED', 'TIMED_OUT', 'FAILED', 'SUCCEEDED'] as const)(
  'has a restore ended that is open though its execution is %s',
  async (status) => {
    is(status);
    const target = around.addTarget();
    const { run } = await writePlan(around, target);
    expect(await sweep(target)).toEqual({ started: [run.restore] });
    expect(starts()).toMatchObject([
      { stateMachineArn: `arn:cancel:${target}`, input: JSON.stringify({ target, restore: run.restore }) },
    ]);
    expect(sfn.commandCalls(DescribeExecutionCommand)[0]?.args[0].input).toEqual({ executionArn: EXECUTION });
    // A name of an execution has at most 80 characters.
    expect(starts()[0]?.name).toMatch(/^\d{8}T\d{6}Z-restore-[0-9a-f]{6}-\d{8}T\d\d$/);
  },
);

it.each(['RUNNING', 'PENDING_REDRIVE'] as const)('leaves one alone that is %s', async (status) => {
  is(status);
  const target = around.addTarget();
  await writePlan(around, target);
  expect(await sweep(target)).toEqual({ started: [] });
});

it('leaves alone what has ended, and what is no restore, without asking', async () => {
  const target = around.addTarget();
  const { plan } = await writePlan(around, target);
  await writePage(around, plan, 'ended', { outcome: 'restored' });
  await putOnce(around.bucket, `restores/${target}/holds/shop/1.json`, {});
  await putOnce(around.bucket, `restores/${target}/notes/plan.json`, {});
  expect(await sweep(target)).toEqual({ started: [] });
  expect(sfn.calls()).toEqual([]);
});

it('has one ended that Step Functions has forgotten', async () => {
  sfn.on(DescribeExecutionCommand).rejects(new ExecutionDoesNotExist({ message: 'gone', $metadata: {} }));
  const target = around.addTarget();
  const { run } = await writePlan(around, target);
  expect(await sweep(target)).toEqual({ started: [run.restore] });
});

it('starts an ending once an hour, however often it is called', async () => {
  is('ABORTED');
  sfn.on(StartExecutionCommand).rejects(new ExecutionAlreadyExists({ message: 'there', $metadata: {} }));
  const target = around.addTarget();
  await writePlan(around, target);
  expect(await sweep(target)).toEqual({ started: [] });
});

it('looks after the other targets when one cannot be read, and fails afterwards', async () => {
  is('ABORTED');
  const [broken, fine] = [around.addTarget(), around.addTarget()];
  const torn = await writePlan(around, broken);
  await around.remove(`restores/${broken}/${torn.run.restore}/plan.json`);
  await putOnce(around.bucket, `restores/${broken}/${torn.run.restore}/plan.json`, { version: 9 });
  const { run } = await writePlan(around, fine);
  const failure = await failureOf('Refused', sweep(broken, fine));
  expect(failure).toMatchObject({ error: 'NotSwept', what: expect.stringContaining(broken) });
  expect(starts()).toMatchObject([{ input: JSON.stringify({ target: fine, restore: run.restore }) }]);
});

it('never takes an answer that failed for an execution that is over', async () => {
  sfn.on(DescribeExecutionCommand).rejects(awsError('ThrottlingException', 400));
  const target = around.addTarget();
  await writePlan(around, target);
  await failureOf('Refused', sweep(target));
  expect(starts()).toEqual([]);
});
