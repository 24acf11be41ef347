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
  ])('are not those of %s', (_, there, table) => {
    const plan = restorePlan({ tables: [table] });
    expect(blocking(plan, { databases: WITH_SHOP, tables: [there] })).toEqual([]);
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

  it('of what is not there asks nothing', () => {
    expect(blocking(restorePlan({ mode: 'replace' }))).toEqual([]);
  });
});

describe('into tables that exist', () => {
  it('all of them must be there, views too: nothing is created', () => {
    const view = plannedTable({ name: 'recent', engine: 'View', coverage: 'schema only' });
    for (const mode of ['intoExisting', 'append'] as const) {
      const plan = restorePlan({ mode, confirm: ['append'], tables: [plannedTable(), view] });
      const found = blocking(plan, { databases: WITH_SHOP, tables: [standingTable()] });
      expect(found).toMatchObject([{ what: 'The server does not have shop.recent.' }]);
    }
  });
});

it('of thousands, ten are named', () => {
  const tables = Array.from({ length: 5000 }, (_, index) => plannedTable({ name: `t${index}` }));
  const plan = restorePlan({ tables });
  const there = tables.map(({ name }) => standingTable({ table: name, rows: 1 }));
  const [found] = blocking(plan, { databases: WITH_SHOP, tables: there });
  expect(found?.what).toContain('and 4990 more');
  expect(found?.what.length).toBeLessThan(1000);
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
