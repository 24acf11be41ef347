/** Temporary credentials, as a server's role gives them, and their end. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Bucket, listObjects } from '../../clients/bucket.ts';
import { readLedger, requireEvidence } from '../../clients/ledger.ts';
import { ERROR_NAMES } from '../../core/errors.ts';
import { backupPrefix, MANIFEST } from '../../core/keys.ts';
import { writerPolicy } from '../../core/writer-policy.ts';
import { all, failureOf } from '../support/failures.ts';
import { destination, engineWith, makeShop } from './engine.ts';
import { type Installed, install } from './installed.ts';
import { clientOf, makeBucket, sessionWith } from './served-s3.ts';

let bucket: Bucket;
let installed: Installed;

beforeAll(async () => {
  bucket = await makeBucket();
  installed = await install(bucket);
});
afterAll(() => installed.close());

test('an engine signs with the token of its session, and without it S3 does not know the keys', async () => {
  const { sessionToken, ...keys } = await sessionWith(installed.deployed.writer);
  const backup = `BACKUP DATABASE shop TO ${destination(bucket, 'backups/shop/')}`.replace(/'\)$/, '');
  const settings = 'SETTINGS backup_restore_s3_retry_attempts = 2';
  const signing = await engineWith({ ...keys, sessionToken });
  await makeShop(signing);
  await signing.tell(`${backup}with') ${settings}`);
  const unknown = await engineWith(keys);
  await makeShop(unknown);
  await expect(unknown.tell(`${backup}without') ${settings}`)).rejects.toThrow(/403|\.lock, object size 36/);
});

test('a session policy confines the credentials to one target, whatever the role behind them may', async () => {
  // As Safehouse asks STS for what it hands to ClickHouse, but for the key: Ceph takes no action of KMS.
  const confinedTo = writerPolicy(`arn:aws:s3:::${bucket.name}`, 'shop');
  const engine = await engineWith(await sessionWith(installed.deployed.writer, { confinedTo }));
  await makeShop(engine);
  const backUp = (prefix: string) =>
    engine.tell(
      `BACKUP DATABASE shop TO ${destination(bucket, prefix)} SETTINGS backup_restore_s3_retry_attempts = 2`,
    );
  await backUp('backups/shop/confined');
  await expect(backUp('backups/other/confined')).rejects.toThrow(/403|\.lock, object size 36/);
});

/** Long enough for a BACKUP to be under way, and shorter than that BACKUP. */
const SHORT_SECONDS = 20;

test('a session that ends while ClickHouse writes makes a failed backup, and nothing else', async () => {
  const server = await engineWith(await sessionWith(installed.deployed.writer, { seconds: SHORT_SECONDS }));
  installed.setServer('slow', server.url);
  await server.tell(
    'CREATE DATABASE bulk',
    'CREATE TABLE bulk.noise (part UInt8, text String) ENGINE = MergeTree PARTITION BY part ORDER BY tuple()',
    'INSERT INTO bulk.noise SELECT number % 20, randomString(1000) FROM numbers(60000)',
  );

  const history = await installed.run('backup', { target: 'slow' });

  expect(history.status).toBe('failed');
  const [entry] = (await readLedger(bucket, 'slow')).entries;
  const id = entry?.id ?? '';
  expect(Object.keys(entry?.states ?? {}).sort()).toEqual(['failed', 'started']);
  const failed = await requireEvidence(bucket, 'slow', id, 'failed');
  // AWS says ExpiredToken, which has a sentence of its own; Ceph's refusal has no words at all.
  expect(failed).toMatchObject({ step: 'poll', error: 'S3_ERROR', final: true });
  expect(history.error).toBe(failed.error);
  expect(installed.messages().at(-1)?.text).toContain(failed.what);
  // It had begun to write, and it did not write the manifest.
  const written = (await all(listObjects(bucket, backupPrefix('slow', id)))).map(({ key }) => key);
  expect(written.filter((key) => key.includes('/data/'))).not.toEqual([]);
  expect(written.filter((key) => key.endsWith(MANIFEST))).toEqual([]);
});

test('a session of a function that has ended is refused by name, and not read as nothing there', async () => {
  const verify = installed.deployed.functions.find(({ step }) => step === 'backup/verify');
  if (verify?.policy === undefined) throw new Error('backup/verify may nothing in the bucket');
  const client = clientOf(await sessionWith(verify.policy, { seconds: 2 }));
  const listing = () => all(listObjects({ name: bucket.name, client }, 'ledger/'));
  expect(await listing()).not.toEqual([]);
  await vi.waitFor(() => expect(listing()).rejects.toThrow(), { timeout: 20_000, interval: 500 });
  expect(await failureOf(ERROR_NAMES.refused, listing())).toMatchObject({ class: 'fix and stop' });
});
