/** What ClickHouse needs in the bucket in order to back up, and what it may not do there. */
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Bucket } from '../../clients/bucket.ts';
import { writerPolicy } from '../../core/writer-policy.ts';
import { deploy, type Policy } from './deployed.ts';
import { destination, engineWith, type KeyedEngine, makeShop } from './engine.ts';
import { clientOf, makeBucket, owner, reach, sessionWith, userWith } from './served-s3.ts';

/** ClickHouse would otherwise ask for minutes before it takes no for an answer. */
const SETTINGS = 'backup_restore_s3_retry_attempts = 2';

let bucket: Bucket;
/** As the stack renders it. */
let rendered: Policy;
/** The same for one target, as `npx safehouse policy shop` prints it. */
let confined: Policy;

beforeAll(async () => {
  bucket = await makeBucket();
  ({ writer: rendered } = await deploy({ region: reach.region, bucketName: bucket.name }));
  confined = writerPolicy(`arn:aws:s3:::${bucket.name}`, 'shop');
});

const backUp = (engine: KeyedEngine, prefix: string, more = ''): Promise<void> =>
  engine.tell(
    `BACKUP DATABASE shop TO ${destination(bucket, prefix)} SETTINGS ${SETTINGS}${more && `, ${more}`}`,
  );

async function engineThat(policy: Policy): Promise<KeyedEngine> {
  const engine = await engineWith(await sessionWith(policy));
  await makeShop(engine);
  return engine;
}

describe.each([
  ['of the stack', () => rendered],
  ['for one target', () => confined],
])('the writer policy %s', (_, policy) => {
  test('is enough for a full backup and for an incremental one on it', async () => {
    const engine = await engineThat(policy());
    const place = `backups/shop/${crypto.randomUUID()}`;
    await backUp(engine, `${place}-full`);
    await engine.tell('INSERT INTO shop.orders SELECT number, now(), toString(number) FROM numbers(10)');
    await backUp(engine, `${place}-incr`, `base_backup = ${destination(bucket, `${place}-full`)}`);
    const statuses = await engine.ask('SELECT DISTINCT status::String AS status FROM system.backups');
    expect(statuses).toEqual([{ status: 'BACKUP_CREATED' }]);
  });
});

test('long-lived keys with the writer policy are as good as a role', async () => {
  const engine = await engineWith(await userWith(rendered, bucket.name));
  await makeShop(engine);
  await backUp(engine, `backups/shop/${crypto.randomUUID()}`);
});

/** One statement less, and what ClickHouse says then. A session of a role would be told 404 without ListBucket, on Ceph. */
test.each([
  ['s3:PutObject', /\.lock, object size 36/],
  ['s3:DeleteObject', /removing object with path .*\.lock/],
  ['s3:ListBucket', /Failed to check existence of key .*403/],
])('without %s ClickHouse reports no good backup', async (action, reason) => {
  const Statement = rendered.Statement.filter(({ Action }) => !Action.includes(action));
  expect(Statement).toHaveLength(rendered.Statement.length - 1);
  const own = await makeBucket();
  const policy: Policy = JSON.parse(
    JSON.stringify({ ...rendered, Statement }).replaceAll(bucket.name, own.name),
  );
  const engine = await engineWith(await userWith(policy, own.name));
  await makeShop(engine);
  await expect(
    engine.tell(`BACKUP DATABASE shop TO ${destination(own, 'backups/shop/x')} SETTINGS ${SETTINGS}`),
  ).rejects.toThrow(reason);
});

describe('with the keys of the writer nobody', () => {
  let thief: S3Client;
  let confinedThief: S3Client;
  const place = 'backups/shop/20260402T020000Z-full-k3f9';
  const Bucket = (): string => bucket.name;

  beforeAll(async () => {
    const keys = await sessionWith(rendered);
    thief = clientOf(keys);
    confinedThief = clientOf(await sessionWith(confined));
    const engine = await engineWith(keys);
    await makeShop(engine);
    await backUp(engine, place);
  });

  test.each(['.backup', 'metadata/shop.sql', 'data/shop/orders/202601_1_1_0/data.bin'])(
    'deletes %s of a backup',
    async (name) => {
      const Key = `${place}/${name}`;
      await expect(thief.send(new DeleteObjectCommand({ Bucket: Bucket(), Key }))).rejects.toMatchObject({
        name: 'AccessDenied',
      });
      await expect(
        thief.send(new DeleteObjectsCommand({ Bucket: Bucket(), Delete: { Objects: [{ Key }] } })),
      ).rejects.toMatchObject({ name: 'AccessDenied' });
    },
  );

  test.each([
    'ledger/shop/x/verified.json',
    'claims/shop/x.json',
    'pins/shop/x/y.json',
    'restores/shop/x.json',
  ])('writes %s', async (Key) => {
    await expect(put(thief, Key)).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  test('writes, lists or reads another target, where the policy is for one', async () => {
    const Key = 'backups/other/x/.backup';
    await put(owner, Key);
    await expect(put(confinedThief, Key)).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(
      confinedThief.send(new DeleteObjectCommand({ Bucket: Bucket(), Key: 'backups/other/x/.lock' })),
    ).rejects.toMatchObject({ name: 'AccessDenied' });
    await put(confinedThief, 'backups/shop/x/anything');
  });

  const put = (client: S3Client, Key: string) =>
    client.send(new PutObjectCommand({ Bucket: Bucket(), Key, Body: 'x' }));
});
