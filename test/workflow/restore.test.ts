/** A restore as Step Functions runs it: to its end, stopped at every place where it can be, and swept. */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getJson } from '../../clients/bucket.ts';
import { PINS, RESTORES, restoreReportKey } from '../../core/keys.ts';
import { type RestoreReport, restoreReportSchema } from '../../core/restore.ts';
import type { History } from '../../local/execution.ts';
import { FunctionError } from '../../local/function-process.ts';
import type { LocalExecution } from '../../local/state-machines.ts';
import { type OpenedHouse, openTestHouse, way } from './opened-house.ts';

let opened: OpenedHouse;

beforeAll(async () => {
  opened = await openTestHouse();
  await opened.sql('CREATE DATABASE shop');
  await opened.sql('CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id');
  await opened.sql('INSERT INTO shop.orders SELECT number FROM numbers(1000)');
  await opened.sql('CREATE VIEW shop.recent AS SELECT * FROM shop.orders');
  const { status } = await opened.run('backup', { target: 'shop', kind: 'full' });
  expect(status).toBe('succeeded');
});

afterAll(() => opened.close());

/** The backup of the tests is not proven: its proof would take an engine of its own. */
const UNPROVEN = { target: 'shop', backup: 'latest', accept: ['proof'] };

let restores = 0;

/** Each to a name of its own: by themselves two of the same second would have the same. */
function start(over: Readonly<Record<string, unknown>> = {}): Promise<LocalExecution> {
  restores += 1;
  const name = over['drill'] === true ? {} : { as: { shop: `shop_${restores}` } };
  return opened.house.start('restore', { ...UNPROVEN, ...name, ...over });
}

/** All but those of the engine itself. */
async function databases(): Promise<string[]> {
  const names = await opened.sql('SELECT name FROM system.databases ORDER BY name');
  return names.split('\n').filter((name) => !OF_THE_ENGINE.includes(name));
}
const OF_THE_ENGINE = ['INFORMATION_SCHEMA', 'information_schema', 'system', 'default'];

interface Named {
  readonly restore: string;
  readonly backup: string;
}

/** What an execution is about, once it is planned. */
function namesIn({ carried }: History): Named {
  const { restore, backup } = carried as Partial<Named>;
  if (restore === undefined || backup === undefined)
    throw new Error(`the execution carries no restore: ${JSON.stringify(carried)}`);
  return { restore, backup };
}

async function reportOf({ backup, restore }: Named): Promise<RestoreReport> {
  const report = await getJson(opened.bucket, restoreReportKey('shop', backup, restore), restoreReportSchema);
  if (report === undefined) throw new Error(`there is no report of ${restore}`);
  return report;
}

/** Nothing holds the backup or a database any more. */
async function expectNothingHeld(): Promise<void> {
  expect((await opened.keys(PINS)).filter((key) => key.includes('-restore-'))).toEqual([]);
  const holds = (await opened.keys(`${RESTORES}shop/holds/`)).map((key) =>
    key.replace(/(-released)?\.json$/, ''),
  );
  for (const hold of holds) expect(holds.filter((each) => each === hold)).toHaveLength(2);
}

test('restores into a database beside the live one, and compares', async () => {
  const { status, output, ...history } = await (await start()).ended;

  expect(status).toBe('succeeded');
  expect(output).toMatchObject({ outcome: 'restored', to: 'shop' });
  expect(way({ ...history, status, output })).not.toContain('Stop');
  const report = await reportOf(output as Named);
  expect(report).toMatchObject({ outcome: 'restored', mode: 'new', drill: false });
  const [restored = '', ...others] = (await databases()).filter((name) => name !== 'shop');
  expect(others).toEqual([]);
  expect(await opened.sql(`SELECT count() FROM \`${restored}\`.recent`)).toBe('1000');
  await expectNothingHeld();
  await opened.sql(`DROP DATABASE \`${restored}\` SYNC`);
});

test('a dry run leaves the server as it is', async () => {
  const { output, status, ...history } = await (await start({ dryRun: true })).ended;

  expect(output).toMatchObject({ outcome: 'dry run' });
  expect(way({ ...history, status, output }).at(-1)).toBe('OnlyPlanned');
  expect(await databases()).toEqual(['shop']);
});

test('a drill is compared and dropped', async () => {
  const { output, status, ...history } = await (await start({ drill: true })).ended;

  expect(status).toBe('succeeded');
  expect(way({ ...history, status, output }).slice(-4)).toEqual([
    'DropDrill',
    'Finish',
    'WasItDone',
    'Restored',
  ]);
  expect(await reportOf(output as Named)).toMatchObject({ outcome: 'restored', drill: true });
  expect(await databases()).toEqual(['shop']);
  await expectNothingHeld();
});

test('one that fails halfway leaves nothing behind, and is told', async () => {
  const told = opened.house.messages().length;
  opened.interposed.around = async (call, invoke) => {
    if (call.name.startsWith('SafehouseRestorePollFunction'))
      throw new FunctionError('Refused', 'no such user');
    return invoke();
  };
  const history = await (await start()).ended;
  opened.interposed.around = undefined;

  expect(history).toMatchObject({ status: 'failed', error: 'Refused' });
  expect(way(history).slice(-5)).toEqual(['Stop', 'HasItStopped', 'CleanUp', 'RecordFailure', 'GivenUp']);
  expect(await reportOf(namesIn(history))).toMatchObject({ outcome: 'failed' });
  expect(opened.house.messages()).toHaveLength(told + 1);
  expect(await databases()).toEqual(['shop']);
  await expectNothingHeld();
});

test('one that cannot be planned has nothing to clean up', async () => {
  const history = await (await start({ backup: '20200101T000000Z-full-aaaa' })).ended;

  expect(history).toMatchObject({ status: 'failed' });
  expect(way(history)).toEqual(['Plan', 'RecordFailure', 'GivenUp']);
});

/** Before a step ran, and after it ran but before Step Functions heard of it. */
const MOMENTS = ['before', 'after'] as const;
type Moment = (typeof MOMENTS)[number];
const STEPS = ['Pin', 'Preflight', 'MakeRoom', 'Submit', 'Poll', 'Compare'] as const;
const CASES = STEPS.flatMap((step) => MOMENTS.map((moment) => ({ step, moment })));

/** Ends an execution as StopExecution does, at a step of it. */
async function stopAt(step: (typeof STEPS)[number], moment: Moment, input = {}): Promise<History> {
  opened.interposed.around = async (call, invoke) => {
    if (!call.name.startsWith(`SafehouseRestore${step}Function`)) return invoke();
    const result = moment === 'after' ? await invoke() : null;
    await opened.house.stop(call.execution);
    return result;
  };
  const history = await (await start(input)).ended;
  opened.interposed.around = undefined;
  expect(history).toMatchObject({ status: 'aborted', state: step });
  return history;
}

const end = async ({ restore }: Named): Promise<History> =>
  (await opened.house.start('cancelRestore', { target: 'shop', restore })).ended;

test.each(CASES)('a drill that is stopped $moment $step is dropped by its end', async ({ step, moment }) => {
  const names = namesIn(await stopAt(step, moment, { drill: true }));

  const history = await end(names);

  expect(history).toMatchObject({ status: 'succeeded', state: 'Cancelled' });
  expect(await reportOf(names)).toMatchObject({ outcome: 'cancelled', by: history.id });
  expect(await databases()).toEqual(['shop']);
  await expectNothingHeld();
});

test('a restore that is stopped before it is whole is dropped by its end', async () => {
  const names = namesIn(await stopAt('Submit', 'after'));

  expect(await end(names)).toMatchObject({ status: 'succeeded', state: 'Cancelled' });
  expect(await databases()).toEqual(['shop']);
  await expectNothingHeld();
});

async function sweep(): Promise<void> {
  const { functions } = await opened.house.stack();
  const found = functions.find(({ name }) => name.startsWith('SafehouseSweepFunction'));
  if (found === undefined) throw new Error('the stack has no sweep');
  await opened.house.deliver(found.arn, {});
}

test('stopped and forgotten, it is ended by the sweep, which leaves alone what runs', async () => {
  const names = namesIn(await stopAt('Compare', 'before', { drill: true }));
  expect(await databases()).toHaveLength(2);
  const submitting = Promise.withResolvers<void>();
  const swept = Promise.withResolvers<void>();
  opened.interposed.around = async (call, invoke) => {
    if (call.name.startsWith('SafehouseRestoreSubmitFunction')) {
      submitting.resolve();
      await swept.promise;
    }
    return invoke();
  };
  const running = await start();
  await submitting.promise;
  await sweep();
  swept.resolve();

  expect((await running.ended).status).toBe('succeeded');
  await opened.house.settled();
  opened.interposed.around = undefined;
  expect(await reportOf(names)).toMatchObject({ outcome: 'cancelled' });
  expect(await databases()).toEqual(['shop', `shop_${restores}`]);
  await opened.sql(`DROP DATABASE shop_${restores} SYNC`);
  await expectNothingHeld();
});

test('where nothing is open the sweep starts nothing', async () => {
  const executions = readdirSync(opened.house.home.executions).length;
  await sweep();

  expect(readdirSync(opened.house.home.executions)).toHaveLength(executions);
});

test('the end of what has ended changes nothing, and wakes nobody', async () => {
  const names = namesIn(await stopAt('Pin', 'after'));
  await end(names);
  const told = opened.house.messages().length;

  expect(await end(names)).toMatchObject({ status: 'succeeded', state: 'HasEnded' });
  expect(opened.house.messages()).toHaveLength(told);
});

test('two ends of the same restore do not disturb each other', async () => {
  const names = namesIn(await stopAt('Submit', 'after'));
  const told = opened.house.messages().length;

  for (const { status, state } of await Promise.all([end(names), end(names)])) {
    expect(status).toBe('succeeded');
    expect(['Cancelled', 'HasEnded']).toContain(state);
  }
  expect(await databases()).toEqual(['shop']);
  expect(opened.house.messages()).toHaveLength(told);
  await expectNothingHeld();
});

test('a restore goes to the target that it names, which has to be there', async () => {
  const history = await (await start({ to: 'brief', dryRun: true })).ended;

  const { targets } = (await opened.house.stack()).deployment;
  expect(history).toMatchObject({ status: 'succeeded', stateMachine: targets['brief']?.restore });
  expect(history.output).toMatchObject({ to: 'brief' });
  await expect(start({ to: 'nobody' })).rejects.toMatchObject({ name: 'InvalidConfiguration' });
});

test('an execution that does not exist is not stopped', async () => {
  await expect(opened.house.stop('20200101T000000Z-abcde')).rejects.toMatchObject({ name: 'NotFound' });
});
