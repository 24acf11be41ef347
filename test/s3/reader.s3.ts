/** What ClickHouse needs in the bucket in order to restore, and what it may not do there. */
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, expect, test } from 'vitest';
import type { Bucket } from '../../clients/bucket.ts';
import { readerPolicy } from '../../core/reader-policy.ts';
import { writerPolicy } from '../../core/writer-policy.ts';
import type { Policy } from './deployed.ts';
import { destination, engineWith, makeShop } from './engine.ts';
import { clientOf, makeBucket, sessionWith, userWith } from './served-s3.ts';

const FULL = 'backups/shop/20260402T020000Z-full-k3f9';
const INCREMENTAL = 'backups/shop/20260403T020000Z-incr-aaaa';

let bucket: Bucket;
let policy: Policy;

beforeAll(async () => {
  bucket = await makeBucket();
  const arn = `arn:aws:s3:::${bucket.name}`;
  policy = readerPolicy(arn, 'shop');
  const writer = await engineWith(await sessionWith(writerPolicy(arn, 'shop')));
  await makeShop(writer);
  await writer.tell(
    `BACKUP DATABASE shop TO ${destination(bucket, FULL)}`,
    'INSERT INTO shop.orders SELECT number, now(), toString(number) FROM numbers(10)',
    `BACKUP DATABASE shop TO ${destination(bucket, INCREMENTAL)} SETTINGS base_backup = ${destination(bucket, FULL)}`,
  );
});

test('the reader policy is enough for RESTORE, of an incremental backup with its base too', async () => {
  const reader = await engineWith(await sessionWith(policy));
  await reader.tell(
    `RESTORE DATABASE shop AS full FROM ${destination(bucket, FULL)}`,
    `RESTORE DATABASE shop AS incremental FROM ${destination(bucket, INCREMENTAL)}`,
  );
  const rows = await reader.ask(
    'SELECT (SELECT toUInt32(count()) FROM full.orders) AS full, (SELECT toUInt32(count()) FROM incremental.orders) AS incremental',
  );
  expect(rows).toEqual([{ full: 3000, incremental: 3010 }]);
});

/** A session of a role would be told 404 without ListBucket, on Ceph. */
test.each([
  ['s3:GetObject', FULL, /ACCESS_DENIED|AccessDenied/i],
  // And whoever asks for a backup that does not exist is not told so.
  ['s3:ListBucket', 'backups/shop/absent', /Failed to check existence of key .*403/],
])('without %s nothing is restored from %s', async (action, prefix, reason) => {
  const Statement = policy.Statement.filter(({ Action }) => !Action.includes(action));
  const reader = await engineWith(await userWith({ ...policy, Statement }, bucket.name));
  await expect(
    reader.tell(
      `RESTORE DATABASE shop FROM ${destination(bucket, prefix)} SETTINGS backup_restore_s3_retry_attempts = 2`,
    ),
  ).rejects.toThrow(reason);
});

test('a server that only restores neither writes nor deletes anything', async () => {
  const keys = await sessionWith(policy);
  const engine = await engineWith(keys);
  await makeShop(engine);
  await expect(
    engine.tell(`BACKUP DATABASE shop TO ${destination(bucket, 'backups/shop/mine')}`),
  ).rejects.toThrow(/\.lock, object size 36/);
  const client = clientOf(keys);
  const place = { Bucket: bucket.name, Key: `${FULL}/.backup` };
  await expect(client.send(new PutObjectCommand({ ...place, Body: 'x' }))).rejects.toMatchObject({
    name: 'AccessDenied',
  });
  await expect(client.send(new DeleteObjectCommand(place))).rejects.toMatchObject({ name: 'AccessDenied' });
});
