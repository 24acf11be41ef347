import { describe, expect, test } from 'vitest';
import {
  compareInputSchema,
  planRestoreInputSchema,
  reopenInputSchema,
  restoreFailureInputSchema,
  restorePollInputSchema,
  restoreRunSchema,
  stopInputSchema,
} from '../../core/restore-workflow.ts';
import { readDefinition } from '../../local/definition.ts';
import { EXECUTION, type Handler, inTurn, named, type Payload, type Run, runLocally } from './local-run.ts';
import { machine, machinesOf, tasksOf } from './state-machines.ts';
import { maximal, minimal, synthesise } from './synthesis.ts';

const { template } = synthesise(minimal);
const { definition } = machine(template, 'SafehouseRestore');
const cancel = machine(template, 'SafehouseCancelRestore').definition;

const INPUT = { target: 'events' };
const planned = {
  execution: EXECUTION,
  restore: '20260402T090000Z-restore-4f0c2a',
  target: 'events',
  to: 'events',
  backup: '20260402T020000Z-full-abcd',
  dryRun: false,
  drill: false,
};
const poll = {
  outcome: 'running',
  submittedAt: '2026-04-02T09:00:01.000Z',
  waitSeconds: 2,
  server: null,
  progress: { files: 0, bytes: 0 },
  movedAt: '2026-04-02T09:00:01.000Z',
  silentSince: null,
  polls: 0,
  failure: null,
};
const equal = { outcome: 'equal', done: true, checked: 0, differences: 0 };
const since = '2026-04-02T10:00:00.000Z';
const stopped = { stopped: true, waitSeconds: 1, since };
const finished = {
  outcome: 'restored',
  restore: planned.restore,
  backup: planned.backup,
  to: planned.to,
  report: 'ledger/events/20260402T020000Z-full-abcd/restore@one.json',
};
const told = { outcome: 'give up', attempt: 1, error: 'S3_ERROR', cause: 'S3 said no.' };

const fine = {
  Plan: () => planned,
  Pin: () => ({ pinned: 1 }),
  Preflight: () => ({ outcome: 'go', notices: 0 }),
  MakeRoom: () => ({ dropped: 0, created: 0 }),
  Submit: () => poll,
  Poll: () => ({ ...poll, outcome: 'finished', polls: 1 }),
  Compare: () => equal,
  DropDrill: () => ({ dropped: 1, left: 0 }),
  Finish: () => finished,
  Stop: () => stopped,
  CleanUp: () => ({ dropped: 2, left: 0 }),
  RecordFailure: () => told,
} satisfies Record<string, Handler>;
type Task = keyof typeof fine;

const run = (handlers: Partial<Record<Task, Handler>> = {}, input: Payload = INPUT): Promise<Run> =>
  runLocally(definition, { ...fine, ...handlers }, input);

const BEFORE = ['Plan', 'Pin', 'Preflight', 'IsItToBeDone'];
const RESTORE = ['MakeRoom', 'Submit', 'WaitForClickHouse', 'Poll', 'IsItFinished'];
const COMPARE = ['Compare', 'IsItEqual'];
const ENDING = ['Stop', 'HasItStopped', 'CleanUp', 'RecordFailure', 'GivenUp'];

describe('a restore that goes well', () => {
  test('goes from the plan to the report', async () => {
    const { way, output, failed } = await run();
    expect(failed).toBeUndefined();
    expect(way).toEqual([...BEFORE, ...RESTORE, ...COMPARE, 'IsItADrill', 'Finish', 'WasItDone', 'Restored']);
    expect(output).toEqual(finished);
  });

  test('gives every step what its schema asks for', async () => {
    const { inputs } = await run({}, { target: 'events', to: 'events', tables: ['a.b'] });
    const [first] = inputs['Plan'] ?? [];
    expect(first).toEqual({
      execution: EXECUTION,
      startedAt: expect.any(String),
      input: { target: 'events', to: 'events', tables: ['a.b'] },
    });
    expect(() => planRestoreInputSchema.parse(first)).not.toThrow();
    for (const task of ['Pin', 'Preflight', 'MakeRoom', 'Submit'] as const)
      expect(() => restoreRunSchema.parse(inputs[task]?.[0]), task).not.toThrow();
    expect(() => restorePollInputSchema.parse(inputs['Poll']?.[0])).not.toThrow();
    for (const task of ['Compare', 'Finish'] as const)
      expect(() => compareInputSchema.parse(inputs[task]?.[0]), task).not.toThrow();
    expect(inputs['Finish']?.[0]).toMatchObject({ ...planned, compared: equal });
  });

  test('is polled while ClickHouse works, and gives each poll what the last one found', async () => {
    const { way, inputs } = await run({
      Poll: inTurn({ ...poll, polls: 1 }, { ...poll, polls: 2 }, { ...poll, outcome: 'finished', polls: 3 }),
    });
    expect(way.filter((state) => state === 'WaitForClickHouse')).toHaveLength(3);
    expect(inputs['Poll']?.map((received) => (received['poll'] as Payload)['polls'])).toEqual([0, 1, 2]);
  });

  test('is compared again until everything was read, and knows how far it came', async () => {
    const { way, inputs } = await run({
      Compare: inTurn({ ...equal, done: false, checked: 3 }, { ...equal, done: false, checked: 7 }, equal),
    });
    expect(way.slice(BEFORE.length + RESTORE.length)).toEqual([
      ...COMPARE,
      ...COMPARE,
      ...COMPARE,
      'IsItADrill',
      'Finish',
      'WasItDone',
      'Restored',
    ]);
    expect(inputs['Compare']?.map(({ compared }) => (compared as Payload | undefined)?.['checked'])).toEqual([
      undefined,
      3,
      7,
    ]);
  });

  test('is dropped before the report when it is a drill', async () => {
    const { way, failed, inputs } = await run({ Plan: () => ({ ...planned, drill: true }) });
    expect(failed).toBeUndefined();
    expect(way.slice(-5)).toEqual(['IsItADrill', 'DropDrill', 'Finish', 'WasItDone', 'Restored']);
    expect(way).not.toContain('Stop');
    expect(() => compareInputSchema.parse(inputs['DropDrill']?.[0])).not.toThrow();
    expect(inputs['Finish']?.[0]).toMatchObject({ cleaned: { dropped: 1 } });
  });

  test('touches nothing in a dry run, and does not say that it restored', async () => {
    const { way, failed } = await run({
      Preflight: () => ({ outcome: 'dry run', notices: 2 }),
      Finish: () => ({ ...finished, outcome: 'dry run' }),
    });
    expect(failed).toBeUndefined();
    expect(way).toEqual([...BEFORE, 'Finish', 'WasItDone', 'OnlyPlanned']);
  });
});

describe('a restore that fails', () => {
  test.each(['failed', 'cancelled', 'lost', 'stalled', 'over time', 'a word of next year'])(
    'is ended, cleaned up and recorded when ClickHouse says "%s"',
    async (outcome) => {
      const { way, failed, inputs } = await run({ Poll: () => ({ ...poll, outcome }) });
      expect(way).toEqual([...BEFORE, ...RESTORE, ...ENDING]);
      expect(failed).toEqual({ error: 'S3_ERROR', cause: 'S3 said no.' });
      expect(inputs['RecordFailure']?.[0]).toMatchObject({
        execution: EXECUTION,
        run: { ...planned, poll: { outcome }, stopped, cleaned: { dropped: 2 } },
      });
    },
  );

  test('has nothing to end when not even the plan was made', async () => {
    const { way, inputs } = await run({ Plan: inTurn(named('InvalidInput')) }, { tarmac: 1 });
    expect(way).toEqual(['Plan', 'RecordFailure', 'GivenUp']);
    const [received] = inputs['RecordFailure'] ?? [];
    expect(() => restoreFailureInputSchema.parse(received)).not.toThrow();
    expect(received).toMatchObject({ run: { tarmac: 1, error: { Error: 'InvalidInput' } } });
  });

  test.each(['Pin', 'Preflight', 'MakeRoom', 'Submit', 'Poll', 'Compare', 'DropDrill', 'Finish'] as const)(
    'is ended, cleaned up and recorded with what is known, when %s throws',
    async (task) => {
      const { way, inputs, failed } = await run({
        Plan: () => ({ ...planned, drill: task === 'DropDrill' }),
        [task]: inTurn(named('Refused')),
      });
      expect(way.filter((state) => state === task)).toHaveLength(1);
      expect(way.slice(-5)).toEqual(ENDING);
      expect(failed?.error).toBe('S3_ERROR');
      for (const ending of ['Stop', 'CleanUp'] as const)
        expect(() => stopInputSchema.parse(inputs[ending]?.[0]), ending).not.toThrow();
      const [received] = inputs['RecordFailure'] ?? [];
      expect(() => restoreFailureInputSchema.parse(received)).not.toThrow();
      expect(received).toMatchObject({ run: { restore: planned.restore, error: { Error: 'Refused' } } });
    },
  );

  test.each([
    { ...equal, outcome: 'different', differences: 1 },
    { ...equal, outcome: 'a word of next year' },
  ])('is given up when the comparison says "$outcome", and is never finished', async (compared) => {
    const { way, inputs } = await run({ Compare: () => compared });
    expect(way.slice(-5)).toEqual(ENDING);
    expect(way).not.toContain('Finish');
    // Whether anything is dropped is for the step to decide, out of this.
    expect(inputs['CleanUp']?.[0]).toMatchObject({ compared });
    expect(inputs['RecordFailure']?.[0]).not.toHaveProperty('run.error');
  });

  test('is not begun on a word that the preflight does not have', async () => {
    const { way } = await run({ Preflight: () => ({ outcome: 'perhaps', notices: 0 }) });
    expect(way).toEqual([...BEFORE, ...ENDING]);
  });

  test('drops nothing before ClickHouse has let go of it', async () => {
    const { way, inputs } = await run({
      Submit: inTurn(named('Refused')),
      Stop: inTurn({ ...stopped, stopped: false }, { ...stopped, stopped: false }, stopped),
    });
    expect(way.slice(-11)).toEqual([
      ...Array(2).fill(['Stop', 'HasItStopped', 'WaitUntilStopped']).flat(),
      ...ENDING,
    ]);
    expect(
      inputs['Stop']?.map((received) => (received['stopped'] as Payload | undefined)?.['since']),
    ).toEqual([undefined, since, since]);
  });

  test.each([
    ['Stop', ['Stop', 'RecordFailure', 'GivenUp']],
    ['CleanUp', ENDING],
  ] as const)('tells both what went wrong and that %s did', async (task, last) => {
    const { way, inputs } = await run({
      Compare: inTurn(named('IncompleteReading')),
      [task]: inTurn(named('Refused')),
    });
    expect(way.slice(-last.length)).toEqual(last);
    const [received] = inputs['RecordFailure'] ?? [];
    expect(received).toMatchObject({
      run: { error: { Error: 'IncompleteReading' }, cleanUpError: { Error: 'Refused' } },
    });
    expect(() => restoreFailureInputSchema.parse(received)).not.toThrow();
  });

  test('is not recorded when the same call helps', async () => {
    const { way, inputs, failed } = await run({ Submit: inTurn(named('TemporarilyUnavailable'), poll) });
    expect(failed).toBeUndefined();
    expect(way).not.toContain('Stop');
    expect(inputs['Submit']).toHaveLength(2);
  });

  test('says so when not even the alert could be sent', async () => {
    const { failed } = await run({ Pin: inTurn(named('Refused')), RecordFailure: inTurn(named('Refused')) });
    expect(failed?.error).toBe('AlertNotSent');
  });
});

describe('the end of a restore whose execution was stopped', () => {
  const reopened = { ...planned, cancelled: true };
  const asked = { target: 'events', restore: planned.restore };
  const end = (handlers: Readonly<Record<string, Handler>> = {}): Promise<Run> =>
    runLocally(
      cancel,
      {
        Reopen: () => reopened,
        Stop: fine.Stop,
        CleanUp: fine.CleanUp,
        RecordFailure: fine.RecordFailure,
        ...handlers,
      },
      asked,
    );

  test('is that of any other, and a success', async () => {
    const { way, inputs, failed } = await end({ Stop: inTurn({ ...stopped, stopped: false }, stopped) });
    expect(failed).toBeUndefined();
    expect(way).toEqual([
      'Reopen',
      'IsItOpen',
      'Stop',
      'HasItStopped',
      'WaitUntilStopped',
      'Stop',
      'HasItStopped',
      'CleanUp',
      'RecordFailure',
      'IsItCleanedUp',
      'Cancelled',
    ]);
    expect(inputs['Reopen']).toEqual([{ execution: EXECUTION, input: asked }]);
    expect(() => reopenInputSchema.parse(inputs['Reopen']?.[0])).not.toThrow();
    expect(() => stopInputSchema.parse(inputs['Stop']?.[0])).not.toThrow();
    const [received] = inputs['RecordFailure'] ?? [];
    expect(restoreFailureInputSchema.parse(received)).toMatchObject({ run: { cancelled: true } });
  });

  test('is nothing where it has come to an end by itself', async () => {
    const { way, failed } = await end({ Reopen: () => ({ ...reopened, ended: 'restored' }) });
    expect(failed).toBeUndefined();
    expect(way).toEqual(['Reopen', 'IsItOpen', 'HasEnded']);
  });

  test.each(['Reopen', 'Stop', 'CleanUp'])('is told and no success when %s fails', async (task) => {
    const { way, failed, inputs } = await end({ [task]: inTurn(named('Refused')) });
    expect(way.slice(-3)).toEqual(['RecordFailure', 'IsItCleanedUp', 'GivenUp']);
    expect(failed).toEqual({ error: 'S3_ERROR', cause: 'S3 said no.' });
    expect(inputs['RecordFailure']?.[0]).toMatchObject({
      run: { [task === 'Reopen' ? 'error' : 'cleanUpError']: { Error: 'Refused' } },
    });
  });

  test('says so when not even the alert could be sent', async () => {
    const { failed } = await end({ RecordFailure: inTurn(named('Refused')) });
    expect(failed?.error).toBe('AlertNotSent');
  });
});

test('each network has the same two state machines, with functions of its own', () => {
  const machines = machinesOf(synthesise(maximal).template).filter(({ logicalId }) =>
    /^Safehouse(Cancel)?Restore/.test(logicalId),
  );
  expect(machines).toHaveLength(4);
  const shapes = machines.map((each) =>
    tasksOf(each)
      .map(([name]) => name)
      .join(' '),
  );
  expect(new Set(shapes).size).toBe(2);
  const called = machines.map((each) => new Set(tasksOf(each).map(([, { Resource }]) => Resource)));
  const [restore, cancelling, otherRestore, otherCancelling] = called;
  expect(restore?.size).toBe(11);
  expect(cancelling?.size).toBe(4);
  const shared = [...(restore ?? []), ...(cancelling ?? [])].filter(
    (resource) => otherRestore?.has(resource) || otherCancelling?.has(resource),
  );
  expect(shared).toEqual([]);
});

test.each([
  ['SafehouseRestore', definition],
  ['SafehouseCancelRestore', cancel],
])('%s runs on one machine as it does on AWS', (name, each) => {
  expect(() => readDefinition(name, JSON.stringify(each))).not.toThrow();
});
