import '../../support/function-environment.ts';
import { afterEach, expect, it, vi } from 'vitest';
import { putOnce } from '../../../clients/bucket.ts';
import { restoreCheckKey } from '../../../core/keys.ts';
import type { RestorePlan } from '../../../core/restore.ts';
import type { Compared } from '../../../core/restore-workflow.ts';
import { handler } from '../../../functions/restore/compare.ts';
import { plannedTable } from '../../core/restore-plans.ts';
import { failureOf } from '../../support/failures.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';
import { writePlan } from './written-restore.ts';

const around = new Surroundings();
const { clickhouse } = around;
afterEach(() => vi.restoreAllMocks());

const NAMES = ['a', 'b', 'c'];
const CHECK = /^CHECK TABLE/;
const PASSED = [{ part_path: 'all_1_1_0', is_passed: 1, message: '' }];

const restored = (overrides: Partial<RestorePlan> = {}) =>
  writePlan(around, around.addTarget(), {
    check: true,
    tables: NAMES.map((name) => plannedTable({ name, fingerprint: null })),
    ...overrides,
  });

const serve = () =>
  clickhouse
    .on(
      /SELECT database, name FROM system\.tables/,
      NAMES.map((name) => ({ database: 'shop', name })),
    )
    .on(/FROM system\.parts/, [])
    .on(/^SELECT count\(\)/, [{ rows: 1000 }])
    .on(/system\.replicas/, [])
    .on(/FROM system\.backups/, [{ seconds: 12 }])
    .on(CHECK, PASSED);

const compare = (run: unknown): Promise<Compared> => carried(invoke(handler, run, 900_000));

it('reads one table at least in each call, and none twice', async () => {
  serve();
  const { run } = await restored();
  // A table takes longer than a call goes on after it.
  let clock = Date.now();
  clickhouse.on(CHECK, () => {
    clock += 60_000;
    return PASSED;
  });
  vi.spyOn(Date, 'now').mockImplementation(() => clock);
  const calls: Compared[] = [];
  do calls.push(await compare(run));
  while (calls.at(-1)?.done === false && calls.length < 10);
  expect(calls.map(({ done, checked }) => [done, checked])).toEqual([
    [false, 1],
    [false, 2],
    [true, 3],
  ]);
  expect(clickhouse.askedFor(CHECK)).toHaveLength(3);
});

it('goes on where a call before it was ended', async () => {
  serve();
  const { plan, run } = await restored();
  await putOnce(around.bucket, restoreCheckKey(plan.to, plan.restore, 1), {
    database: 'shop',
    table: 'b',
    passed: false,
    what: 'all_1_1_0: damaged',
  });
  expect(await compare(run)).toEqual({ outcome: 'different', done: true, checked: 3, differences: 1 });
  expect(clickhouse.askedFor(CHECK).map(({ query }) => /`shop`\.`(\w)`/.exec(query)?.[1])).toEqual([
    'a',
    'c',
  ]);
});

it('says the same when it is repeated, without asking again', async () => {
  serve();
  const { run } = await restored({ check: false });
  const first = await compare(run);
  const asked = clickhouse.asked.length;
  expect(await compare(run)).toEqual(first);
  expect(clickhouse.asked).toHaveLength(asked);
});

it('does not call a restore different because it could not be read', async () => {
  serve().on(CHECK, { code: 497, name: 'ACCESS_DENIED', text: 'Not enough privileges' });
  const { run } = await restored();
  await failureOf('Refused', compare(run));
});
