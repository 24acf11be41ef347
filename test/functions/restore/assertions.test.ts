import '../../support/function-environment.ts';
import { expect, it } from 'vitest';
import type { RestorePlan } from '../../../core/restore.ts';
import { askAssertions } from '../../../functions/restore/assertions.ts';
import { restorePlan } from '../../core/restore-plans.ts';
import { failureOf } from '../../support/failures.ts';
import { type Answer, fakeClickHouse } from '../../support/fake-clickhouse.ts';
import { targetOf } from '../../support/targets.ts';

const clickhouse = fakeClickHouse();

const BESIDE = restorePlan({
  mode: 'new',
  databases: [
    { from: 'app', to: 'app_2', whole: true },
    { from: 'shop', to: 'shop_2', whole: true },
  ],
});

const asked = (plan: RestorePlan, ...assertions: readonly Readonly<Record<string, string>>[]) =>
  askAssertions(
    targetOf({ url: clickhouse.url }),
    targetOf({
      prove: { assertions: assertions.map(({ query = 'SELECT 1', ...rest }) => ({ query, ...rest })) },
    }),
    plan,
  );

it('asks where it was restored, and may change nothing', async () => {
  clickhouse.on(/./, [{ x: 1 }]);
  expect(await asked(BESIDE, {}, { database: 'shop' })).toMatchObject([
    { database: 'app_2', passed: true, answer: '1' },
    { database: 'shop_2', passed: true },
  ]);
  expect(clickhouse.asked.map(({ settings }) => [settings['database'], settings['readonly']])).toEqual([
    ['app_2', '2'],
    ['shop_2', '2'],
  ]);
});

it.each([
  ['SELECT count() FROM shop.orders', false],
  ['SELECT count() FROM `shop` . orders', false],
  ['SELECT count() FROM "shop".orders', false],
  ['SELECT count() FROM workshop.orders', true],
  ['SELECT count() FROM orders AS shops WHERE shops.id = 1.5', true],
])('asks only what the live tables do not answer: %s', async (query, isAsked) => {
  clickhouse.on(/./, [{ x: 1 }]);
  expect(await asked(BESIDE, { query })).toHaveLength(isAsked ? 1 : 0);
});

it('asks by full names what was restored under its own', async () => {
  clickhouse.on(/./, [{ x: 1 }]);
  expect(await asked(restorePlan(), { query: 'SELECT count() FROM shop.orders' })).toHaveLength(1);
});

it('asks nothing of single tables, of definitions alone, and of what was not restored', async () => {
  const single = restorePlan({ databases: [{ from: 'shop', to: 'shop', whole: false }] });
  expect(await asked(single, {})).toEqual([]);
  expect(await asked(restorePlan({ structureOnly: true }), {})).toEqual([]);
  expect(await asked(restorePlan(), { database: 'other' })).toEqual([]);
});

it.each([
  [[{ x: 0 }], '0'],
  [[{ x: '0' }], '"0"'],
  [[{ x: null }], 'null'],
  [[{ x: '' }], '""'],
  [[], '0 rows of 0 columns'],
  [[{ x: 1 }, { x: 1 }], '2 rows of 1 columns'],
  [[{ x: 1, y: 1 }], '1 rows of 2 columns'],
  [{ code: 60, name: 'UNKNOWN_TABLE', text: 'Table shop.x does not exist' }, 'an error: '],
] as const)('does not hold for %j', async (answer, said) => {
  clickhouse.on(/./, answer as Answer);
  const [result] = await asked(restorePlan(), {});
  expect(result).toMatchObject({ passed: false, answer: expect.stringContaining(said) });
});

it('of a server that does not answer says nothing', async () => {
  clickhouse.on(/./, 'connection reset');
  await failureOf('TemporarilyUnavailable', asked(restorePlan(), {}));
});
