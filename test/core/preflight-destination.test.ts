import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteIdentifier } from '../../core/identifiers.ts';
import { destinationFindings } from '../../core/preflight-destination.ts';
import type { RestorePlan, StandingTable } from '../../core/restore.ts';
import { RESTORE_MODES } from '../../core/restore-input.ts';
import { destination, plannedTable, restorePlan, standingTable } from './restore-plans.ts';

const WITH_SHOP = ['default', 'shop', 'system'];

const blocking = (plan: RestorePlan, ...[overrides]: Parameters<typeof destination>) =>
  destinationFindings(plan, destination(overrides)).filter(({ weight }) => weight === 'blocks');

describe('rows that are there', () => {
  it('block every mode that would not be asked for them by name', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...RESTORE_MODES),
        fc.boolean(),
        fc.array(fc.constantFrom('shop', 'orders', 'shop.orders', 'append')),
        fc.oneof(fc.integer({ min: 1 }), fc.constant(null)),
        fc.constantFrom('MergeTree', 'Log', 'Buffer', 'Distributed'),
        (mode, whole, confirm, rows, engine) => {
          const plan = restorePlan({ mode, confirm, databases: [{ from: 'shop', to: 'shop', whole }] });
          const found = blocking(plan, {
            databases: WITH_SHOP,
            tables: [standingTable({ rows, engine })],
          });
          const isConfirmed =
            (mode === 'append' && confirm.includes('append')) ||
            (mode === 'replace' && confirm.includes(whole ? 'shop' : 'shop.orders'));
          expect(found.length > 0).toBe(!isConfirmed);
          for (const { check } of found) expect(['destination', 'confirmation']).toContain(check);
        },
      ),
    );
  });

  it.each([
    [
      'a view',
      standingTable({ engine: 'View', rows: null }),
      plannedTable({ engine: 'View', coverage: 'schema only' }),
    ],
    [
      'a table that keeps no data in a backup',
      standingTable({ engine: 'Kafka', rows: null }),
      plannedTable({ engine: 'Kafka', coverage: 'schema only' }),
    ],
    ['an empty table', standingTable(), plannedTable()],
    [
      'a materialized view whose rows nobody counts',
      standingTable({ engine: 'MaterializedView', rows: null }),
      plannedTable({ engine: 'MaterializedView' }),
    ],
    ['another table', standingTable({ table: 'others', rows: 9 }), plannedTable()],
    [
      'a table of its name in another database',
      standingTable({ database: 'other', rows: 9 }),
      plannedTable(),
    ],
  ])('are not those of %s', (_, there, table) => {
    const plan = restorePlan({ tables: [table] });
    expect(blocking(plan, { databases: WITH_SHOP, tables: [there] })).toEqual([]);
  });

  it.each([
    [[standingTable({ rows: 9 })], 'This table is not empty: shop.orders (9 rows).'],
    [[standingTable({ rows: null })], 'This table is not empty: shop.orders (rows unknown).'],
    [
      [standingTable({ engine: 'MaterializedView', rows: 9 })],
      'This table is not empty: shop.orders (9 rows).',
    ],
    [
      [standingTable({ rows: 9 }), standingTable({ table: 'items', rows: 1 })],
      'These tables are not empty: shop.orders (9 rows), shop.items (1 rows).',
    ],
  ])('are told with their number: %#', (tables, what) => {
    const plan = restorePlan({ tables: [plannedTable(), plannedTable({ name: 'items' })] });
    expect(blocking(plan, { databases: WITH_SHOP, tables })).toMatchObject([{ check: 'destination', what }]);
  });

  it('in a partition of another table do not matter', () => {
    const plan = restorePlan({ tables: [plannedTable({ partitions: ['202604'] })] });
    const partition = { database: 'shop', table: 'orders', id: '202604', rows: 9 };
    const found = (overrides: Partial<typeof partition>) =>
      blocking(plan, {
        databases: WITH_SHOP,
        tables: [standingTable({ rows: 9 })],
        partitions: [{ ...partition, ...overrides }],
      });
    expect(found({})).toHaveLength(1);
    expect(found({ database: 'other' })).toEqual([]);
    expect(found({ table: 'others' })).toEqual([]);
  });

  it('in other partitions do not matter', () => {
    const plan = restorePlan({ tables: [plannedTable({ partitions: ['202604'] })] });
    const tables = [standingTable({ rows: 9 })];
    const partition = { database: 'shop', table: 'orders', rows: 9 };
    const databases = WITH_SHOP;
    expect(blocking(plan, { databases, tables, partitions: [{ ...partition, id: '202603' }] })).toEqual([]);
    expect(blocking(plan, { databases, tables, partitions: [{ ...partition, id: '202604' }] })).toMatchObject(
      [{ what: expect.stringContaining('shop.orders partition 202604 (9 rows)') }],
    );
  });

  it('do not matter for definitions alone', () => {
    const plan = restorePlan({ structureOnly: true });
    expect(blocking(plan, { databases: WITH_SHOP, tables: [standingTable({ rows: 9 })] })).toEqual([]);
  });
});

it('a new name must be free', () => {
  const plan = restorePlan({ mode: 'new', databases: [{ from: 'shop', to: 'beside', whole: true }] });
  expect(blocking(plan)).toEqual([]);
  expect(blocking(plan, { databases: ['beside'] })).toMatchObject([
    { check: 'destination', what: 'The server has a database beside already.' },
  ]);
  const two = restorePlan({
    mode: 'new',
    databases: ['one', 'two'].map((to) => ({ from: 'shop', to, whole: true })),
  });
  expect(destinationFindings(two, destination({ databases: ['one', 'two'] }))).toMatchObject([
    { check: 'destination', weight: 'blocks', what: 'The server has databases one, two already.' },
  ]);
});

it('a database that is to be made first is named so that the statement can be pasted', () => {
  const name = 'we"ird`; DROP DATABASE shop; --';
  for (const mode of ['asIs', 'replace'] as const) {
    const plan = restorePlan({ mode, databases: [{ from: name, to: name, whole: false }], tables: [] });
    const [found] = blocking(plan);
    expect(found?.remedy).toContain(`CREATE DATABASE ${quoteIdentifier(name)}.`);
    expect(found?.remedy).not.toContain(`CREATE DATABASE ${name}`);
  }
});

describe('a replacement', () => {
  const tables: StandingTable[] = [
    standingTable({ rows: 9 }),
    standingTable({ table: 'later', rows: 1 }),
    standingTable({ table: '.inner_id.5fe2ab42', rows: 1 }),
  ];

  it('wants every name that is lost, also of what the backup does not bring back', () => {
    const plan = restorePlan({ mode: 'replace', confirm: ['shop'] });
    expect(destinationFindings(plan, destination({ databases: WITH_SHOP, tables }))).toMatchObject([
      { check: 'confirmation', weight: 'blocks', remedy: 'Type their names in `confirm`: ["shop.later"].' },
      { check: 'confirmation', weight: 'notice', what: 'The backup does not bring back shop.later.' },
    ]);
    const confirmed = restorePlan({ mode: 'replace', confirm: ['shop', 'shop.later'] });
    expect(blocking(confirmed, { databases: WITH_SHOP, tables })).toEqual([]);
  });

  it('of single tables wants the names of those that stand there', () => {
    const plan = restorePlan({ mode: 'replace', databases: [{ from: 'shop', to: 'shop', whole: false }] });
    expect(blocking(plan, { databases: WITH_SHOP, tables })).toMatchObject([
      { remedy: 'Type their names in `confirm`: ["shop.orders"].' },
    ]);
    expect(blocking(plan, { databases: WITH_SHOP, tables: [] })).toEqual([]);
  });

  it('of two databases holds the tables of each against the backup by both names', () => {
    const plan = restorePlan({
      mode: 'replace',
      databases: ['shop', 'logs'].map((name) => ({ from: name, to: name, whole: true })),
      tables: [plannedTable(), plannedTable({ database: 'logs', name: 'lines' })],
      confirm: ['shop', 'logs'],
    });
    const found = (...there: StandingTable[]) =>
      destinationFindings(plan, destination({ databases: [...WITH_SHOP, 'logs'], tables: there }));
    expect(found(standingTable(), standingTable({ database: 'logs', table: 'lines' }))).toEqual([]);
    expect(found(standingTable({ database: 'logs', table: 'orders' }))).toMatchObject([
      { what: 'These would be dropped, with every row in them: logs.orders.' },
      { what: 'The backup does not bring back logs.orders.' },
    ]);
    expect(found(standingTable({ database: 'elsewhere', table: 'x' }))).toEqual([]);
  });

  it('takes inner tables for parts of their views, and no other table that only looks like one', () => {
    const plan = restorePlan({ mode: 'replace', confirm: ['shop'] });
    const lost = (table: string) =>
      destinationFindings(plan, destination({ databases: WITH_SHOP, tables: [standingTable({ table })] }));
    expect(lost('.inner.daily')).toEqual([]);
    expect(lost('.inner_id.5fe2ab42')).toEqual([]);
    expect(lost('not.inner.daily')).toHaveLength(2);
    expect(lost('.inner')).toHaveLength(2);
  });

  it('of single tables in two databases names each with its own', () => {
    const plan = restorePlan({
      mode: 'replace',
      databases: ['shop', 'logs'].map((name) => ({ from: name, to: name, whole: false })),
      tables: [plannedTable(), plannedTable({ database: 'logs', name: 'lines' })],
    });
    const there = [standingTable(), standingTable({ database: 'logs', table: 'lines' })];
    expect(
      destinationFindings(plan, destination({ databases: [...WITH_SHOP, 'logs'], tables: there })),
    ).toMatchObject([{ remedy: 'Type their names in `confirm`: ["shop.orders","logs.lines"].' }]);
  });

  it('of what is not there asks nothing', () => {
    expect(blocking(restorePlan({ mode: 'replace' }))).toEqual([]);
  });
});

describe('into tables that exist', () => {
  it('nothing is asked where they are empty, and no word makes up for rows that are there', () => {
    const into = (rows: number, confirm: string[] = []) =>
      destinationFindings(
        restorePlan({ mode: 'intoExisting', confirm }),
        destination({ databases: WITH_SHOP, tables: [standingTable({ rows })] }),
      );
    expect(into(0)).toEqual([]);
    expect(into(9)).toMatchObject([{ check: 'destination', weight: 'blocks' }]);
    expect(into(9, ['append', 'shop', 'shop.orders'])).toMatchObject([
      { check: 'destination', weight: 'blocks' },
    ]);
  });

  it('all of them must be there, views too: nothing is created', () => {
    const view = plannedTable({ name: 'recent', engine: 'View', coverage: 'schema only' });
    for (const mode of ['intoExisting', 'append'] as const) {
      const plan = restorePlan({ mode, confirm: ['append'], tables: [plannedTable(), view] });
      const found = blocking(plan, { databases: WITH_SHOP, tables: [standingTable()] });
      expect(found).toMatchObject([{ what: 'The server does not have shop.recent.' }]);
    }
  });
});

it('adding rows to rows is said also when it is meant so', () => {
  const plan = restorePlan({ mode: 'append', confirm: ['append'] });
  expect(
    destinationFindings(plan, destination({ databases: WITH_SHOP, tables: [standingTable()] })),
  ).toMatchObject([
    { check: 'confirmation', weight: 'notice', remedy: 'A second restore would add them again.' },
  ]);
});

it('ten are named, and of eleven one is counted', () => {
  const found = (count: number) => {
    const tables = Array.from({ length: count }, (_, index) => plannedTable({ name: `t${index}` }));
    return blocking(restorePlan({ mode: 'append', confirm: ['append'], tables }))[0]?.what;
  };
  expect(found(10)).toMatch(/, shop\.t9\.$/);
  expect(found(11)).toMatch(/, shop\.t9 and 1 more\.$/);
});

it('of thousands, ten are named', () => {
  const tables = Array.from({ length: 5000 }, (_, index) => plannedTable({ name: `t${index}` }));
  const plan = restorePlan({ tables });
  const there = tables.map(({ name }) => standingTable({ table: name, rows: 1 }));
  const [found] = blocking(plan, { databases: WITH_SHOP, tables: there });
  expect(found?.what).toContain('and 4990 more');
  expect(found?.what.length).toBeLessThan(1000);
});

it('two hundred names may be typed, and no more', () => {
  const remedy = (count: number) => {
    const tables = Array.from({ length: count }, (_, index) => plannedTable({ name: `t${index}` }));
    const databases = [{ from: 'shop', to: 'shop', whole: false }];
    const there = tables.map(({ name }) => standingTable({ table: name }));
    const plan = restorePlan({ mode: 'replace', tables, databases });
    return blocking(plan, { databases: WITH_SHOP, tables: there })[0]?.remedy;
  };
  expect(remedy(200)).toContain('"shop.t199"]');
  expect(remedy(201)).toContain('They are too many to be typed');
});

it('thousands of names are not asked to be typed', () => {
  const tables = Array.from({ length: 5000 }, (_, index) => plannedTable({ name: `t${index}` }));
  const plan = restorePlan({
    mode: 'replace',
    tables,
    databases: [{ from: 'shop', to: 'shop', whole: false }],
  });
  const there = tables.map(({ name }) => standingTable({ table: name }));
  const [found] = blocking(plan, { databases: WITH_SHOP, tables: there });
  expect(found?.remedy).toContain('They are too many to be typed');
});
