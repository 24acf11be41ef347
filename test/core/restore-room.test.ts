import { expect, it } from 'vitest';
import { RESTORE_MODES } from '../../core/restore-input.ts';
import { replacedBy } from '../../core/restore-room.ts';
import { plannedTable, restorePlan, standingTable } from './restore-plans.ts';

const before = {
  databases: ['shop'],
  tables: [
    standingTable(),
    standingTable({ table: 'names', engine: 'Dictionary' }),
    standingTable({ table: 'others' }),
  ],
};

it('is nothing in every mode but replace', () => {
  for (const mode of RESTORE_MODES)
    expect(replacedBy(restorePlan({ mode }), before)).toEqual(
      mode === 'replace' ? [{ kind: 'database', database: 'shop', table: null, engine: null }] : [],
    );
});

it('of single tables is those that stand there', () => {
  const plan = restorePlan({
    mode: 'replace',
    databases: [{ from: 'shop', to: 'shop', whole: false }],
    tables: ['orders', 'names', 'absent'].map((name) => plannedTable({ name })),
  });
  expect(replacedBy(plan, before)).toEqual([
    { kind: 'table', database: 'shop', table: 'orders', engine: 'MergeTree' },
    { kind: 'table', database: 'shop', table: 'names', engine: 'Dictionary' },
  ]);
});

it('of single tables in two databases is in each what was named of it, and no namesake in the other', () => {
  const plan = restorePlan({
    mode: 'replace',
    databases: ['shop', 'logs'].map((name) => ({ from: name, to: name, whole: false })),
    tables: [plannedTable(), plannedTable({ database: 'logs', name: 'lines' })],
  });
  const tables = ['shop', 'logs'].flatMap((database) =>
    ['orders', 'lines'].map((table) => standingTable({ database, table })),
  );
  expect(replacedBy(plan, { databases: ['shop', 'logs'], tables })).toEqual([
    { kind: 'table', database: 'shop', table: 'orders', engine: 'MergeTree' },
    { kind: 'table', database: 'logs', table: 'lines', engine: 'MergeTree' },
  ]);
});

it('of a database that is not there is nothing', () => {
  expect(replacedBy(restorePlan({ mode: 'replace' }), { databases: [], tables: [] })).toEqual([]);
});
