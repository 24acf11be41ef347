/** A file of a part that ClickHouse sends in pieces, and pieces that never became an object. */
import {
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bucket, listObjects } from '../../clients/bucket.ts';
import { readLedger, requireEvidence } from '../../clients/ledger.ts';
import { backupPrefix } from '../../core/keys.ts';
import { all } from '../support/failures.ts';
import { engineWith } from './engine.ts';
import { type Installed, install } from './installed.ts';
import { clientOf, type Keys, makeBucket, owner, sessionWith } from './served-s3.ts';

/** ClickHouse sends up to this in one request. */
const MOST_IN_ONE_REQUEST = 32 * 1024 ** 2;

let bucket: Bucket;
let installed: Installed;
let keys: Keys;

beforeAll(async () => {
  bucket = await makeBucket();
  installed = await install(bucket);
  keys = await sessionWith(installed.deployed.writer);
  const server = await engineWith(keys);
  installed.setServer('large', server.url);
  await server.tell(
    'CREATE DATABASE large',
    'CREATE TABLE large.noise (text String) ENGINE = MergeTree ORDER BY tuple()',
    'INSERT INTO large.noise SELECT randomString(1000) FROM numbers(48000) SETTINGS max_insert_threads = 1, min_insert_block_size_bytes = 1000000000, min_insert_block_size_rows = 1000000, max_block_size = 100000',
  );
});
afterAll(() => installed.close());

test('an object that was written in pieces is verified and proven', async () => {
  expect(await installed.run('backup', { target: 'large' })).toMatchObject({
    status: 'succeeded',
    cause: null,
  });
  const [entry] = (await readLedger(bucket, 'large')).entries;
  const id = entry?.id ?? '';
  const objects = await all(listObjects(bucket, backupPrefix('large', id)));
  const [largest] = objects.sort((a, b) => b.size - a.size);
  expect(largest?.size).toBeGreaterThan(MOST_IN_ONE_REQUEST);
  const { ETag } = await owner.send(new HeadObjectCommand({ Bucket: bucket.name, Key: largest?.key }));
  // The number of its pieces.
  expect(ETag).toMatch(/-[2-9]"$/);
  expect(await requireEvidence(bucket, 'large', id, 'proven')).toMatchObject({ level: 'bytes' });
});

test('pieces without an object are no part of a backup: they lie until the lifecycle rule of the bucket ends them', async () => {
  const [entry] = (await readLedger(bucket, 'large')).entries;
  const id = entry?.id ?? '';
  const writer = clientOf(keys);
  const place = { Bucket: bucket.name, Key: `${backupPrefix('large', id)}data/large/noise/left/data.bin` };
  const { UploadId } = await writer.send(new CreateMultipartUploadCommand(place));
  await writer.send(
    new UploadPartCommand({ ...place, UploadId, PartNumber: 1, Body: Buffer.alloc(5 * 1024 ** 2) }),
  );
  const proof = await installed.run('prove', { target: 'large', backup: id, occasion: 'again' });
  expect(proof).toMatchObject({ status: 'succeeded', cause: null });
  const { Uploads = [] } = await owner.send(new ListMultipartUploadsCommand({ Bucket: bucket.name }));
  expect(Uploads.map(({ Key }) => Key)).toEqual([place.Key]);
  expect(installed.deployed.lifecycle).toContainEqual(
    expect.objectContaining({
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 14 },
      Status: 'Enabled',
    }),
  );
});
