import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteIdentifier } from '../../core/identifiers.ts';
import type { RestorePlan } from '../../core/restore.ts';
import { swapStatements } from '../../core/restore-swap.ts';
import { tries } from './property-runs.ts';
import { plannedTable, restorePlan } from './restore-plans.ts';

const beside = (...names: readonly string[]): RestorePlan =>
  restorePlan({
    mode: 'new',
    databases: [{ from: 'shop', to: 'beside', whole: true }],
    tables: names.map((name) => plannedTable({ name, to: { database: 'beside', table: name } })),
  });

const live = (...names: readonly string[]) => names.map((table) => ({ database: 'shop', table }));

it('exchanges tables that are live, and moves those that are not', () => {
  expect(swapStatements(beside('orders', 'lost'), live('orders'), "clu'ster")).toEqual({
    swap: [
      "EXCHANGE TABLES `shop`.`orders` AND `beside`.`orders` ON CLUSTER `clu'ster`",
      "RENAME TABLE `beside`.`lost` TO `shop`.`lost` ON CLUSTER `clu'ster`",
    ],
    swapBack: [
      "RENAME TABLE `shop`.`lost` TO `beside`.`lost` ON CLUSTER `clu'ster`",
      "EXCHANGE TABLES `shop`.`orders` AND `beside`.`orders` ON CLUSTER `clu'ster`",
    ],
  });
});

it('leaves views, dictionaries and everything without rows where they are', () => {
  const plan = restorePlan({
    ...beside('orders'),
    tables: [
      ...beside('orders').tables,
      plannedTable({ name: 'recent', engine: 'View', coverage: 'schema only' }),
      plannedTable({ name: 'own', engine: 'MaterializedView', to: { database: 'beside', table: 'own' } }),
    ],
  });
  const { swap } = swapStatements(plan, live('orders', 'recent', 'own'), undefined);
  expect(swap.filter((statement) => !statement.startsWith('--'))).toEqual([
    'EXCHANGE TABLES `shop`.`orders` AND `beside`.`orders`',
  ]);
});

it.each([[{ mode: 'asIs' }], [{ drill: true }], [{ structureOnly: true }]] as const)(
  'says nothing for %j',
  (overrides) => {
    expect(swapStatements({ ...beside('orders'), ...overrides }, live('orders'), undefined)).toEqual({
      swap: [],
      swapBack: [],
    });
  },
);

it('says nothing where nothing could be exchanged', () => {
  const view = plannedTable({
    name: 'own',
    engine: 'MaterializedView',
    to: { database: 'beside', table: 'own' },
  });
  const nothing = { swap: [], swapBack: [] };
  expect(swapStatements(restorePlan({ ...beside(), tables: [view] }), live('own'), undefined)).toEqual(
    nothing,
  );
  expect(swapStatements(restorePlan({ ...beside(), tables: [] }), live('own'), undefined)).toEqual(nothing);
});

it('says nothing of a database that is not live, beside one that is', () => {
  const other = plannedTable({
    database: 'logs',
    name: 'lines',
    to: { database: 'beside_logs', table: 'lines' },
  });
  const plan = restorePlan({ ...beside('orders'), tables: [...beside('orders').tables, other] });
  expect(swapStatements(plan, live('orders'), undefined).swap).toEqual([
    'EXCHANGE TABLES `shop`.`orders` AND `beside`.`orders`',
  ]);
});

it('says nothing where nothing is live', () => {
  expect(swapStatements(beside('orders'), [], undefined)).toEqual({ swap: [], swapBack: [] });
});

describe('there and back', () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 6 })
    .filter((text) => text.isWellFormed());

  it('is as if nothing had happened, and there is where the restored tables are live', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { minLength: 1, maxLength: 5 }),
        fc.uniqueArray(name, { minLength: 1, maxLength: 5 }),
        (restored, standing) => {
          const { swap, swapBack } = swapStatements(beside(...restored), live(...standing), undefined);
          const before = new Map([
            ...restored.map((table) => [placeOf('beside', table), 'restored'] as const),
            ...standing.map((table) => [placeOf('shop', table), 'live'] as const),
          ]);
          const there = run(before, swap);
          for (const table of restored) expect(there.get(placeOf('shop', table))).toBe('restored');
          expect([...run(there, swapBack)].sort()).toEqual([...before].sort());
        },
      ),
      tries(500),
    );
  });

  const placeOf = (database: string, table: string): string =>
    `${quoteIdentifier(database)}.${quoteIdentifier(table)}`;
  /** A name in backticks may hold anything but a backtick that is not escaped. */
  const PLACE = String.raw`(\`(?:[^\`\\]|\\[^])+\`\.\`(?:[^\`\\]|\\[^])+\`)`;

  /** What the statements would do to what stands in each place. */
  function run(before: ReadonlyMap<string, string>, statements: readonly string[]): Map<string, string> {
    const after = new Map(before);
    for (const statement of statements) {
      const exchange = new RegExp(`^EXCHANGE TABLES ${PLACE} AND ${PLACE}$`).exec(statement);
      const rename = new RegExp(`^RENAME TABLE ${PLACE} TO ${PLACE}$`).exec(statement);
      const [, from = '', to = ''] = exchange ?? rename ?? [];
      const [a, b] = [after.get(from), after.get(to)];
      if (a === undefined) throw new Error(`nothing is at ${from}: ${statement}`);
      if (rename !== null) {
        if (b !== undefined) throw new Error(`something is at ${to}: ${statement}`);
        after.delete(from);
      } else if (b === undefined) throw new Error(`nothing is at ${to}: ${statement}`);
      else after.set(from, b);
      after.set(to, a);
    }
    return after;
  }
});
