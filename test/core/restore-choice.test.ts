import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SafehouseError } from '../../core/errors.ts';
import { isGood, type LedgerEntry, STATES, type State } from '../../core/ledger.ts';
import { chooseBackup, chooseContent } from '../../core/restore-choice.ts';
import { type RestoreInput, restoreInputSchema } from '../../core/restore-input.ts';
import { tries } from './property-runs.ts';

const DAY = 86_400_000;
const FIRST = Date.UTC(2026, 3, 1, 2);

/** One backup a day, oldest first, with the states it has reached. */
const ledger = (...states: readonly (readonly State[])[]): LedgerEntry[] =>
  states.map((reached, day) => {
    const startedAt = FIRST + day * DAY;
    return {
      target: 'events',
      id: `202604${String(day + 1).padStart(2, '0')}T020000Z-full-k3f9`,
      kind: 'full',
      startedAt,
      states: Object.fromEntries(reached.map((state) => [state, startedAt])),
    } as LedgerEntry;
  });

const GOOD = ['started', 'written', 'verified'] as const;
const PROVEN = [...GOOD, 'proven'] as const;

const request = (input: Partial<RestoreInput> = {}) =>
  restoreInputSchema.parse({ target: 'events', ...input });

const dayOf = (entries: readonly LedgerEntry[], input: Partial<RestoreInput> = {}): number =>
  Number(chooseBackup(entries, request(input)).id.slice(6, 8));

describe('which backup', () => {
  it('by default is the newest proven one', () => {
    expect(dayOf(ledger(PROVEN, PROVEN, GOOD))).toBe(2);
    expect(() => dayOf(ledger(GOOD, GOOD))).toThrow('None of the 2 good backups of events is proven.');
    expect(() => dayOf([])).toThrow('The target events has no good backup.');
  });

  it('is the newest good one when that is asked for', () => {
    expect(dayOf(ledger(PROVEN, GOOD, ['started']), { backup: 'latest' })).toBe(2);
    expect(() => dayOf(ledger(['started']), { backup: 'latest' })).toThrow('has no good backup');
  });

  it('at a time is the newest good one that began no later, and must be proven', () => {
    const entries = ledger(PROVEN, PROVEN, GOOD);
    expect(dayOf(entries, { at: '2026-04-02T02:00:00Z' })).toBe(2);
    expect(dayOf(entries, { at: '2026-04-02T01:59:59Z' })).toBe(1);
    expect(dayOf(entries, { at: '2026-04-02T04:00:00+02:00' })).toBe(2);
    expect(() => dayOf(entries, { at: '2026-04-01T01:59:59Z' })).toThrow(
      'The oldest is 20260401T020000Z-full-k3f9.',
    );
    expect(() => dayOf(entries, { at: '2026-05-01T00:00:00Z' })).toThrow(
      'The newest proven one before it is 20260402T020000Z-full-k3f9.',
    );
  });

  it('of several is the newest, also where it is named for want of a better one', () => {
    expect(dayOf(ledger(GOOD, GOOD, GOOD, GOOD), { backup: 'latest' })).toBe(4);
    expect(() => dayOf(ledger(GOOD, GOOD, GOOD))).toThrow('safehouse prove 20260403T020000Z-full-k3f9');
  });

  it('at a time names the newest proven one before it, and none that came later', () => {
    const at = '2026-04-03T00:00:00Z';
    expect(() => dayOf(ledger(PROVEN, GOOD, PROVEN), { at })).toThrow(
      'The newest proven one before it is 20260401T020000Z-full-k3f9.',
    );
    expect(() => dayOf(ledger(GOOD, GOOD, PROVEN), { at })).toThrow(/prove 20260402T020000Z-full-k3f9\.\n/);
    expect(() => dayOf([], { at })).toThrow('It has no good backup at all');
  });

  it('by name may be unproven, and may be one that expires', () => {
    const entries = ledger(GOOD, [...PROVEN, 'expiring']);
    for (const { id } of entries) expect(chooseBackup(entries, request({ backup: id })).id).toBe(id);
  });

  it.each([
    [['started'], 'was never verified'],
    [['started', 'written'], 'was never verified'],
    [[...PROVEN, 'failed'], 'does not count as good'],
    [[...GOOD, 'expiring', 'removing'], 'was removed by retention'],
    [[...PROVEN, 'removed'], 'was removed by retention'],
  ] as const)('by name is not one that is %j', (states, said) => {
    const entries = ledger(states);
    expect(() => chooseBackup(entries, request({ backup: '20260401T020000Z-full-k3f9' }))).toThrow(said);
  });

  it('by a name that is not there names the nearest', () => {
    const entries = ledger(PROVEN);
    expect(() => chooseBackup(entries, request({ backup: '20260401T020000Z-full-k3f8' }))).toThrow(
      'did you mean "20260401T020000Z-full-k3f9"?',
    );
  });

  it('is never one that failed, was removed or was not verified, however it is asked for', () => {
    const states = fc.uniqueArray(fc.constantFrom(...STATES), { maxLength: STATES.length });
    const times = fc.integer({ min: -1, max: 8 }).map((day) => new Date(FIRST + day * DAY).toISOString());
    fc.assert(
      fc.property(
        fc.array(states, { maxLength: 7 }),
        fc.oneof(
          fc.constantFrom('latest', 'latest-proven').map((backup) => ({ backup })),
          times.map((at) => ({ at })),
          fc
            .integer({ min: 0, max: 7 })
            .map((day) => ({ backup: `202604${String(day + 1).padStart(2, '0')}T020000Z-full-k3f9` })),
        ),
        (all, input) => {
          const entries = ledger(...all);
          let chosen: LedgerEntry;
          try {
            chosen = chooseBackup(entries, request(input));
          } catch (error) {
            expect(error).toBeInstanceOf(SafehouseError);
            return;
          }
          const { verified, proven, failed, removing, removed } = chosen.states;
          expect([failed, removing, removed]).toEqual([undefined, undefined, undefined]);
          expect(verified ?? proven).toBeDefined();
          const isNamed = 'backup' in input && !input.backup.startsWith('latest');
          if (!isNamed) expect(isGood(chosen.states)).toBe(true);
          if (!isNamed && !('backup' in input && input.backup === 'latest')) expect(proven).toBeDefined();
          // And none that is newer and would do as well was passed over.
          if (!isNamed && 'backup' in input)
            expect(
              entries.findLast(
                (entry) =>
                  isGood(entry.states) && (input.backup === 'latest' || entry.states.proven !== undefined),
              )?.id,
            ).toBe(chosen.id);
        },
      ),
      tries(1000),
    );
  });
});

describe('what of it', () => {
  const table = (database: string, name: string) =>
    ({ database, name, engine: 'MergeTree', coverage: 'data' }) as const;
  const content = {
    databases: ['shop', 'app', 'system'],
    tables: [
      table('shop', 'orders'),
      table('shop', 'log'),
      table('app', 'users'),
      table('system', 'query_log'),
    ],
  };
  const choose = (input: Partial<RestoreInput> = {}) => chooseContent(request(input), content);
  const names = ({ tables }: ReturnType<typeof choose>) =>
    tables.map(({ database, name, partitions }) => [`${database}.${name}`, ...partitions].join(' '));

  it('by default is everything but the databases of ClickHouse itself', () => {
    const chosen = choose();
    expect(chosen).toMatchObject({ byTable: false, databases: ['shop', 'app'] });
    expect(names(chosen)).toEqual(['shop.orders', 'shop.log', 'app.users']);
  });

  it('is the databases that are named, in the order of the backup', () => {
    expect(choose({ databases: ['app', 'shop'] }).databases).toEqual(['shop', 'app']);
    expect(names(choose({ databases: ['app'] }))).toEqual(['app.users']);
  });

  it('is the tables and partitions that are named; a table that is named too is meant whole', () => {
    const chosen = choose({
      tables: ['shop.log', 'shop.log'],
      partitions: [
        { table: 'shop.orders', ids: ['1', '2'] },
        { table: 'shop.orders', ids: ['2'] },
        { table: 'shop.log', ids: ['all'] },
      ],
    });
    expect(chosen).toMatchObject({ byTable: true, databases: ['shop'] });
    expect(names(chosen)).toEqual(['shop.log', 'shop.orders 1 2']);
  });

  it.each([
    [{ databases: ['shpo'] }, 'the database "shpo" (did you mean "shop"?)'],
    [{ tables: ['shop.order'] }, 'the table "shop.order" (did you mean "shop.orders"?)'],
    [{ as: { nothing: 'there' } }, 'the database "nothing"'],
  ])('says what is not in the backup: %j', (input, said) => {
    expect(() => choose(input)).toThrow(said);
  });

  it('is no table of ClickHouse itself, not even by its name', () => {
    const input = { ...request(), tables: [{ database: 'system', table: 'query_log' }] };
    expect(() => chooseContent(input, content)).toThrow(
      'It holds the databases shop, app; `safehouse show` lists its tables.',
    );
    expect(() =>
      chooseContent(request({ databases: ['shop'] }), { databases: ['system'], tables: [] }),
    ).toThrow('It holds the databases none;');
  });

  it('is the table of the database that was named, of two with one name', () => {
    const both = {
      databases: ['shop', 'app'],
      tables: [table('shop', 'orders'), table('app', 'orders'), table('app', 'log')],
    };
    const chosen = chooseContent(
      request({
        tables: ['app.log', 'shop.orders'],
        partitions: [{ table: 'app.orders', ids: ['7'] }],
      }),
      both,
    );
    expect(names(chosen)).toEqual(['app.log', 'shop.orders', 'app.orders 7']);
    expect(() => chooseContent(request({ tables: ['shop.log'] }), both)).toThrow('the table "shop.log"');
  });

  it('of thousands that are missing names ten', () => {
    const tables = Array.from({ length: 5000 }, (_, index) => `shop.x${index}`);
    expect(() => choose({ tables })).toThrow(/^.{0,1500}$/s);
  });
});
