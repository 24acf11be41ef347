import { describe, expect, it } from 'vitest';
import { TakenFromBase } from '../../core/content-base.ts';
import type { ManifestFile } from '../../core/manifest.ts';

const file = (name: string, more: Partial<ManifestFile> = {}): ManifestFile => ({
  name,
  size: 20,
  checksum: '5e9d75de4a6945fbb2dc2a22e355d451',
  useBase: true,
  baseSize: 20,
  baseChecksum: '5e9d75de4a6945fbb2dc2a22e355d451',
  dataFile: null,
  encryptedByDisk: false,
  ...more,
});
const grown = (name: string): ManifestFile =>
  file(name, { baseSize: 7, baseChecksum: '4910741c39a8d32429b0acca484bdbad', dataFile: name });

describe('TakenFromBase', () => {
  it('answers once, with the first file of the base that has the size and the checksum', () => {
    const taken = new TakenFromBase();
    taken.add(file('whole'));
    taken.add(file('the same again'));
    const inBase = file('in the base', {
      useBase: false,
      baseSize: 0,
      baseChecksum: null,
      dataFile: 'in the base',
    });

    expect(taken.isAnswer({ ...inBase, size: 19 })).toBe(false);
    expect(taken.isAnswer({ ...inBase, checksum: null })).toBe(false);
    expect([taken.wholeFiles, taken.wholeMissing]).toEqual([2, 1]);
    expect(taken.isAnswer(inBase)).toBe(true);
    expect([taken.wholeFiles, taken.wholeMissing]).toEqual([2, 0]);
    expect(taken.isAnswer({ ...inBase, name: 'another' })).toBe(false);
  });

  it('holds 100,000 files that grew, and says that it does not hold one more', () => {
    const taken = new TakenFromBase();
    for (let number = 0; number < 100_000; number++) expect(taken.add(grown(`${number}`))).toBe(true);

    expect(taken.add(grown('one more'))).toBe(false);
    expect(taken.add(file('whole'))).toBe(true);
    expect(taken.grown).toHaveLength(100_000);
  });
});
