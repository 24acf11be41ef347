import { describe, expect, it } from 'vitest';
import { ObjectComparison } from '../../core/object-comparison.ts';

async function* listing(...objects: readonly (readonly [string, number])[]) {
  for (const [key, size] of objects) yield { key, size };
}

describe('a listing', () => {
  it('is counted whole, the manifest and the lock with it', async () => {
    const objects = new ObjectComparison();
    expect(await objects.list(listing(['data/a', 5], ['.backup', 70], ['data/b', 0]))).toEqual({
      objects: 3,
      bytes: 75,
      manifestBytes: 70,
      locked: false,
    });
    expect(await new ObjectComparison().list(listing(['.lock', 1]))).toEqual({
      objects: 1,
      bytes: 1,
      manifestBytes: null,
      locked: true,
    });
    expect(await new ObjectComparison().list(listing())).toEqual({
      objects: 0,
      bytes: 0,
      manifestBytes: null,
      locked: false,
    });
  });

  it('has nothing unexpected in the manifest and the lock', async () => {
    const objects = new ObjectComparison();
    await objects.list(listing(['.backup', 70], ['.lock', 1], ['data/a', 5]));
    expect(objects.unexpected).toBe(1);
    expect(['.backup', '.lock', 'data/a', 'data/b'].map((key) => objects.isUnexpected(key))).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  it.each([
    [
      ['data/a', 5],
      ['data/a', 5],
    ],
    [
      ['.backup', 5],
      ['.backup', 6],
    ],
    [
      ['.backup', 0],
      ['.backup', 0],
    ],
    [
      ['.lock', 5],
      ['.lock', 5],
    ],
  ] as const)('that has %j and %j contradicts itself', async (one, other) => {
    await expect(new ObjectComparison().list(listing(one, other))).rejects.toMatchObject({
      name: 'IncompleteReading',
      failure: { what: `The listing of the backup has ${JSON.stringify(one[0])} twice.` },
    });
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('that gives an object the size %d is none', async (size) => {
    await expect(new ObjectComparison().list(listing(['data/a', size]))).rejects.toMatchObject({
      name: 'IncompleteReading',
      failure: { what: `The listing of the backup gives "data/a" the size ${size}.` },
    });
  });
});

describe('an object that is expected', () => {
  it('is there, missing, or of another size', async () => {
    const objects = new ObjectComparison();
    await objects.list(listing(['data/a', 5], ['data/b', 6], ['data/c', 7]));
    expect(objects.expect('data/a', 5)).toEqual({ is: 'there' });
    expect(objects.expect('data/b', 5)).toEqual({ is: 'of another size', listed: 6 });
    expect(objects.expect('data/x', 5)).toEqual({ is: 'missing' });
    expect(objects.unexpected).toBe(1);
    expect(['data/a', 'data/b', 'data/c', 'data/x'].map((key) => objects.isUnexpected(key))).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  it('is judged once, and a second expectation against the first, whatever is there', async () => {
    const objects = new ObjectComparison();
    await objects.list(listing(['data/a', 5]));
    expect(objects.expect('data/a', 6)).toEqual({ is: 'of another size', listed: 5 });
    expect(objects.expect('data/a', 6)).toEqual({ is: 'there' });
    expect(objects.expect('data/a', 5)).toEqual({ is: 'contradicted', before: 6 });
    expect(objects.expect('data/x', 6)).toEqual({ is: 'missing' });
    expect(objects.expect('data/x', 6)).toEqual({ is: 'there' });
    expect(objects.expect('data/x', 7)).toEqual({ is: 'contradicted', before: 6 });
    expect(objects.unexpected).toBe(0);
  });
});

it('a name of the manifest is taken once, also where an object has it', async () => {
  const objects = new ObjectComparison();
  await objects.list(listing(['data/a', 5]));
  expect([objects.name('data/a'), objects.name('data/a'), objects.name('data/b')]).toEqual([
    true,
    false,
    true,
  ]);
  expect(objects.isUnexpected('data/b')).toBe(false);
});

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

  it('is none where a file of that name was only named', async () => {
    const objects = new ObjectComparison();
    await objects.list(listing(['data/a', 5]));
    objects.name('data/empty');
    objects.allowEmpty('data/empty');
    expect(objects.unexpected).toBe(1);
  });
});
