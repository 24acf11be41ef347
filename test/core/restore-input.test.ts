import { describe, expect, it } from 'vitest';
import { explainIssues } from '../../core/config-problems.ts';
import { restoreInputSchema } from '../../core/restore-input.ts';

const read = (input: Readonly<Record<string, unknown>>) =>
  explainIssues(restoreInputSchema, { target: 'events', ...input }, 'The input of the execution');

it('needs nothing but the target', () => {
  expect(read({})).toEqual({
    target: 'events',
    backup: 'latest-proven',
    structureOnly: false,
    confirm: [],
    accept: [],
    check: false,
    dryRun: false,
    drill: false,
  });
});

it.each([
  [{ tables: ['shop.orders'], partitions: [{ table: 'shop.log', ids: ['1'] }] }],
  [{ databases: ['shop'], as: { shop: 'beside' } }],
  [{ tables: ['shop.orders', 'shop.log'] }],
  [{ mode: 'replace', except: ['shop.log'] }],
  [{ drill: true, mode: 'new' }],
  [{ as: { shop: 'beside' }, mode: 'new' }],
  [{ at: '2026-04-02T02:00:00Z' }],
  [{ at: '2026-04-02T04:00:00+02:00', mode: 'replace', confirm: ['shop'] }],
  [{ drill: true, databases: ['shop'] }],
])('takes %j', (input) => {
  expect(read(input)).toMatchObject({ target: 'events' });
});

describe('refuses', () => {
  it.each([
    [{ target: '' }, 'target'],
    [{ trget: 'events' }, 'did you mean'],
    [{ at: '2026-04-02' }, 'at is "2026-04-02"'],
    [{ at: '2026-04-02T02:00:00Z', backup: 'latest' }, 'both choose the backup'],
    [{ databases: [] }, 'databases'],
    [{ databases: ['shop'], tables: ['shop.orders'] }, 'cannot stand beside'],
    [
      { databases: ['shop'], partitions: [{ table: 'shop.log', ids: ['1'] }] },
      'databases cannot stand beside `tables` or `partitions`',
    ],
    [{ tables: ['shop.orders'], except: ['shop.log'] }, 'except leaves tables out of whole databases'],
    [{ drill: true, as: { shop: 'beside' } }, 'drill is true; makes scratch databases of its own'],
    [{ tables: [] }, 'tables is an empty list; must be at least 1 entry'],
    [{ tables: ['orders'] }, 'tables'],
    [{ tables: ['shop.orders'], mode: 'new' }, 'whole databases'],
    [{ tables: ['shop.orders'], as: { shop: 'beside' } }, 'gives databases new names'],
    [{ as: { shop: 'beside' }, mode: 'asIs' }, 'gives databases new names'],
    [{ as: { shop: 'same', app: 'same' } }, 'gives two databases the same name'],
    [{ as: { shop: 'system' } }, 'belongs to ClickHouse itself'],
    [{ databases: ['app'], as: { shop: 'beside' } }, 'renames "shop", which `databases` does not name'],
    [{ databases: ['information_schema'] }, 'belongs to ClickHouse itself'],
    [{ tables: ['system.query_log'] }, 'belongs to ClickHouse itself'],
    [{ partitions: [{ table: 'system.query_log', ids: ['1'] }] }, 'belongs to ClickHouse itself'],
    [{ partitions: [{ table: 'shop.orders', ids: [] }] }, 'partitions'],
    [{ drill: true, mode: 'replace' }, 'makes scratch databases of its own'],
    [{ drill: true, tables: ['shop.orders'] }, 'makes scratch databases of its own'],
    [{ drill: true, structureOnly: true }, 'compares data'],
    [{ mode: 'overwrite' }, 'mode is "overwrite"'],
    [{ confirm: 'shop' }, 'confirm'],
  ])('%j', (input, said) => {
    expect(() => read(input)).toThrow(said);
  });
});
