import { expect, it } from 'vitest';
import { countedRun } from '../../../bench/night/counted-run.ts';

const task = (resource: string, more: object) => ({
  Type: 'Task',
  Resource: resource,
  TimeoutSeconds: 60,
  ...more,
});

/** Works until there is nothing left, waiting as long as each answer says, then starts the other machine. */
const WORK = {
  StartAt: 'Work',
  States: {
    Work: task('arn:work', {
      Next: 'IsAnythingLeft',
      Retry: [{ ErrorEquals: ['Busy'], IntervalSeconds: 600, MaxAttempts: 1 }],
    }),
    IsAnythingLeft: {
      Type: 'Choice',
      Choices: [{ Variable: '$.left', NumericEquals: 0, Next: 'StartOther' }],
      Default: 'Wait',
    },
    Wait: { Type: 'Wait', SecondsPath: '$.pause.seconds', Next: 'Work' },
    StartOther: task('arn:aws:states:::states:startExecution', {
      Parameters: { StateMachineArn: 'arn:other', 'Input.$': '$' },
      End: true,
    }),
  },
};
const OTHER = { StartAt: 'Rest', States: { Rest: { Type: 'Pass', End: true } } };

const MACHINES = [
  { name: 'Work', arn: 'arn:work-machine', definition: JSON.stringify(WORK) },
  { name: 'Other', arn: 'arn:other', definition: JSON.stringify(OTHER) },
];

it('counts starts, states and retries of an execution and of what it starts, and waits for none of them', async () => {
  const answers = [
    { left: 1, pause: { seconds: 600 } },
    { left: 0, pause: { seconds: 1 } },
  ];
  let calls = 0;
  const run = await countedRun(
    {
      stateMachines: MACHINES,
      execution: 'night',
      invoke: async () => {
        calls += 1;
        if (calls === 1) throw Object.assign(new Error('again'), { name: 'Busy' });
        return answers[calls - 2];
      },
    },
    'arn:work-machine',
    {},
  );

  // Start, Work and its retry, choice, wait, Work, choice, start of the other; Start and Rest there.
  expect(run.transitions).toBe(8 + 2);
  expect(run.waited).toBe(600);
});

const DIVIDE = {
  StartAt: 'Items',
  States: {
    Items: {
      Type: 'Map',
      ItemsPath: '$.items',
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        StartAt: 'Work',
        States: { Work: task('arn:work', { End: true }) },
      },
      End: true,
    },
  },
};

it('counts each item of a distributed map as an execution of its own', async () => {
  const invoked: unknown[] = [];
  const run = await countedRun(
    {
      stateMachines: [{ name: 'Divide', arn: 'arn:divide', definition: JSON.stringify(DIVIDE) }],
      execution: 'night',
      invoke: async (_, input) => void invoked.push(input),
    },
    'arn:divide',
    { items: [1, 2, 3] },
  );

  expect(invoked.sort()).toEqual([1, 2, 3]);
  // Start and map; of each item a start and its one state.
  expect(run.transitions).toBe(2 + 3 * 2);
});

it('fails as the execution fails', async () => {
  const invoke = () => Promise.reject(Object.assign(new Error('no'), { name: 'Broken' }));

  await expect(
    countedRun({ stateMachines: MACHINES, execution: 'night', invoke }, 'arn:work-machine', {}),
  ).rejects.toThrow();
});
