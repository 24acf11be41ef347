import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dropped, RestorePlan, StandingTable } from '../../core/restore.ts';
import { type CleanUpFacts, planCleanUp } from '../../core/restore-clean-up.ts';
import { RESTORE_MODES } from '../../core/restore-input.ts';
import { tries } from './property-runs.ts';
import { heldTable, plannedTable, restorePlan, standingTable } from './restore-plans.ts';

const NOTHING = { databases: ['default'], tables: [] };

const facts = (overrides: Partial<CleanUpFacts> = {}): CleanUpFacts => ({
  before: NOTHING,
  now: NOTHING,
  room: { dropped: [], created: [] },
  begun: 'yes',
  held: [heldTable()],
  ...overrides,
});

const nothing = { dropTables: [], dropDatabases: [], truncate: [], leave: [] };

const withShop = (...tables: readonly StandingTable[]) => ({ databases: ['default', 'shop'], tables });

describe('what is dropped', () => {
  it('is the database that was not there, with everything of the backup in it', () => {
    const plan = restorePlan();
    const now = withShop(standingTable(), standingTable({ table: '.inner_id.5fe2ab42' }));
    expect(planCleanUp(plan, facts({ now }))).toEqual({ ...nothing, dropDatabases: ['shop'] });
  });

  it('is the table alone, where its database stood', () => {
    const mine = standingTable();
    expect(planCleanUp(restorePlan(), facts({ before: withShop(), now: withShop(mine) }))).toEqual({
      ...nothing,
      dropTables: [mine],
    });
  });

  it('is nothing that the backup does not know, and the database stays for it', () => {
    const mine = standingTable();
    const now = withShop(mine, standingTable({ table: 'strange' }));
    expect(planCleanUp(restorePlan(), facts({ now }))).toEqual({
      ...nothing,
      dropTables: [mine],
      leave: [{ kind: 'database', database: 'shop' }],
    });
  });

  it('is the scratch database of a drill, whatever has come into it', () => {
    const plan = restorePlan({
      mode: 'new',
      drill: true,
      databases: [{ from: 'shop', to: 'scratch', whole: true }],
      tables: [plannedTable({ to: { database: 'scratch', table: 'orders' } })],
    });
    const now = {
      databases: ['scratch'],
      tables: [standingTable({ database: 'scratch', table: 'strange' })],
    };
    expect(planCleanUp(plan, facts({ now })).dropDatabases).toEqual(['scratch']);
  });

  it('is no table that stood there, though replicas know it by different UUIDs', () => {
    const plan = restorePlan({ mode: 'append' });
    const before = withShop(standingTable({ rows: 7 }));
    const now = withShop(standingTable({ rows: 7 }));
    expect(planCleanUp(plan, facts({ before, now, held: [heldTable({ rows: 7 })] }))).toEqual(nothing);
  });

  it('is nothing when the statement was never sent, though others have made such a table meanwhile', () => {
    const now = withShop(standingTable());
    for (const mode of RESTORE_MODES)
      expect(planCleanUp(restorePlan({ mode }), facts({ begun: 'no', now }))).toEqual(nothing);
  });

  it('is nothing when no server knows the statement; what is new is named', () => {
    const cleanUp = planCleanUp(restorePlan(), facts({ begun: 'unknown', now: withShop(standingTable()) }));
    expect(cleanUp).toMatchObject({ dropTables: [], dropDatabases: [], truncate: [] });
    expect(cleanUp.leave).toMatchObject([{ kind: 'new', rows: 1000 }]);
  });

  it('is an empty database that was made for it, when the statement was never sent', () => {
    const plan = restorePlan({ mode: 'new' });
    const room = { dropped: [], created: ['shop'] };
    expect(planCleanUp(plan, facts({ begun: 'no', now: withShop(), room })).dropDatabases).toEqual(['shop']);
  });

  it.each([
    ['more rows than the backup has', heldTable({ rows: 1012, fingerprint: 'f2' })],
    ['rows of its own', heldTable({ rows: 5, fingerprint: 'f2' })],
  ])('is no new table with %s', (_, held) => {
    const now = withShop(standingTable());
    for (const mode of ['asIs', 'replace'] as const) {
      const cleanUp = planCleanUp(restorePlan({ mode }), facts({ before: withShop(), now, held: [held] }));
      expect(cleanUp).toMatchObject({ dropTables: [], dropDatabases: [] });
      expect(cleanUp.leave).toMatchObject([{ kind: 'new', rows: held.rows }]);
    }
  });

  it.each([
    ['is empty', heldTable({ rows: 0, fingerprint: null }), {}],
    ['has been merged since', heldTable({ rows: 900, fingerprint: 'f2', restoredFingerprint: 'f1' }), {}],
    ['has as many rows', heldTable({ fingerprint: null }), { engine: 'Log', fingerprint: null }],
    ['was never counted', heldTable({ rows: 5 }), { rows: null, fingerprint: null }],
    [
      'keeps nothing itself',
      heldTable({ rows: 5, fingerprint: 'f2' }),
      { engine: 'MaterializedView', bytes: 0 },
    ],
    ['cannot be counted', heldTable({ rows: null, fingerprint: null }), {}],
    ['was restored in part', heldTable({ rows: 5, fingerprint: 'f2' }), { partitions: ['202604'] }],
  ])('is a new table that %s', (_, held, planned) => {
    const mine = standingTable();
    const plan = restorePlan({ tables: [plannedTable(planned)] });
    const cleanUp = planCleanUp(plan, facts({ before: withShop(), now: withShop(mine), held: [held] }));
    expect(cleanUp).toEqual({ ...nothing, dropTables: [mine] });
  });

  it('is a new table under a new name whatever it holds: nobody else writes there', () => {
    const mine = standingTable();
    const held = [heldTable({ rows: 5, fingerprint: 'f2' })];
    const now = withShop(mine);
    const cleanUp = planCleanUp(restorePlan({ mode: 'new' }), facts({ before: withShop(), now, held }));
    expect(cleanUp).toEqual({ ...nothing, dropTables: [mine] });
  });

  it('is each database that was made and has nothing of others in it, beside one that has', () => {
    const plan = restorePlan({
      databases: ['shop', 'logs'].map((name) => ({ from: name, to: name, whole: true })),
    });
    const now = {
      databases: ['default', 'shop', 'logs'],
      tables: [standingTable({ table: 'strange' })],
    };
    expect(planCleanUp(plan, facts({ now }))).toEqual({
      ...nothing,
      dropDatabases: ['logs'],
      leave: [{ kind: 'database', database: 'shop' }],
    });
  });

  it('is a new table of an Ordinary database, where no table has a UUID', () => {
    const uuid = '00000000-0000-0000-0000-000000000000';
    const mine = standingTable({ uuid });
    const beside = standingTable({ table: 'beside', uuid });
    const cleanUp = planCleanUp(
      restorePlan(),
      facts({ before: withShop(beside), now: withShop(mine, beside) }),
    );
    expect(cleanUp).toEqual({ ...nothing, dropTables: [mine] });
  });

  it.each(['.inner.daily', '.inner_id.5fe2ab42'])('is %s with its view, and not by itself', (inner) => {
    const [mine, own] = [standingTable(), standingTable({ table: inner })];
    expect(planCleanUp(restorePlan(), facts({ before: withShop(), now: withShop(mine, own) }))).toEqual({
      ...nothing,
      dropTables: [mine],
    });
    expect(planCleanUp(restorePlan(), facts({ now: withShop(mine, own) })).dropDatabases).toEqual(['shop']);
  });

  it.each(['not.inner.daily', '.inner', '.innermost.daily'])(
    'is not %s, which is no inner table',
    (strange) => {
      const now = withShop(standingTable(), standingTable({ table: strange }));
      expect(planCleanUp(restorePlan(), facts({ now })).leave).toEqual([
        { kind: 'database', database: 'shop' },
      ]);
    },
  );

  it('is no new table with rows, where only definitions were restored', () => {
    const plan = restorePlan({ structureOnly: true });
    const cleanUp = planCleanUp(plan, facts({ before: withShop(), now: withShop(standingTable()) }));
    expect(cleanUp.dropTables).toEqual([]);
  });
});

describe('after a replacement', () => {
  const plan = restorePlan({ mode: 'replace' });
  const old = standingTable({ rows: 7 });
  const before = withShop(old);
  const dropped: Dropped = { kind: 'database', database: 'shop', table: null };

  it('drops nothing when the old tables were not dropped', () => {
    for (const begun of ['no', 'unknown', 'yes'] as const)
      for (const room of [
        { dropped: [], created: [] },
        { dropped: [{ ...dropped, database: 'other' }], created: [] },
      ]) {
        const cleanUp = planCleanUp(plan, facts({ before, now: before, begun, room }));
        expect(cleanUp).toMatchObject({ dropTables: [], dropDatabases: [], truncate: [] });
      }
  });

  it('drops the new database of the same name, and says that the old one is gone', () => {
    const now = withShop(standingTable());
    expect(planCleanUp(plan, facts({ before, now, room: { dropped: [dropped], created: [] } }))).toEqual({
      ...nothing,
      dropDatabases: ['shop'],
      leave: [{ kind: 'replaced', database: 'shop', table: null }],
    });
  });

  it('drops the new table of the same name, and nothing beside it', () => {
    const mine = standingTable();
    const beside = standingTable({ table: 'beside' });
    const room = { dropped: [{ kind: 'table', database: 'shop', table: 'orders' } as const], created: [] };
    const cleanUp = planCleanUp(
      plan,
      facts({ before: withShop(old, beside), now: withShop(mine, beside), room }),
    );
    expect(cleanUp).toEqual({
      ...nothing,
      dropTables: [mine],
      leave: [{ kind: 'replaced', database: 'shop', table: 'orders' }],
    });
  });
});

describe('after single tables were dropped to be replaced', () => {
  const dropped: Dropped = { kind: 'table', database: 'shop', table: 'orders' };
  const room = { dropped: [dropped], created: [] };
  const replacement = restorePlan({
    mode: 'replace',
    databases: ['shop', 'logs'].map((name) => ({ from: name, to: name, whole: false })),
    tables: [plannedTable(), plannedTable({ name: 'items' }), plannedTable({ database: 'logs' })],
  });
  const both = (...tables: readonly StandingTable[]) => ({ databases: ['shop', 'logs'], tables });
  const held = [heldTable(), heldTable(), heldTable()];

  it('takes no other table for a new one, though a replica knows it by another UUID', () => {
    const mine = standingTable();
    const before = both(
      standingTable({ rows: 7 }),
      standingTable({ table: 'items', rows: 7 }),
      standingTable({ database: 'logs', rows: 7 }),
    );
    const now = both(
      mine,
      standingTable({ table: 'items', rows: 7 }),
      standingTable({ database: 'logs', rows: 7 }),
    );
    expect(planCleanUp(replacement, facts({ before, now, room, held }))).toEqual({
      ...nothing,
      dropTables: [mine],
      leave: [{ kind: 'replaced', database: 'shop', table: 'orders' }],
    });
  });

  it('leaves one that still stands, though it was to be dropped and holds what the backup holds', () => {
    const old = standingTable({ rows: 1000 });
    const single = facts({ before: both(old), now: both(old), room, held });
    expect(planCleanUp(replacement, single)).toMatchObject({
      dropTables: [],
      dropDatabases: [],
      truncate: [],
    });
    const whole = facts({
      before: withShop(old),
      now: withShop(old),
      room: { dropped: [{ kind: 'database', database: 'shop', table: null }], created: [] },
    });
    expect(planCleanUp(restorePlan({ mode: 'replace' }), whole)).toMatchObject({
      dropTables: [],
      dropDatabases: [],
      truncate: [],
    });
  });

  it('does not say that one is gone which others have made again', () => {
    const before = both(standingTable({ rows: 7 }));
    const now = both(standingTable({ rows: 5 }));
    const strange = [heldTable({ rows: 5, fingerprint: 'f2' }), heldTable(), heldTable()];
    expect(planCleanUp(replacement, facts({ before, now, room, held: strange }))).toMatchObject({
      dropTables: [],
      leave: [{ kind: 'new', rows: 5 }],
    });
  });

  it('says that one is gone although one of its name stands elsewhere', () => {
    const before = both(standingTable({ rows: 7 }), standingTable({ database: 'logs', rows: 7 }));
    const now = both(before.tables[1] ?? standingTable());
    expect(planCleanUp(replacement, facts({ before, now, room, held }))).toEqual({
      ...nothing,
      leave: [{ kind: 'replaced', database: 'shop', table: 'orders' }],
    });
  });

  it('does not say that a database is gone which others have made again and filled', () => {
    const whole = restorePlan({ mode: 'replace' });
    const now = withShop(standingTable({ table: 'strange' }));
    const cleanUp = planCleanUp(
      whole,
      facts({
        before: withShop(standingTable()),
        now,
        room: { dropped: [{ kind: 'database', database: 'shop', table: null }], created: [] },
      }),
    );
    expect(cleanUp).toEqual({ ...nothing, leave: [{ kind: 'database', database: 'shop' }] });
  });
});

describe('tables that stood there empty', () => {
  const before = withShop(standingTable());

  it('are told from their namesakes in other databases', () => {
    const plan = restorePlan({
      databases: ['logs', 'shop'].map((name) => ({ from: name, to: name, whole: true })),
    });
    const stood = (logs: number, shop: number) => ({
      databases: ['logs', 'shop'],
      tables: [standingTable({ database: 'logs', rows: logs }), standingTable({ rows: shop })],
    });
    const empty = stood(9, 0);
    expect(planCleanUp(plan, facts({ before: empty, now: empty })).truncate).toEqual([plannedTable()]);
    const full = stood(0, 9);
    expect(planCleanUp(plan, facts({ before: full, now: full }))).toMatchObject({
      truncate: [],
      leave: [{ kind: 'filled' }],
    });
  });

  it('are nothing of a restore whose statement was never sent, whatever they hold now', () => {
    for (const mode of ['asIs', 'intoExisting', 'append'] as const)
      expect(planCleanUp(restorePlan({ mode }), facts({ before, now: before, begun: 'no' }))).toEqual(
        nothing,
      );
  });

  it('are left when no server knows the statement, even if they hold what the backup holds', () => {
    const cleanUp = planCleanUp(restorePlan(), facts({ before, now: before, begun: 'unknown' }));
    expect(cleanUp).toMatchObject({ truncate: [], leave: [{ kind: 'filled', rows: 1000 }] });
  });

  it.each([
    ['are empty', {}, {}, heldTable({ rows: 0, fingerprint: null })],
    ['are gone', {}, {}, heldTable({ exists: false, rows: null, fingerprint: null })],
    [
      'keep no data in a backup',
      { engine: 'Kafka', coverage: 'schema only' },
      { engine: 'Kafka' },
      heldTable({ rows: 5 }),
    ],
    ['are views', {}, { engine: 'MaterializedView' }, heldTable({ rows: 5 })],
  ] as const)('are nothing to be told when they %s', (_, planned, stood, held) => {
    const there = withShop(standingTable(stood));
    const plan = restorePlan({ mode: 'intoExisting', tables: [plannedTable(planned)] });
    expect(planCleanUp(plan, facts({ before: there, now: there, held: [held] }))).toEqual(nothing);
  });

  it('are none of a restore under a new name', () => {
    expect(planCleanUp(restorePlan({ mode: 'new' }), facts({ before, now: before }))).toEqual(nothing);
  });

  it('are emptied when they hold exactly what the backup holds', () => {
    for (const mode of ['asIs', 'intoExisting'] as const)
      expect(planCleanUp(restorePlan({ mode }), facts({ before, now: before }))).toEqual({
        ...nothing,
        truncate: [plannedTable()],
      });
  });

  it.each([
    ['hold other rows', {}, heldTable({ fingerprint: 'f2' })],
    ['cannot be compared', { fingerprint: null }, heldTable()],
    ['cannot be counted', {}, heldTable({ rows: null, fingerprint: null })],
    ['were restored in part', { partitions: ['202604'] }, heldTable()],
  ])('are left when they %s', (_, planned, held) => {
    const plan = restorePlan({ tables: [plannedTable(planned)] });
    const cleanUp = planCleanUp(plan, facts({ before, now: before, held: [held] }));
    expect(cleanUp.truncate).toEqual([]);
    expect(cleanUp.leave).toMatchObject([{ kind: 'filled', rows: held.rows }]);
  });

  it('are left alone when they had rows before, even the same as the backup', () => {
    const full = withShop(standingTable({ rows: 1000 }));
    const cleanUp = planCleanUp(restorePlan(), facts({ before: full, now: full }));
    expect(cleanUp.truncate).toEqual([]);
  });

  it('are left alone when only definitions were restored', () => {
    const plan = restorePlan({ structureOnly: true });
    expect(planCleanUp(plan, facts({ before, now: before }))).toEqual(nothing);
  });
});

it('names the tables to which rows were added', () => {
  const before = withShop(standingTable({ rows: 10 }));
  const cleanUp = planCleanUp(
    restorePlan({ mode: 'append' }),
    facts({ before, now: before, held: [heldTable({ rows: 1010 })] }),
  );
  expect(cleanUp).toMatchObject({ ...nothing, leave: [{ kind: 'appended', before: 10, rows: 1010 }] });
});

describe('whatever stood and stands there', () => {
  const name: fc.Arbitrary<string> = fc.constantFrom('shop', 'orders', 'app', '.inner_id.x', 'we"ird`');
  const uuid = fc.integer({ min: 0, max: 6 }).map((number) => `00000000-0000-0000-0000-00000000000${number}`);
  const rows = fc.constantFrom(null, 0, 5, 1000);
  const table = fc.record({
    database: name,
    table: name,
    uuid,
    engine: fc.constantFrom('MergeTree', 'View'),
    rows,
  });
  const unique = fc.uniqueArray(table, {
    maxLength: 6,
    selector: (entry) => JSON.stringify([entry.database, entry.table]),
  });
  const standing = fc.record({ databases: fc.uniqueArray(name), tables: unique });
  const planned = fc
    .record({
      database: name,
      name,
      bytes: fc.constantFrom(0, 5000),
      partitions: fc.constantFrom<string[]>([], ['1']),
    })
    .map(plannedTable);
  const plan: fc.Arbitrary<RestorePlan> = fc
    .record({
      mode: fc.constantFrom(...RESTORE_MODES),
      structureOnly: fc.boolean(),
      tables: fc.uniqueArray(planned, { maxLength: 5, selector: (entry) => JSON.stringify(entry.to) }),
      databases: fc
        .uniqueArray(name)
        .map((names) => names.map((database) => ({ from: database, to: database, whole: true }))),
    })
    .map(restorePlan);
  const dropped = fc
    .record({ database: name, table: fc.option(name) })
    .map((entry): Dropped => ({ kind: entry.table === null ? 'database' : 'table', ...entry }));
  const begun = fc.constantFrom('no', 'unknown', 'yes');
  const seen = fc.record({ rows, fingerprint: fc.constantFrom(null, 'f1', 'f2') }).map(heldTable);
  const NO_UUID = '00000000-0000-0000-0000-000000000000';

  it('drops no table that stood before, and no database; but for what was dropped to be replaced', () => {
    fc.assert(
      fc.property(
        plan,
        standing,
        standing,
        fc.array(dropped, { maxLength: 3 }),
        begun,
        fc.array(seen),
        (...made) => {
          const [given, before, now, all, state, held] = made;
          // Nothing but `replace` makes room, and only there where something stood.
          const room = { dropped: given.mode === 'replace' ? all : [], created: [] };
          const cleanUp = planCleanUp(given, { before, now, room, begun: state, held });
          const wasDropped = (database: string, name: string | null): boolean =>
            room.dropped.some(
              (entry) => entry.database === database && (entry.table === null || entry.table === name),
            );
          const goes = [
            ...cleanUp.dropTables,
            ...(now.tables.filter(({ database }) => cleanUp.dropDatabases.includes(database)) ?? []),
          ];
          for (const entry of goes) {
            expect(
              before.tables.filter(({ uuid: id }) => id !== NO_UUID).map(({ uuid: id }) => id),
            ).not.toContain(entry.uuid);
            const stood = before.tables.some(
              (old) => old.database === entry.database && old.table === entry.table,
            );
            if (stood) expect(wasDropped(entry.database, entry.table)).toBe(true);
          }
          for (const database of cleanUp.dropDatabases)
            if (before.databases.includes(database)) expect(wasDropped(database, null)).toBe(true);
          if (state !== 'yes') expect(goes).toEqual([]);
        },
      ),
      tries(2000),
    );
  });

  it('empties only what stood there with no rows in it', () => {
    fc.assert(
      fc.property(
        plan,
        standing,
        begun,
        fc.array(seen, { minLength: 5, maxLength: 5 }),
        (given, before, state, held) => {
          const { truncate } = planCleanUp(given, facts({ before, now: before, begun: state, held }));
          for (const { to } of truncate)
            expect(
              before.tables.find((there) => there.database === to.database && there.table === to.table)?.rows,
            ).toBe(0);
        },
      ),
      tries(2000),
    );
  });
});
