/** Steps that tell ClickHouse something, repeated as Lambda and Step Functions repeat them. */
import '../../support/function-environment.ts';
import { describe, expect, it } from 'vitest';
import { exists, getJson } from '../../../clients/bucket.ts';
import { restoreKey } from '../../../core/keys.ts';
import { cleanedSchema, type RestorePlan, roomSchema, submittedSchema } from '../../../core/restore.ts';
import { handler as cleanUp } from '../../../functions/restore/clean-up.ts';
import { handler as makeRoom } from '../../../functions/restore/make-room.ts';
import { handler as poll } from '../../../functions/restore/poll.ts';
import { handler as preflight } from '../../../functions/restore/preflight.ts';
import { handler as stop } from '../../../functions/restore/stop.ts';
import { handler as submit } from '../../../functions/restore/submit.ts';
import { plannedTable, standingTable } from '../../core/restore-plans.ts';
import { failureOf } from '../../support/failures.ts';
import { pollOf } from '../../support/runs.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';
import { beforeOf, writePage, writePlan } from './written-restore.ts';

const around = new Surroundings();
const { clickhouse } = around;

const ODD = 'o\'dd "`name';
const STATEMENT = /^RESTORE /;
const REFUSAL = { code: 62, name: 'SYNTAX_ERROR', text: 'Syntax error' } as const;

async function begun(overrides: Partial<RestorePlan> = {}, settings: Readonly<Record<string, unknown>> = {}) {
  const written = await writePlan(around, around.addTarget(settings), overrides);
  await writePage(around, written.plan, 'before', beforeOf({ tables: [standingTable({ rows: 7 })] }));
  return written;
}

const page = <Schema extends Parameters<typeof getJson>[2]>(
  { to, restore }: RestorePlan,
  object: Parameters<typeof restoreKey>[2],
  schema: Schema,
) => getJson(around.bucket, restoreKey(to, restore, object), schema);

const dropped = (): string[] => clickhouse.askedFor(/^(?:DROP|TRUNCATE|CREATE)/).map(({ query }) => query);

describe('submit', () => {
  it('sends the statement as the user that restores, with room for thousands of tables', async () => {
    clickhouse.on(STATEMENT, [{ id: 'x', status: 'RESTORING' }]);
    const { plan, run } = await begun({}, { user: 'backup', restore: { user: 'restore' } });
    expect(await carried(invoke(submit, run))).toMatchObject({ outcome: 'running', polls: 0 });
    const [asked] = clickhouse.askedFor(STATEMENT);
    expect(asked).toMatchObject({ user: 'restore', settings: { max_query_size: String(64 * 1024 ** 2) } });
    expect(asked?.query).toContain(`id = '${plan.restore}'`);
  });

  it('sends it once, however often it is repeated', async () => {
    clickhouse.on(STATEMENT, []);
    const { plan, run } = await begun();
    const first = await carried(invoke(submit, run));
    const second = await carried(invoke(submit, run));
    expect(clickhouse.askedFor(STATEMENT)).toHaveLength(1);
    expect(second.submittedAt).toBe(first.submittedAt);
    expect((await page(plan, 'submitted', submittedSchema))?.at).toBe(first.submittedAt);
  });

  it('sends none after an answer that was lost: whether it got through is for the poll to see', async () => {
    clickhouse.on(STATEMENT, 'connection reset');
    const { run } = await begun();
    await failureOf('TemporarilyUnavailable', invoke(submit, run));
    expect(await carried(invoke(submit, run))).toMatchObject({ outcome: 'running' });
    expect(clickhouse.askedFor(STATEMENT)).toHaveLength(1);
  });

  it('sends none once somebody has ended the restore', async () => {
    const { plan, run } = await begun();
    expect(await carried(invoke(stop, run))).toMatchObject({ stopped: true });
    expect((await failureOf('Refused', invoke(submit, run))).error).toBe('RestoreCancelled');
    await writePage(around, plan, 'ended', { outcome: 'cancelled' });
    await failureOf('RefusedForSafety', invoke(submit, run));
    expect(clickhouse.asked).toEqual([]);
  });
});

describe('poll', () => {
  const seen = (status: string, error = '') =>
    clickhouse.on(/splitByString/, [
      {
        server: 'A',
        uptime: 9999,
        status,
        error,
        files: 1,
        bytes: 1,
        alive: 0,
        startTime: '2026-04-02 03:00:00',
        endTime: '2026-04-02 03:01:00',
      },
    ]);
  const isWhole = ({ to, restore }: RestorePlan) =>
    exists(around.bucket, restoreKey(to, restore, 'restored'));

  it('marks as whole what ClickHouse brought to its end, before anything else is done with it', async () => {
    const { plan, run } = await begun();
    seen('RESTORED');
    expect(await carried(invoke(poll, { ...run, poll: pollOf(60) }))).toMatchObject({ outcome: 'finished' });
    expect(await isWhole(plan)).toBe(true);
  });

  it.each([
    ['RESTORING', '', 'running', null],
    ['RESTORE_CANCELLED', '', 'cancelled', 'QUERY_WAS_CANCELLED'],
    [
      'RESTORE_FAILED',
      'Code: 243. DB::Exception: Cannot reserve 1.00 MiB. (NOT_ENOUGH_SPACE)',
      'failed',
      'NOT_ENOUGH_SPACE',
    ],
    ['RESTORE_FAILED', '', 'failed', 'RESTORE_FAILED'],
    ['SOMETHING_NEW', '', 'failed', 'RESTORE_FAILED'],
    ['', '', 'lost', 'RestoreLost'],
  ])('never what is %j (%j): %s', async (status, error, outcome, name) => {
    const { plan, run } = await begun();
    seen(status, error);
    const judged = await carried(invoke(poll, { ...run, poll: pollOf(130) }));
    expect([judged.outcome, judged.failure?.error ?? null]).toEqual([outcome, name]);
    expect(await isWhole(plan)).toBe(false);
  });
});

describe('stop', () => {
  const RUNNING = /status = 'RESTORING'/;

  it('of what was never sent asks nobody, also when it is repeated', async () => {
    const { run } = await begun();
    for (let call = 1; call <= 2; call += 1)
      expect(await carried(invoke(stop, run))).toMatchObject({ stopped: true });
    expect(clickhouse.asked).toEqual([]);
  });

  it('tells it to end until it has', async () => {
    const { plan, run } = await begun({}, { cluster: ODD });
    await writePage(around, plan, 'submitted');
    clickhouse.on(RUNNING, [{ id: plan.restore }]).on(/^KILL QUERY/, []);
    const stopped = await carried(invoke(stop, run));
    expect(stopped).toMatchObject({ stopped: false, waitSeconds: 1 });
    expect(clickhouse.askedFor(/^KILL QUERY/)[0]?.query).toContain('KILL QUERY ON CLUSTER `o\'dd "\\`name`');
    expect(clickhouse.askedFor(RUNNING)[0]?.query).toContain(
      "clusterAllReplicas('o\\'dd \"`name', system.backups)",
    );
    clickhouse.on(RUNNING, []);
    expect(await carried(invoke(stop, { ...run, stopped }))).toMatchObject({ stopped: true });
  });

  it('gives up after two hours, and drops nothing under its hands', async () => {
    const { plan, run } = await begun();
    await writePage(around, plan, 'submitted');
    clickhouse.on(RUNNING, [{ id: plan.restore }]);
    const stopped = {
      stopped: false,
      waitSeconds: 600,
      since: new Date(Date.now() - 7_300_000).toISOString(),
    };
    expect((await failureOf('Refused', invoke(stop, { ...run, stopped }))).error).toBe('RestoreNotStopped');
  });
});

describe('make-room', () => {
  const REPLACE: Partial<RestorePlan> = { mode: 'replace', confirm: ['shop'] };

  it('drops what the preflight has shown, on every replica, however large', async () => {
    clickhouse.on(/^DROP/, []);
    const { plan, run } = await begun(REPLACE, { cluster: ODD });
    expect(await carried(invoke(makeRoom, run))).toEqual({ dropped: 1, created: 0 });
    expect(dropped()).toEqual(['DROP DATABASE IF EXISTS `shop` ON CLUSTER `o\'dd "\\`name` SYNC']);
    expect(clickhouse.askedFor(/^DROP/)[0]?.settings).toMatchObject({
      max_table_size_to_drop: '0',
      check_table_dependencies: '0',
    });
    expect(await page(plan, 'room', roomSchema)).toMatchObject({
      dropped: [{ database: 'shop', table: null }],
    });
  });

  it('of single tables drops those that stood there, a dictionary as one', async () => {
    clickhouse.on(/^DROP/, []);
    const names = ['orders', 'names', 'absent'];
    const { plan, run } = await writePlan(around, around.addTarget(), {
      ...REPLACE,
      databases: [{ from: 'shop', to: 'shop', whole: false }],
      tables: names.map((name) => plannedTable({ name })),
    });
    const tables = [
      standingTable(),
      standingTable({ table: 'names', engine: 'Dictionary' }),
      standingTable({ table: 'others' }),
    ];
    await writePage(around, plan, 'before', beforeOf({ tables }));
    await carried(invoke(makeRoom, run));
    expect(dropped()).toEqual([
      'DROP TABLE IF EXISTS `shop`.`orders` SYNC',
      'DROP DICTIONARY IF EXISTS `shop`.`names` SYNC',
    ]);
  });

  it('drops once, and never after the statement was sent', async () => {
    clickhouse.on(/^DROP/, []);
    const first = await begun(REPLACE);
    await carried(invoke(makeRoom, first.run));
    await carried(invoke(makeRoom, first.run));
    const second = await begun(REPLACE);
    await writePage(around, second.plan, 'submitted');
    expect(await carried(invoke(makeRoom, second.run))).toEqual({ dropped: 0, created: 0 });
    expect(dropped()).toHaveLength(1);
  });

  it('drops nothing of a restore that was ended, though its execution is redriven', async () => {
    const { plan, run } = await begun(REPLACE);
    await writePage(around, plan, 'ended', { outcome: 'cancelled' });
    await failureOf('RefusedForSafety', invoke(makeRoom, run));
    expect(clickhouse.asked).toEqual([]);
  });

  it.each(['new', 'asIs', 'intoExisting', 'append'] as const)('drops nothing in mode %s', async (mode) => {
    const { run } = await begun({ mode });
    await carried(invoke(makeRoom, run));
    expect(dropped()).toEqual([]);
  });
});

describe('clean-up', () => {
  const STANDING = /any\(engine\)/;

  it('says what a replacement has dropped that broke off on the way, and drops nothing itself', async () => {
    const { plan, run } = await begun({
      mode: 'replace',
      databases: ['shop', 'default'].map((name) => ({ from: name, to: name, whole: true })),
    });
    clickhouse
      .on(/FROM system\.databases/, [{ name: 'default' }])
      .on(STANDING, [standingTable({ database: 'default' })])
      .on(/SELECT database, name FROM system\.tables/, [])
      .on(/FROM system\.parts/, []);
    expect(await carried(invoke(cleanUp, run))).toEqual({ dropped: 0, left: 1 });
    expect((await page(plan, 'cleaned', cleanedSchema))?.left).toMatchObject([
      { what: 'the database shop was dropped to be replaced, and is not there now' },
    ]);
    expect(dropped()).toEqual([]);
  });

  it('asks nobody when nothing was dropped and nothing was sent', async () => {
    const blocks = { check: 'confirmation', weight: 'blocks', what: 'No.', remedy: 'Type.' } as const;
    const { plan, run } = await writePlan(around, around.addTarget(), { mode: 'replace' });
    await writePage(around, plan, 'before', beforeOf({ findings: [blocks] }));
    expect(await carried(invoke(cleanUp, run))).toEqual({ dropped: 0, left: 0 });
    expect(clickhouse.asked).toEqual([]);
    expect(await page(plan, 'cleaned', cleanedSchema)).toMatchObject({ dropped: [], left: [] });
  });

  it('drops nothing when ending came before the statement', async () => {
    const { run } = await begun();
    await carried(invoke(stop, run));
    expect(await carried(invoke(cleanUp, run))).toEqual({ dropped: 0, left: 0 });
    expect(clickhouse.asked).toEqual([]);
  });

  it('drops nothing of what is whole', async () => {
    const { plan, run } = await begun();
    await writePage(around, plan, 'submitted');
    await writePage(around, plan, 'restored');
    expect(await carried(invoke(cleanUp, run))).toEqual({ dropped: 0, left: 0 });
  });

  it.each([
    [
      'drops what is new when the server knows the statement',
      1,
      10,
      ['DROP TABLE IF EXISTS `shop`.`new` SYNC'],
    ],
    [
      'drops what is new when the server was restarted since, and has forgotten it',
      0,
      10,
      ['DROP TABLE IF EXISTS `shop`.`new` SYNC'],
    ],
    ['drops nothing when the server would know it and does not', 0, 1e9, []],
  ] as const)('%s', async (_, known, uptime, drops) => {
    const there = standingTable({ rows: 7 });
    const { plan, run } = await writePlan(around, around.addTarget(), {
      tables: [plannedTable({ name: 'new' })],
    });
    await writePage(around, plan, 'before', beforeOf({ tables: [there] }));
    await writePage(around, plan, 'submitted');
    clickhouse
      .on(/FROM system\.databases/, [{ name: 'shop' }])
      .on(STANDING, [there, standingTable({ table: 'new' })])
      .on(/SELECT database, name FROM system\.tables/, [{ database: 'shop', name: 'new' }])
      .on(/FROM system\.parts/, [])
      .on(/^SELECT count\(\) AS rows FROM `shop`/, [{ rows: 0 }])
      .on(/FROM system\.backups/, [{ rows: known }])
      .on(/uptime\(\)/, [{ uptime }])
      .on(/^DROP/, []);
    await carried(invoke(cleanUp, run));
    expect(dropped()).toEqual(drops);
    const cleaned = await page(plan, 'cleaned', cleanedSchema);
    expect(cleaned?.left).toHaveLength(drops.length === 0 ? 1 : 0);
  });

  it('fails when it cannot see what stands there: nothing is never concluded from an error', async () => {
    const { plan, run } = await begun();
    await writePage(around, plan, 'submitted');
    clickhouse
      .on(/FROM system\.backups/, [{ rows: 1 }])
      .on(/FROM system\.databases/, [{ name: 'shop' }])
      .on(STANDING, REFUSAL);
    await failureOf('Refused', invoke(cleanUp, run));
    expect(await page(plan, 'cleaned', cleanedSchema)).toBeUndefined();
  });
});

it('a preflight that found something finds it again when it is repeated', async () => {
  const { plan, run } = await writePlan(around, around.addTarget());
  const finding = { check: 'disk', weight: 'blocks', what: 'It is full.', remedy: 'Make room.' } as const;
  await writePage(around, plan, 'before', beforeOf({ findings: [finding] }));
  for (let call = 1; call <= 2; call += 1)
    expect((await failureOf('RefusedForSafety', invoke(preflight, run))).error).toBe('PreflightRefused');
  expect(clickhouse.asked).toEqual([]);
});
