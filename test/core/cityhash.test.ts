import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileChecksum } from '../../core/cityhash.ts';

function checksumOf(...chunks: readonly Uint8Array[]): string {
  const checksum = new FileChecksum();
  for (const chunk of chunks) checksum.update(chunk);
  return checksum.digest();
}

describe('FileChecksum', () => {
  it.each([
    ['0', '1d5952e8223ea966def237d6e7e216f1'],
    ['CODEC(LZ4)', '557036eda0fb0a277a7caf9b9c8d4dd6'],
  ])('of %j is what manifests of ClickHouse 26.7 say', (text, expected) => {
    expect(checksumOf(Buffer.from(text))).toBe(expected);
  });

  it('does not depend on where one chunk ends and the next begins', async () => {
    await fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 9000, size: 'max' }),
        fc.array(fc.nat({ max: 9000 }), { maxLength: 12 }),
        (bytes, cuts) => {
          const borders = [0, ...cuts.sort((one, other) => one - other), bytes.length];
          const chunks = borders.map((border, index) => bytes.subarray(border, borders[index + 1]));
          expect(checksumOf(...chunks)).toBe(checksumOf(bytes));
        },
      ),
    );
  });

  it('does not depend on how much comes at once, nor on what was asked on the way', () => {
    const bytes = Buffer.from(Array.from({ length: 300_001 }, (_, index) => (index * index) % 251));
    const asked = new FileChecksum();
    for (let at = 0; at < bytes.length; at += 777) {
      asked.update(bytes.subarray(at, at + 777));
      asked.digest();
    }

    expect(asked.digest()).toBe(checksumOf(bytes));
    expect(asked.digest()).toBe(asked.digest());
  });

  it('keeps two files apart that are read at the same time', () => {
    const [one, other] = [new FileChecksum(), new FileChecksum()];
    for (let chunk = 0; chunk < 5; chunk++) {
      one.update(Buffer.alloc(3000, chunk));
      other.update(Buffer.alloc(3000, 100 + chunk));
    }
    const chunks = Array.from({ length: 5 }, (_, chunk) => chunk);

    expect(one.digest()).toBe(checksumOf(...chunks.map((chunk) => Buffer.alloc(3000, chunk))));
    expect(other.digest()).toBe(checksumOf(...chunks.map((chunk) => Buffer.alloc(3000, 100 + chunk))));
  });

  it('is another when any single bit is', async () => {
    await fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 5000, size: 'max' }),
        fc.nat(),
        fc.nat({ max: 7 }),
        (bytes, at, bit) => {
          const flipped = bytes.slice();
          const index = at % bytes.length;
          flipped[index] = (flipped[index] ?? 0) ^ (1 << bit);
          expect(checksumOf(flipped)).not.toBe(checksumOf(bytes));
        },
      ),
    );
  });
});
