import { expect, it } from 'vitest';
import { deleteObject } from '../../../clients/bucket.ts';
import { holdKey } from '../../../core/keys.ts';
import { releaseHold, takeHold } from '../../../functions/restore/holds.ts';
import { serveBucket } from '../../local/bucket/served-bucket.ts';
import { failureOf } from '../../support/failures.ts';

const served = serveBucket();
const bucket = () => ({ name: 'safehouse', client: served().s3 });

const LATER = '2099-01-01T00:00:00.000Z';
const BEFORE = '2026-01-01T00:00:00.000Z';

const take = (to: string, restore: string, lapsesAt = LATER, database = `we"ird'/../${to}`) =>
  takeHold(bucket(), { to, restore, database, execution: 'execution-of-a-test', lapsesAt });
const release = (to: string, restore: string, database = `we"ird'/../${to}`) =>
  releaseHold(bucket(), { to, restore, database });

it('lets one restore into a database at a time, and names it to the others', async () => {
  await take('one', 'first');
  await take('one', 'first');
  const failure = await failureOf('Refused', take('one', 'second'));
  expect(failure).toMatchObject({
    error: 'AnotherRestore',
    what: expect.stringContaining('The restore first is under way into the database'),
    remedy: expect.stringContaining('safehouse cancel first'),
  });
  await take('one', 'second', LATER, 'another database');
});

it('lets the next one in when the first has let go, and no sooner', async () => {
  await take('next', 'first');
  await release('next', 'second');
  await failureOf('Refused', take('next', 'second'));
  await release('next', 'first');
  await release('next', 'first');
  await take('next', 'second');
  await failureOf('Refused', take('next', 'first'));
});

it('counts a hold that has lapsed for nothing, and its holder takes nothing from the next', async () => {
  await take('lapsed', 'first', BEFORE);
  await take('lapsed', 'second');
  await release('lapsed', 'first');
  await failureOf('Refused', take('lapsed', 'third'));
});

it('of many at once lets one in', async () => {
  const names = Array.from({ length: 8 }, (_, index) => `restore-${index}`);
  const taken = await Promise.allSettled(names.map((name) => take('many', name)));
  expect(taken.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

it('never gives the number of a hold again of which only the end is left', async () => {
  await take('tidied', 'first', LATER, 'shop');
  await release('tidied', 'first', 'shop');
  await deleteObject(bucket(), holdKey('tidied', 'shop', 1));
  await take('tidied', 'second', LATER, 'shop');
  await failureOf('Refused', take('tidied', 'third', LATER, 'shop'));
});
