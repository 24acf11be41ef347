import { afterAll, beforeAll, expect, it } from 'vitest';
import { findBackup } from '../../cli/find-backup.ts';
import { makeFailed, makeVerified, openTestHouse, type TestHouse } from './house.ts';

let house: TestHouse;

beforeAll(async () => {
  house = await openTestHouse();
  await makeVerified(house.bucket, '20260329T020000Z-full-k3f9');
  await makeVerified(house.bucket, '20260330T020000Z-incr-aaaa', { base: '20260329T020000Z-full-k3f9' });
  await makeFailed(house.bucket, '20260331T020000Z-incr-ffff');
  await makeVerified(house.bucket, '20260329T020000Z-full-k3f9', { target: 'mes' });
  await makeVerified(house.bucket, '20260401T020000Z-full-mmmm', { target: 'mes' });
});
afterAll(() => house.stop());

const find = async (given: string): Promise<string> => {
  const { entry } = await findBackup(house.bucket, given);
  return `${entry.target}/${entry.id}`;
};

it.each([
  ['20260330T020000Z-incr-aaaa', 'shop/20260330T020000Z-incr-aaaa'],
  ['20260401', 'mes/20260401T020000Z-full-mmmm'],
  ['shop/latest', 'shop/20260330T020000Z-incr-aaaa'],
  ['mes/latest', 'mes/20260401T020000Z-full-mmmm'],
  ['mes/20260329', 'mes/20260329T020000Z-full-k3f9'],
  ['20260331', 'shop/20260331T020000Z-incr-ffff'],
])('finds %s', async (given, found) => {
  expect(await find(given)).toBe(found);
});

it('gives the other backups of the same target along', async () => {
  const { entries } = await findBackup(house.bucket, '20260401');
  expect(entries.map(({ target, id }) => `${target}/${id}`)).toEqual([
    'mes/20260329T020000Z-full-k3f9',
    'mes/20260401T020000Z-full-mmmm',
  ]);
});

it.each([
  ['2026033', 'InvalidInput', 'is the beginning of 2 backups'],
  [
    '20260329T020000Z-full-k3f9',
    'InvalidInput',
    'mes/20260329T020000Z-full-k3f9, shop/20260329T020000Z-full-k3f9',
  ],
  ['latest', 'InvalidInput', '2 targets'],
  ['2025', 'NotFound', 'no backup "2025"'],
  ['shop/20260401', 'NotFound', 'no backup "20260401"'],
  ['nobody/latest', 'NotFound', 'no good backup of "nobody"'],
  ['shop/', 'InvalidInput', 'is not a backup'],
  ['/latest', 'InvalidInput', 'is not a backup'],
  ['shop/a/b', 'InvalidInput', 'is not a backup'],
])('does not find %s: %s', async (given, name, sentence) => {
  await expect(find(given)).rejects.toMatchObject({
    name,
    failure: { what: expect.stringContaining(sentence) },
  });
});
