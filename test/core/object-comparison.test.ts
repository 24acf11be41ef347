import { describe, expect, it } from 'vitest';
import { ObjectComparison } from '../../core/object-comparison.ts';

async function* listing(...objects: readonly (readonly [string, number])[]) {
  for (const [key, size] of objects) yield { key, size };
}

describe('an object of an empty file', () => {
  it('is expected when it is empty, and once', async () => {
    const objects = new ObjectComparison();
    await objects.list(listing(['data/empty', 0], ['data/other', 0]));
    objects.allowEmpty('data/empty');
    objects.allowEmpty('data/empty');
    objects.allowEmpty('data/not-there');
    expect(objects.unexpected).toBe(1);
    expect(objects.isUnexpected('data/empty')).toBe(false);
    expect(objects.isUnexpected('data/other')).toBe(true);
  });

  it('is unexpected when it has bytes', async () => {
    const objects = new ObjectComparison();
    await objects.list(listing(['data/empty', 1]));
    objects.allowEmpty('data/empty');
    expect(objects.isUnexpected('data/empty')).toBe(true);
  });
});
