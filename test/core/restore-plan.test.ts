import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Proven, Started, Verified, Written } from '../../core/ledger.ts';
import { restorePlanSchema } from '../../core/restore.ts';
import { chooseContent } from '../../core/restore-choice.ts';
import { type RestoreInput, restoreInputSchema } from '../../core/restore-input.ts';
import { DRILL_PREFIX, modeOf, planRestore, type RestoreOrder } from '../../core/restore-plan.ts';
import { DEFINITION } from './restore-plans.ts';

const table = (database: string, name: string, engine = 'MergeTree') =>
  ({ database, name, engine, coverage: engine.endsWith('MergeTree') ? 'data' : 'schema only' }) as const;

const TABLES = [table('shop', 'orders'), table('shop', 'recent', 'View'), table('app', 'users')];

const STARTED = {
  version: 1,
  target: 'events',
  id: '20260402T020000Z-full-k3f9',
  at: '2026-04-02T02:00:00.000Z',
  by: 'execution-of-a-test',
  kind: 'full',
  base: null,
  reason: null,
  scheduledTime: null,
  attempt: 1,
  clickhouse: { version: '26.7.2.1', server: 'A', host: 'a.example' },
  databases: ['shop', 'app'],
  tables: TABLES,
} satisfies Started;

const VERIFIED = {
  ...STARTED,
  at: '2026-04-02T02:20:00.000Z',
  manifest: { bytes: 10, etag: '"etag"', sha256: 'a' },
  tables: TABLES.map((each) => ({ ...each, files: 3, bytes: 300 })),
} as unknown as Verified;

const PROVEN = {
  level: 'bytes',
  tables: [
    {
      database: 'shop',
      name: 'orders',
      rows: 7,
      parts: 2,
      bytes: 290,
      fingerprint: 'f1',
      reading: 'checked',
    },
    { database: 'app', name: 'users', rows: 5, parts: 1, bytes: 90, fingerprint: 'f2', reading: 'counted' },
  ],
} as unknown as Proven;

const WRITTEN = {
  at: '2026-04-02T02:15:00.000Z',
  startTime: '2026-04-02 02:00:01',
  endTime: '2026-04-02 02:14:59',
} as unknown as Written;

function plan(
  input: Partial<RestoreInput> = {},
  overrides: Partial<RestoreOrder> = {},
  started: Started = STARTED,
) {
  const request = restoreInputSchema.parse({ target: 'events', ...input });
  const chosen = chooseContent(request, started);
  return planRestore({
    request,
    execution: 'execution-of-a-test',
    restore: '20260403T040506Z-restore-abcdef',
    evidence: { started, written: WRITTEN, verified: VERIFIED, proven: PROVEN },
    chosen,
    definitions: chosen.tables.map(() => DEFINITION),
    definedDatabases: new Set(started.databases),
    now: Date.UTC(2026, 3, 3, 4, 5, 6),
    ...overrides,
  });
}

describe('the mode', () => {
  it.each([
    [{}, 'new'],
    [{ databases: ['shop'] }, 'new'],
    [{ tables: ['shop.orders'] }, 'asIs'],
    [{ partitions: [{ table: 'shop.orders', ids: ['1'] }] }, 'asIs'],
    [{ tables: ['shop.orders'], mode: 'append' }, 'append'],
  ] as const)('of %j is %s', (input, mode) => {
    expect(modeOf(restoreInputSchema.parse({ target: 'events', ...input }))).toBe(mode);
  });
});

describe('where it goes', () => {
  it('by default beside the live ones, under the time of the restore', () => {
    const { databases, elements, quiet } = plan();
    expect(databases).toEqual([
      { from: 'shop', to: 'shop_restored_20260403_040506', whole: true },
      { from: 'app', to: 'app_restored_20260403_040506', whole: true },
    ]);
    expect(elements).toEqual([
      { kind: 'database', database: 'shop', as: 'shop_restored_20260403_040506' },
      { kind: 'database', database: 'app', as: 'app_restored_20260403_040506' },
    ]);
    expect(quiet).toBe(true);
  });

  it('under the names that are given', () => {
    expect(plan({ as: { shop: 'beside' } }).databases.map(({ to }) => to)).toEqual([
      'beside',
      'app_restored_20260403_040506',
    ]);
  });

  it('of a drill into scratch databases that no other drill has, which are read to the last byte', () => {
    const { databases, mode, check, quiet } = plan({ drill: true });
    expect(databases.map(({ to }) => to)).toEqual([
      `${DRILL_PREFIX}abcdef_shop`,
      `${DRILL_PREFIX}abcdef_app`,
    ]);
    expect({ mode, check, quiet }).toEqual({ mode: 'new', check: true, quiet: true });
  });

  it('of single tables under their own names, one by one', () => {
    const { elements, databases } = plan({
      tables: ['app.users'],
      partitions: [{ table: 'shop.orders', ids: ['1'] }],
    });
    expect(elements).toEqual([
      { kind: 'table', database: 'shop', table: 'orders', partitions: ['1'] },
      { kind: 'table', database: 'app', table: 'users' },
    ]);
    expect(databases.every(({ whole }) => !whole)).toBe(true);
  });

  it('of a backup that was taken table by table, table by table, without what would use the live ones', () => {
    const made = plan({ databases: ['shop'], as: { shop: 'beside' } }, { definedDatabases: new Set() });
    expect(made.elements).toEqual([
      { kind: 'table', database: 'shop', table: 'orders', as: { database: 'beside', table: 'orders' } },
    ]);
    expect(made.leftOut).toMatchObject([{ database: 'shop', table: 'recent' }]);
    expect(made.databases).toEqual([{ from: 'shop', to: 'beside', whole: false }]);
  });
});

describe('a view that refreshes by itself', () => {
  const started: Started = {
    ...STARTED,
    tables: [
      table('shop', 'orders'),
      table('shop', 'fresh', 'MaterializedView'),
      table('app', 'fresh', 'MaterializedView'),
    ],
  };
  const definitions = (names: readonly string[]) =>
    names.map((name) => ({ ...DEFINITION, refreshable: name === 'fresh' }));

  it('is left out where it is quiet, and only there', () => {
    const input = { databases: ['shop'] };
    const quiet = plan(input, { definitions: definitions(['orders', 'fresh']) }, started);
    expect(quiet.elements).toMatchObject([{ kind: 'database', except: ['fresh'] }]);
    expect(quiet.tables.map(({ name }) => name)).toEqual(['orders']);
    const loud = plan({ ...input, quiet: false }, { definitions: definitions(['orders', 'fresh']) }, started);
    expect(loud.leftOut).toEqual([]);
  });

  it('in two databases at once cannot be left out of one statement', () => {
    expect(() => plan({}, { definitions: definitions(['orders', 'fresh', 'fresh']) }, started)).toThrow(
      'Restore these databases one after the other',
    );
  });
});

it('leaves out what it is told to, and no namesake of it in another database', () => {
  const started = {
    ...STARTED,
    tables: [table('shop', 'orders'), table('shop', 'log'), table('app', 'orders'), table('app', 'log')],
  };
  const made = plan({ mode: 'asIs', except: ['shop.log'] }, {}, started);
  expect(made.leftOut).toEqual([{ database: 'shop', table: 'log', why: 'it was to be left out' }]);
  expect(made.elements).toEqual([
    { kind: 'database', database: 'shop', except: ['log'] },
    { kind: 'database', database: 'app' },
  ]);
  expect(made.tables.map(({ to }) => `${to.database}.${to.table}`)).toEqual([
    'shop.orders',
    'app.orders',
    'app.log',
  ]);
  expect(made.check).toBe(false);
  expect(plan({ check: true }).check).toBe(true);
  expect(plan({ mode: 'asIs' })).toMatchObject({ quiet: false, leftOut: [] });
});

it('says what was left out where that is everything, or too much', () => {
  const views = [table('shop', 'recent', 'View'), table('shop', 'names', 'Dictionary')];
  const started = { ...STARTED, databases: ['shop'], tables: views };
  expect(() => plan({}, { definedDatabases: new Set() }, started)).toThrow(
    /^Nothing is left to restore\.[\s\S]*shop\.recent: the backup was taken table by table.*shop\.names: /,
  );
  const two = { ...STARTED, tables: [...TABLES, table('app', 'log'), table('shop', 'log')] };
  expect(() => plan({ mode: 'asIs', except: ['shop.log', 'app.log'] }, {}, two)).toThrow(
    /exceptions from one in a statement[\s\S]*app\.log: it was to be left out; shop\.log: it was to be left out\./,
  );
});

it('leaves views of a backup that was taken table by table where they keep their names', () => {
  const views = ['View', 'Dictionary', 'Viewer'].map((engine) => table('shop', engine, engine));
  const started = { ...STARTED, databases: ['shop'], tables: [table('shop', 'orders'), ...views] };
  const made = (mode: 'asIs' | 'new') => plan({ mode }, { definedDatabases: new Set() }, started);
  expect(made('asIs').leftOut).toEqual([]);
  expect(made('new').leftOut.map(({ table: name }) => name)).toEqual(['View', 'Dictionary']);
});

it('asks nothing of a table whose definition could not be read', () => {
  expect(plan({}, { definitions: [null, null, null] }).leftOut).toEqual([]);
});

it('restores nothing only by saying so', () => {
  const started = { ...STARTED, databases: ['shop'], tables: [table('shop', 'recent', 'View')] };
  expect(() => plan({}, { definedDatabases: new Set() }, started)).toThrow('Nothing is left to restore.');
});

describe('what is expected', () => {
  it('is what the proof has counted, and the fingerprint of what it has read', () => {
    const { tables, proven } = plan({ databases: ['shop', 'app'] });
    expect(proven).toBe(true);
    expect(tables).toMatchObject([
      { name: 'orders', rows: 7, parts: 2, bytes: 290, fingerprint: 'f1' },
      { name: 'recent', rows: null, bytes: 300, fingerprint: null },
      { name: 'users', rows: 5, bytes: 90, fingerprint: null },
    ]);
  });

  it('of an unproven one is nothing but bytes', () => {
    const evidence = { started: STARTED, written: WRITTEN, verified: VERIFIED, proven: undefined };
    expect(plan({}, { evidence })).toMatchObject({
      proven: false,
      tables: [{ rows: null, bytes: 300, fingerprint: null }, {}, {}],
    });
  });

  it.each([
    [WRITTEN, ['2026-04-02T02:00:01.000Z', '2026-04-02T02:14:59.000Z']],
    [
      { ...WRITTEN, startTime: null, endTime: null },
      ['2026-04-02T02:00:00.000Z', '2026-04-02T02:15:00.000Z'],
    ],
    [
      { ...WRITTEN, endTime: '1970-01-01 00:00:00' },
      ['2026-04-02T02:00:01.000Z', '2026-04-02T02:15:00.000Z'],
    ],
    [{ ...WRITTEN, startTime: '', endTime: '' }, ['2026-04-02T02:00:00.000Z', '2026-04-02T02:15:00.000Z']],
    [
      { ...WRITTEN, startTime: '2026-04-02T02:00:03Z' },
      ['2026-04-02T02:00:03.000Z', '2026-04-02T02:14:59.000Z'],
    ],
    [undefined, ['2026-04-02T02:00:00.000Z', '2026-04-02T02:20:00.000Z']],
  ])('of time is between the beginning and the end of the backup', (written, [from, to]) => {
    const evidence = { started: STARTED, written, verified: VERIFIED, proven: PROVEN };
    expect(plan({}, { evidence }).covers).toEqual({ from, to });
  });
});

it('begins, where the id says no time, when its page was opened', () => {
  const started = { ...STARTED, id: 'adopted', at: '2026-04-02T02:00:05.000Z' };
  const evidence = { started, written: undefined, verified: VERIFIED, proven: PROVEN };
  expect(plan({}, { evidence }).covers.from).toBe('2026-04-02T02:00:05.000Z');
});

it('begins, where nothing was written down, at the time of its id and not of its page', () => {
  const started = { ...STARTED, at: '2026-04-02T02:00:05.000Z' };
  const evidence = { started, written: undefined, verified: VERIFIED, proven: PROVEN };
  expect(plan({}, { evidence }).covers.from).toBe('2026-04-02T02:00:00.000Z');
});

it('of any choice can be written down and read again, and restores each table in one place', () => {
  const inputs = fc.oneof(
    fc.record({ databases: fc.subarray(['shop', 'app'], { minLength: 1 }) }),
    fc.record({ tables: fc.subarray(['shop.orders', 'shop.recent', 'app.users'], { minLength: 1 }) }),
    fc.record({ mode: fc.constantFrom('new', 'asIs', 'replace', 'intoExisting', 'append') }),
    fc.constant({ drill: true }),
  );
  fc.assert(
    fc.property(inputs, fc.subarray(['shop', 'app']), (input, defined) => {
      const made = plan(input as Partial<RestoreInput>, { definedDatabases: new Set(defined) });
      expect(restorePlanSchema.parse(JSON.parse(JSON.stringify(made)))).toEqual(made);
      const places = made.tables.map(({ to }) => JSON.stringify(to));
      expect(new Set(places).size).toBe(places.length);
      for (const { database, to } of made.tables)
        expect(made.databases.find(({ from }) => from === database)?.to).toBe(to.database);
      if (made.mode !== 'new') for (const { from, to } of made.databases) expect(to).toBe(from);
      if (made.mode === 'new') for (const { from, to } of made.databases) expect(to).not.toBe(from);
    }),
  );
});
