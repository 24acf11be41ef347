import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Check } from '../../core/proof.ts';
import { BYTES_A_FILE, type MountedPart, planChecks, planContents, sliceOf } from '../../core/proof-items.ts';
import { anyText } from './any-text.ts';

const GIB = 1024 ** 3;

/** Parts of a few tables, each part with a name of its own within its table. */
const parts = (): fc.Arbitrary<MountedPart[]> =>
  fc
    .array(
      fc.record({
        database: fc.constantFrom('shop', 'lo"g', ''),
        table: fc.constantFrom('a', 'b', 'c', 'a,b'),
        bytes: fc.oneof(
          fc.integer({ min: 0, max: 1000 }),
          fc.integer({ min: 0, max: 3 * GIB }),
          fc.integer({ min: 0, max: 40 * GIB }),
        ),
        files: fc.integer({ min: 1, max: 2000 }),
      }),
      { maxLength: 60 },
    )
    .map((each) => each.map((part, index) => ({ ...part, name: `all_${index}_${index}_0` })));

const limits = () => fc.integer({ min: 1, max: 20 }).map((gib) => ({ bytesAnItem: gib * GIB }));

const keyOf = (database: string, table: string): string => JSON.stringify([database, table]);

const checksOf = (planned: readonly MountedPart[], limit: { bytesAnItem: number }): Check[][] =>
  planChecks(planned, limit).map((item) => {
    if (item.kind !== 'check') throw new Error('not a check');
    return item.checks;
  });

/** The parts that a check reads: those it names, or all of its table. */
const read = (check: Check, planned: readonly MountedPart[]): MountedPart[] =>
  planned.filter(
    ({ database, table, name }) =>
      database === check.database &&
      table === check.table &&
      (check.parts.length === 0 || check.parts.includes(name)),
  );

const weightOf = (each: readonly MountedPart[]): number =>
  each.reduce((sum, { bytes, files }) => sum + bytes + files * BYTES_A_FILE, 0);

describe('the items that the engine reads', () => {
  it('read every part exactly once', () => {
    fc.assert(
      fc.property(parts(), limits(), (planned, limit) => {
        const readings = checksOf(planned, limit)
          .flat()
          .flatMap((check) => read(check, planned));
        expect(readings.length).toBe(planned.length);
        expect(new Set(readings)).toEqual(new Set(planned));
      }),
    );
  });

  it('say how many parts and bytes have to come out of them', () => {
    fc.assert(
      fc.property(parts(), limits(), (planned, limit) => {
        for (const item of planChecks(planned, limit)) {
          if (item.kind !== 'check') continue;
          for (const check of item.checks) {
            const own = read(check, planned);
            expect(check.expected).toBe(own.length);
            expect(check.bytes).toBe(own.reduce((sum, { bytes }) => sum + bytes, 0));
          }
          expect(item.bytes).toBe(item.checks.reduce((sum, { bytes }) => sum + bytes, 0));
        }
      }),
    );
  });

  it('are none of them above the limit, unless a single part is', () => {
    fc.assert(
      fc.property(parts(), limits(), (planned, limit) => {
        for (const checks of checksOf(planned, limit)) {
          const own = checks.flatMap((check) => read(check, planned));
          if (own.length > 1) expect(weightOf(own)).toBeLessThanOrEqual(limit.bytesAnItem);
        }
      }),
    );
  });

  it('are about equally heavy: the heaviest by no more than one table or part', () => {
    fc.assert(
      fc.property(parts(), limits(), (planned, limit) => {
        const items = checksOf(planned, limit);
        if (items.length === 0) return;
        const weights = items.map((checks) => weightOf(checks.flatMap((check) => read(check, planned))));
        const tables = [...Map.groupBy(planned, ({ database, table }) => keyOf(database, table)).values()];
        const units = tables.flatMap((table) =>
          weightOf(table) <= limit.bytesAnItem ? [weightOf(table)] : table.map((part) => weightOf([part])),
        );
        expect(Math.max(...weights)).toBeLessThanOrEqual(Math.min(...weights) + Math.max(...units));
      }),
    );
  });

  it('are few: each but one is more than half full', () => {
    fc.assert(
      fc.property(parts(), limits(), (planned, limit) => {
        const items = checksOf(planned, limit);
        expect(items.length).toBeLessThanOrEqual(Math.ceil((2 * weightOf(planned)) / limit.bytesAnItem) + 1);
      }),
    );
  });

  it('read a whole table without naming its parts, and a table that is too large by its parts', () => {
    const small = { database: 'shop', table: 'small', name: 'all_1_1_0', bytes: 10, files: 1 };
    const large = [1, 2, 3].map((number) => ({
      database: 'shop',
      table: 'large',
      name: `all_${number}_${number}_0`,
      bytes: GIB,
      files: 1,
    }));
    const items = checksOf([small, ...large], { bytesAnItem: 2.5 * GIB });
    expect(items.map((checks) => checks.map(({ table, parts: named }) => [table, named]))).toEqual([
      [['large', ['all_1_1_0', 'all_3_3_0']]],
      [
        ['large', ['all_2_2_0']],
        ['small', []],
      ],
    ]);
  });

  const unit = (table: string, number: number, bytes: number): MountedPart => ({
    database: 'shop',
    table,
    name: `all_${number}_${number}_0`,
    bytes,
    files: 0,
  });
  const named = (planned: readonly MountedPart[], bytesAnItem: number) =>
    checksOf(planned, { bytesAnItem }).map((checks) => checks.map(({ table, parts: each }) => [table, each]));

  it('keep a table together that fits, also one that fills an item to the last byte', () => {
    const two = (bytes: number) =>
      ['a', 'b'].flatMap((table) => [unit(table, 1, bytes), unit(table, 2, bytes)]);
    expect(named(two(3), 10)).toEqual([[['a', []]], [['b', []]]]);
    expect(named(two(5), 10)).toEqual([[['a', []]], [['b', []]]]);
    expect(named([unit('a', 1, 5), unit('b', 1, 5), unit('c', 1, 5), unit('d', 1, 5)], 10)).toHaveLength(2);
  });

  it('are the same whatever the order in which the parts were found, so that a repeat plans the same', () => {
    const equal = ['d', 'b', 'a', 'c'].map((table) => unit(table, 1, 5));
    expect(named(equal, 10)).toEqual([
      [
        ['a', []],
        ['c', []],
      ],
      [
        ['b', []],
        ['d', []],
      ],
    ]);
    const large = [3, 1, 4, 2].map((number) => unit('a', number, 5));
    expect(named(large, 10)).toEqual([
      [['a', ['all_1_1_0', 'all_3_3_0']]],
      [['a', ['all_2_2_0', 'all_4_4_0']]],
    ]);
    expect(named([unit('a', 1, 1), unit('b', 1, 9), unit('c', 1, 5)], 10)).toEqual([
      [['b', []]],
      [
        ['c', []],
        ['a', []],
      ],
    ]);
  });

  it('are one more, and not many, where the fewest would be too heavy', () => {
    const weights = [6, 6, 6, 3, 3, 3, 3];
    const items = named(
      weights.map((bytes, index) => unit(`t${index}`, 1, bytes)),
      10,
    );
    expect(items).toHaveLength(4);
  });

  it('take many small files for much work', () => {
    const tiny = Array.from({ length: 1000 }, (_, index) => ({
      database: 'shop',
      table: 'tiny',
      name: `all_${index}_${index}_0`,
      bytes: 1,
      files: 1024,
    }));
    expect(checksOf(tiny, { bytesAnItem: 16 * GIB }).length).toBeGreaterThanOrEqual(8);
  });

  it('are none where there is nothing', () => {
    expect(planChecks([], { bytesAnItem: GIB })).toEqual([]);
  });
});

describe('the items that compare files', () => {
  const small = { bytesAnItem: 1000, filesAnItem: 100 };

  it('are at least one, and so many that none has too many files or bytes', () => {
    expect(planContents(0, 0, small)).toEqual([{ kind: 'contents', slice: 0, slices: 1, bytes: 0 }]);
    expect(planContents(201, 0, small)).toHaveLength(3);
    expect(planContents(1, 2500, small)).toMatchObject([
      { slice: 0, slices: 3, bytes: 834 },
      { slice: 1, slices: 3 },
      { slice: 2, slices: 3 },
    ]);
  });

  it('cover every name exactly once', () => {
    fc.assert(
      fc.property(anyText(), fc.integer({ min: 1, max: 5000 }), (name, slices) => {
        const slice = sliceOf(name, slices);
        expect(Number.isInteger(slice) && slice >= 0 && slice < slices).toBe(true);
        expect(sliceOf(name, slices)).toBe(slice);
      }),
    );
  });

  it('are the same in every release: one may have planned what the next one reads', () => {
    expect(
      ['', 'a', 'metadata/shop.sql', 'data/shop/events/all_1_1_0/columns.txt'].map((name) =>
        sliceOf(name, 1000),
      ),
    ).toEqual([923, 715, 75, 521]);
  });

  it('have about as many files each', () => {
    const counts = Array.from({ length: 10 }, () => 0);
    for (let part = 0; part < 2000; part += 1)
      for (const file of ['columns.txt', 'checksums.txt', 'metadata_version.txt']) {
        const slice = sliceOf(`data/shop/events/202601_${part}_${part}_0/${file}`, 10);
        counts[slice] = (counts[slice] ?? 0) + 1;
      }
    expect(Math.min(...counts)).toBeGreaterThan(480);
    expect(Math.max(...counts)).toBeLessThan(720);
  });
});
