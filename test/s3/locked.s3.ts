/** A bucket with Object Lock: backups are made as ever, and what the lock holds is not said to be removed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bucket, headObject } from '../../clients/bucket.ts';
import { readLedger } from '../../clients/ledger.ts';
import { backupPrefix, MANIFEST } from '../../core/keys.ts';
import { engineWith, makeShop } from './engine.ts';
import { endGrace } from './grace.ts';
import { type Installed, install } from './installed.ts';
import { makeBucket, sessionWith } from './served-s3.ts';

let bucket: Bucket;
let installed: Installed;

beforeAll(async () => {
  bucket = await makeBucket({ objectLock: true });
  installed = await install(bucket);
  const server = await engineWith(await sessionWith(installed.deployed.writer));
  installed.setServer('shop', server.url);
  await makeShop(server);
});
afterAll(() => installed.close());

const entries = async () => (await readLedger(bucket, 'shop')).entries;

test('backups are made, verified and proven', async () => {
  for (let count = 1; count <= 2; count += 1)
    expect(await installed.run('backup', { target: 'shop' })).toMatchObject({
      status: 'succeeded',
      cause: null,
    });
  const states = (await entries()).map((entry) => Object.keys(entry.states));
  expect(states).toHaveLength(2);
  for (const reached of states) expect(reached).toContain('proven');
});

test('a removal that the lock refuses fails in words, and nothing is counted as removed', async () => {
  const [doomed] = await entries();
  const id = doomed?.id ?? '';
  await endGrace(bucket, 'shop', id);
  const before = installed.messages().length;

  const history = await installed.run('retention', { target: 'shop' });

  expect(history).toMatchObject({ status: 'failed', error: 'AccessDenied', output: null });
  expect(history.cause).toContain('Object Lock protects it until its date');
  expect(installed.messages().slice(before)).toMatchObject([
    { text: expect.stringContaining('Object Lock protects it until its date') },
  ]);
  const [still] = await entries();
  expect(still?.states).not.toHaveProperty('removed');
  expect(await headObject(bucket, `${backupPrefix('shop', id)}${MANIFEST}`)).toBeDefined();
});
