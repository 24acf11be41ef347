import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compactTime, KINDS, makeBackupId, parseBackupId } from '../../core/backup-id.ts';

const seconds = () => fc.integer({ min: 0, max: 253_402_300_799 }).map((second) => second * 1000);
const random = () => fc.stringMatching(/^[0-9a-z]{4,12}$/);

describe('a backup id', () => {
  it('is readable', () => {
    expect(makeBackupId(Date.UTC(2026, 3, 2, 2, 0, 59, 999), 'incremental', 'k3f9')).toBe(
      '20260402T020059Z-incr-k3f9',
    );
    expect(compactTime(Date.UTC(2026, 3, 2, 2))).toBe('20260402T020000Z');
  });

  it('says what it was made of', () => {
    fc.assert(
      fc.property(seconds(), fc.constantFrom(...KINDS), random(), (startedAt, kind, letters) => {
        const id = makeBackupId(startedAt, kind, letters);
        expect(parseBackupId(id)).toEqual({ id, startedAt, kind });
      }),
    );
  });

  it('sorts by time', () => {
    fc.assert(
      fc.property(seconds(), seconds(), fc.constantFrom(...KINDS), random(), (one, other, kind, letters) => {
        const [a, b] = [makeBackupId(one, kind, letters), makeBackupId(other, kind, letters)];
        expect(a < b).toBe(one < other);
      }),
    );
  });

  it.each(['', 'abc', 'ABCD', 'a/b/c', '..%2f', 'abcdefghijklm'])('is not made with %j', (letters) => {
    expect(() => makeBackupId(0, 'full', letters)).toThrow(RangeError);
  });

  it('is not made of a year with five digits', () => {
    expect(() => makeBackupId(Date.UTC(10_000, 0, 1), 'full', 'aaaa')).toThrow(RangeError);
  });

  it.each([
    '',
    '20260402T020000Z-full-',
    '20260402T020000Z-half-k3f9',
    '20260402T020000Z-full-K3F9',
    '20260402T020000Z-full-k3f9/',
    ' 20260402T020000Z-full-k3f9',
    '20260402T020000Z-full-k3f9\n',
    '20261302T020000Z-full-k3f9',
    '20260231T020000Z-full-k3f9',
    '20260401T240000Z-full-k3f9',
    '20260401T236000Z-full-k3f9',
  ])('is not %j', (text) => {
    expect(parseBackupId(text)).toBeUndefined();
  });

  it('is not any text at all', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseBackupId(text)).toBeUndefined();
      }),
    );
  });
});
