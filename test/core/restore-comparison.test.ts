import { describe, expect, it } from 'vitest';
import { compareTable, hasData, type RestoredPart, unmergedParts } from '../../core/restore-comparison.ts';
import { heldTable, plannedTable } from './restore-plans.ts';

const EXACT = { structureOnly: false, append: false };

const compared = (
  planned: Parameters<typeof plannedTable>[0],
  found: Parameters<typeof heldTable>[0],
  options: Partial<typeof EXACT> = {},
  checked?: boolean,
) =>
  compareTable(
    plannedTable(planned),
    heldTable(found),
    { ...EXACT, ...options },
    checked === undefined ? undefined : { database: 'shop', table: 'orders', passed: checked, what: 'said' },
  );

describe('a table', () => {
  it.each([
    ['identical', {}, {}],
    ['identical', {}, { rows: 900, fingerprint: 'f2', restoredFingerprint: 'f1' }],
    ['same rows', {}, { fingerprint: 'f2' }],
    ['same rows', { fingerprint: null }, { fingerprint: null }],
    ['different', {}, { rows: 999, fingerprint: 'f2' }],
    ['different', {}, { rows: 1001, fingerprint: 'f2' }],
    ['different', {}, { rows: null, fingerprint: null }],
    ['different', {}, { rows: 0, parts: null, fingerprint: null }],
    ['not counted', { rows: null, fingerprint: null }, { fingerprint: 'f2' }],
    ['definition', { engine: 'View', coverage: 'schema only' }, { rows: null }],
    ['definition', { engine: 'MaterializedView', bytes: 0 }, { rows: 5 }],
    ['missing', {}, { exists: false }],
    ['not counted', { partitions: ['1'] }, { rows: 5 }],
    ['different', { partitions: ['1'] }, { rows: 0 }],
  ] as const)('is %s: %j, found %j', (comparison, planned, found) => {
    expect(
      compared({ ...planned, partitions: [...('partitions' in planned ? planned.partitions : [])] }, found),
    ).toMatchObject({ comparison });
  });

  it('says how many rows are missing, or too many', () => {
    expect(compared({}, { rows: 999, fingerprint: 'f2' }).what).toContain('1 are missing');
    expect(compared({}, { rows: 1002, fingerprint: 'f2' }).what).toContain('2 are too many');
  });

  it.each([
    [{}, { rows: 998, fingerprint: 'f2' }, {}, '998 rows, and the backup holds 1000: 2 are missing'],
    [
      {},
      { rows: 1002, fingerprint: 'f2' },
      {},
      '1002 rows, and the backup holds 1000: 2 are too many, unless they were written since',
    ],
    [{}, { rows: null, fingerprint: null }, {}, 'its rows cannot be counted; the backup holds 1000'],
    [{}, { fingerprint: 'f2' }, {}, 'the same number of rows in other parts'],
    [{ fingerprint: null }, { fingerprint: null }, {}, 'the same number of rows'],
    [{}, { rows: 7 }, { append: true }, '7 rows with those that were there before'],
    [{}, { rows: null }, { append: true }, '? rows with those that were there before'],
    [{ partitions: ['1', '2'] }, { rows: 7 }, {}, '7 rows are in partition 1, 2; proofs count whole tables'],
    [{ partitions: ['1'] }, { rows: null }, {}, '? rows are in partition 1; proofs count whole tables'],
    [{ partitions: ['1'] }, { rows: 0 }, {}, 'no rows are in partition 1'],
    [
      { rows: null, fingerprint: null },
      { rows: 7 },
      {},
      '7 rows; nobody has counted those of the backup, so there is nothing to hold them against',
    ],
    [
      { rows: null, fingerprint: null },
      { rows: null },
      {},
      '? rows; nobody has counted those of the backup, so there is nothing to hold them against',
    ],
  ])('%j, found as %j with %j, is told in words', (planned, found, options, what) => {
    expect(compared(planned, found, options).what).toBe(what);
  });

  it('is expected to have the rows of the backup, where the whole of it is restored', () => {
    expect(compared({}, {})).toMatchObject({ expectedRows: 1000, checked: false });
    expect(compared({ partitions: ['1'] }, {}).expectedRows).toBeNull();
    expect(compared({}, {}, { structureOnly: true }).expectedRows).toBeNull();
  });

  it('has data of its own unless only its definition is saved, or another table has its rows', () => {
    expect(hasData(plannedTable({}))).toBe(true);
    expect(hasData(plannedTable({ bytes: 0 }))).toBe(true);
    expect(hasData(plannedTable({ engine: 'MaterializedView', bytes: 1 }))).toBe(true);
    expect(hasData(plannedTable({ engine: 'MaterializedView', bytes: 0 }))).toBe(false);
    expect(hasData(plannedTable({ coverage: 'schema only' }))).toBe(false);
  });

  it('that is damaged is that, however equal it looks; one that is not there is missing', () => {
    expect(compared({}, {}, {}, false)).toMatchObject({ comparison: 'damaged', checked: true, what: 'said' });
    expect(compared({}, {}, {}, true)).toMatchObject({ comparison: 'identical', checked: true });
    expect(compared({}, { exists: false }, {}, false).comparison).toBe('missing');
  });

  it('to which rows were added, or of which definitions alone were restored, is held against nothing', () => {
    expect(compared({}, { rows: 5, fingerprint: 'f2' }, { append: true })).toMatchObject({
      comparison: 'not counted',
    });
    expect(compared({}, { rows: 0 }, { structureOnly: true })).toMatchObject({
      comparison: 'definition',
      expectedRows: null,
    });
  });
});

describe('the parts that were restored', () => {
  const part = (name: string, active = true): RestoredPart => {
    const [partition = '', minBlock, maxBlock, level] = name.split('_');
    return {
      name,
      partition,
      minBlock: Number(minBlock),
      maxBlock: Number(maxBlock),
      level: Number(level),
      active,
    };
  };
  const parts = (active: readonly string[], inactive: readonly string[] = []) =>
    unmergedParts([...active.map((name) => part(name)), ...inactive.map((name) => part(name, false))]);

  it('are those that cover no other', () => {
    expect(parts(['1_1_1_0', '1_2_2_0'])).toEqual(['1_1_1_0', '1_2_2_0']);
    expect(parts(['1_1_2_1'], ['1_1_1_0', '1_2_2_0'])).toEqual(['1_1_1_0', '1_2_2_0']);
    expect(parts(['1_1_3_2'], ['1_1_2_1', '1_1_1_0', '1_2_2_0', '1_3_3_0'])).toEqual([
      '1_1_1_0',
      '1_2_2_0',
      '1_3_3_0',
    ]);
    expect(parts(['1_1_2_1', '2_1_2_1'], ['2_1_1_0'])).toEqual(['1_1_2_1', '2_1_1_0']);
  });

  it('are not those of a merge of other blocks, which lie before or behind', () => {
    expect(parts(['1_2_3_1'], ['1_1_1_0', '1_4_4_0'])).toEqual(['1_2_3_1', '1_1_1_0', '1_4_4_0']);
    expect(parts(['1_2_4_1'], ['1_1_2_0', '1_4_5_0'])).toEqual(['1_2_4_1', '1_1_2_0', '1_4_5_0']);
    expect(parts(['1_1_2_1', '1_1_2_2'])).toEqual(['1_1_2_1']);
  });

  it('are not known once a mutation has changed rows', () => {
    expect(parts(['1_1_1_0_2'], ['1_1_1_0'])).toBeUndefined();
    expect(parts(['202604_12_34_56_78', '202604_35_35_0'])).toBeUndefined();
    expect(parts(['1_1_1_0'], ['1_1_1_0_2'])).toEqual(['1_1_1_0', '1_1_1_0_2']);
  });
});
