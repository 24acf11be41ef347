import { expect, it } from 'vitest';
import { failureText } from '../../../core/errors.ts';
import type { Examination, ExecutionView, Installation } from '../../../core/installation.ts';
import { call } from '../call.ts';
import { RUNNING, shopTarget } from '../house.ts';

const CONNECTION: Examination = {
  check: 'connection',
  result: 'good',
  what: 'https://clickhouse.example:8443 answers safehouse.',
  remedy: '',
};
const GRANTS: Examination = {
  check: 'grants',
  result: 'bad',
  what: 'safehouse may not BACKUP `shop`.*, which is more than a line can hold at eighty columns.',
  remedy: 'GRANT BACKUP ON `shop`.* TO `safehouse`',
};
const BUCKET: Examination = {
  check: 'bucket',
  result: 'not checked',
  what: 'There is no scope.',
  remedy: '',
};

const open = (view: Partial<ExecutionView>) => async (): Promise<Installation> => ({
  title: 'the test',
  bucketName: 'safehouse',
  region: 'us-east-1',
  endpoint: undefined,
  targets: async () => ['shop'],
  target: async () => shopTarget(),
  start: async (workflow, input) => {
    expect([workflow, input]).toEqual(['doctor', { target: 'shop' }]);
    return { id: 'execution-1', view: async () => ({ ...RUNNING, ...view }) };
  },
  stop: () => Promise.reject(new Error('nothing is to be stopped')),
  close: async () => {},
});

const doctor = (view: Partial<ExecutionView>, ...typed: string[]) =>
  call(['doctor', 'shop', ...typed], { open: open(view), columns: 80 });

it('gives each finding a line, and ends with 0 when none is bad', async () => {
  const { exitCode, stdout } = await doctor({
    status: 'succeeded',
    output: { examinations: [CONNECTION, BUCKET] },
  });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^connection +good +https:\/\/clickhouse\.example:8443 answers safehouse\.$/m);
  expect(stdout).toMatch(/^bucket +not checked +There is no scope\.$/m);
});

it('does not call a target ready of which something was not checked', async () => {
  const ready = 'Ready for a backup.';
  const whole = await doctor({ status: 'succeeded', output: { examinations: [CONNECTION] } });
  expect(whole.stdout).toContain(ready);
  const partly = await doctor({ status: 'succeeded', output: { examinations: [CONNECTION, BUCKET] } });
  expect(partly.stdout).not.toContain(ready);
});

it('ends with 4 and the remedy when one is bad', async () => {
  const view = { status: 'succeeded', output: { examinations: [CONNECTION, GRANTS, BUCKET] } } as const;
  const { exitCode, stdout } = await doctor(view);
  expect(exitCode).toBe(4);
  expect(stdout).toContain('To do: GRANT BACKUP ON `shop`.* TO `safehouse`');
  expect(stdout).toContain('1 of 3 is bad.');
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect((await doctor(view, '--json')).json).toEqual({
    target: 'shop',
    good: false,
    examinations: [CONNECTION, GRANTS, BUCKET],
  });
});

it('ends with 4 when the examination itself fails', async () => {
  const cause = failureText({
    class: 'fix and stop',
    error: 'InvalidConfiguration',
    what: 'No target.',
    remedy: 'Deploy.',
  });
  const { exitCode, json } = await doctor(
    { status: 'failed', error: 'InvalidConfiguration', cause },
    '--json',
  );
  expect(exitCode).toBe(4);
  expect(json).toMatchObject({
    error: { name: 'InvalidConfiguration', what: 'No target.', remedy: 'Deploy.' },
  });
});

it.each([
  [{}],
  [{ examinations: [] }],
  [null],
  [{ examinations: [{ check: 'connection', result: 'fine' }] }],
])('never takes %j for a clean bill of health', async (output) => {
  const { exitCode, stderr } = await doctor({ status: 'succeeded', output });
  expect(exitCode).toBe(4);
  expect(stderr).toContain('without saying what it found');
});
