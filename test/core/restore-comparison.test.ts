import { describe, expect, it } from 'vitest';
import { compareTable, type RestoredPart, unmergedParts } from '../../core/restore-comparison.ts';
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

  it('are not known once a mutation has changed rows', () => {
    expect(parts(['1_1_1_0_2'], ['1_1_1_0'])).toBeUndefined();
  });
});
