/**
 * A restore is killed at every place where it can be, and goes on, is cancelled, or is started again. Whatever happens, its statement
 * is sent once, no table is left half full, and nothing stays held.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getJson } from '../../clients/bucket.ts';
import { PINS, RESTORES, restoreReportKey } from '../../core/keys.ts';
import { type RestoreReport, restoreReportSchema } from '../../core/restore.ts';
import type { History } from '../../local/execution.ts';
import { type OpenedHouse, openTestHouse } from './opened-house.ts';

let opened: OpenedHouse;

beforeAll(async () => {
  opened = await openTestHouse();
  for (const statement of [
    'CREATE DATABASE shop',
    'CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id',
    'INSERT INTO shop.orders SELECT number FROM numbers(1000)',
    'CREATE TABLE shop.log (id UInt64) ENGINE = Log',
    'INSERT INTO shop.log SELECT number FROM numbers(10)',
  ])
    await opened.sql(statement);
  expect((await opened.run('backup', { target: 'shop', kind: 'full' })).status).toBe('succeeded');
});

afterAll(() => opened.close());

/** Before a step ran, and after it ran but before Step Functions heard of it. */
const MOMENTS = ['before', 'after'] as const;
type Moment = (typeof MOMENTS)[number];
const STEPS = ['Pin', 'Preflight', 'MakeRoom', 'Submit', 'Poll', 'Compare', 'Finish'] as const;
type StepName = (typeof STEPS)[number];
const everywhere = (steps: readonly StepName[]) =>
  steps.flatMap((step) => MOMENTS.map((moment) => ({ step, moment })));

interface Killed {
  readonly execution: string;
  readonly backup: string;
  readonly restore: string;
}

const start = (input: Readonly<Record<string, unknown>>) =>
  opened.house.start('restore', { target: 'shop', backup: 'latest', accept: ['proof'], ...input });

/** Starts a restore, and ends its execution as StopExecution does. */
async function kill(
  step: StepName,
  moment: Moment,
  input: Readonly<Record<string, unknown>>,
): Promise<Killed> {
  opened.interposed.around = async (call, invoke) => {
    if (!call.name.startsWith(`SafehouseRestore${step}Function`)) return invoke();
    const result = moment === 'after' ? await invoke() : null;
    await opened.house.stop(call.execution);
    return result;
  };
  const execution = await start(input);
  const { status, state, carried } = await execution.ended;
  opened.interposed.around = undefined;
  expect({ status, state }).toEqual({ status: 'aborted', state: step });
  const { backup = '', restore = '' } = carried as Partial<Killed>;
  return { execution: execution.id, backup, restore };
}

const cancel = async ({ restore }: Killed): Promise<History> =>
  (await opened.house.start('cancelRestore', { target: 'shop', restore })).ended;

const reportOf = ({ backup, restore }: Killed): Promise<RestoreReport | undefined> =>
  getJson(opened.bucket, restoreReportKey('shop', backup, restore), restoreReportSchema);

const statements = async ({ restore }: Killed): Promise<number> =>
  Number(await opened.sql(`SELECT count() FROM system.backups WHERE id = '${restore}'`));

async function rows(database: string): Promise<Record<string, number>> {
  const text = await opened.sql(
    `SELECT name, total_rows FROM system.tables WHERE database = '${database}' ORDER BY name FORMAT TSV`,
  );
  const lines = text.split('\n').filter(Boolean);
  return Object.fromEntries(lines.map((line) => [line.split('\t')[0] ?? '', Number(line.split('\t')[1])]));
}
const WHOLE = { log: 10, orders: 1000 };

async function expectNothingHeld(): Promise<void> {
  expect((await opened.keys(PINS)).filter((key) => key.includes('-restore-'))).toEqual([]);
  const holds = await opened.keys(`${RESTORES}shop/holds/`);
  const taken = holds.filter((key) => !key.endsWith('-released.json'));
  for (const hold of taken) expect(holds).toContain(hold.replace('.json', '-released.json'));
}

let names = 0;
const newName = (): string => {
  names += 1;
  return `again_${names}`;
};

test.each(everywhere(STEPS))(
  'killed $moment $step, a redrive restores the whole, once',
  async ({ step, moment }) => {
    const name = newName();
    const killed = await kill(step, moment, { as: { shop: name } });
    const earlier = await reportOf(killed);

    const history = await (await opened.house.redrive(killed.execution)).ended;

    expect(history).toMatchObject({ id: killed.execution, status: 'succeeded', state: 'Restored' });
    expect(await rows(name)).toEqual(WHOLE);
    expect(await statements(killed)).toBe(1);
    const report = await reportOf(killed);
    expect(report).toMatchObject({ outcome: 'restored' });
    if (step === 'Finish' && moment === 'after') expect(report).toEqual(earlier);
    await expectNothingHeld();
    await opened.sql(`DROP DATABASE ${name} SYNC`);
  },
);

test.each(everywhere(['Pin', 'Preflight', 'MakeRoom', 'Submit', 'Poll']))(
  'killed $moment $step and cancelled, it is whole or gone, and may be started again',
  async ({ step, moment }) => {
    const name = newName();
    const killed = await kill(step, moment, { as: { shop: name } });
    // What has not ended still has its database.
    const tooSoon = await (await start({ as: { shop: name } })).ended;
    if (`${moment} ${step}` !== 'before Pin')
      expect(tooSoon).toMatchObject({ status: 'failed', error: 'AnotherRestore' });
    else await opened.sql(`DROP DATABASE ${name} SYNC`);

    expect(await cancel(killed)).toMatchObject({ status: 'succeeded', state: 'Cancelled' });

    const left = await rows(name);
    expect([{}, WHOLE]).toContainEqual(left);
    expect(await statements(killed)).toBeLessThan(2);
    expect(await reportOf(killed)).toMatchObject({ outcome: 'cancelled' });
    await expectNothingHeld();
    if (Object.keys(left).length > 0) await opened.sql(`DROP DATABASE ${name} SYNC`);
    expect(await (await start({ as: { shop: name } })).ended).toMatchObject({ status: 'succeeded' });
    expect(await rows(name)).toEqual(WHOLE);
    await opened.sql(`DROP DATABASE ${name} SYNC`);
  },
);

const REPLACE = { mode: 'replace', confirm: ['shop'] };

test.each(everywhere(['Preflight', 'MakeRoom', 'Submit', 'Poll']))(
  'a replacement that is killed $moment $step and cancelled leaves the old or the new whole, or nothing, and says which',
  async ({ step, moment }) => {
    await opened.sql('INSERT INTO shop.log VALUES (99)');
    const killed = await kill(step, moment, REPLACE);

    expect(await cancel(killed)).toMatchObject({ status: 'succeeded', state: 'Cancelled' });

    const left = await rows('shop');
    const report = await reportOf(killed);
    expect([{}, WHOLE, { ...WHOLE, log: 11 }]).toContainEqual(left);
    const isGone = Object.keys(left).length === 0;
    const wasDropped = report?.left.some(({ what }) => what.includes('was dropped to be replaced'));
    expect(wasDropped).toBe(isGone);
    await expectNothingHeld();
    // With the database gone it may be restored under its own name.
    const again = isGone ? { mode: 'asIs' } : REPLACE;
    expect(await (await start(again)).ended).toMatchObject({ status: 'succeeded' });
    expect(await rows('shop')).toEqual(WHOLE);
  },
);

test('a replacement that was cancelled does not begin when its execution is redriven', async () => {
  const killed = await kill('MakeRoom', 'before', REPLACE);
  await cancel(killed);

  const history = await (await opened.house.redrive(killed.execution)).ended;

  expect(history).toMatchObject({ status: 'failed', error: 'RefusedForSafety' });
  expect(await rows('shop')).toEqual(WHOLE);
  expect(await reportOf(killed)).toMatchObject({ outcome: 'cancelled', dropped: [] });
  await expectNothingHeld();
});

test('the input of a cancellation, given to the restore, ends nothing of the other', async () => {
  const name = newName();
  const killed = await kill('Submit', 'after', { as: { shop: name } });

  const history = await (await start({ to: 'shop', restore: killed.restore })).ended;

  expect(history).toMatchObject({ status: 'failed', error: 'InvalidInput' });
  expect(await reportOf(killed)).toBeUndefined();
  expect((await opened.keys(PINS)).filter((key) => key.includes(killed.restore))).toHaveLength(1);
  expect(await cancel(killed)).toMatchObject({ status: 'succeeded' });
  await expectNothingHeld();
});
