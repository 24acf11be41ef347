/** A backup of very many small objects whose grace is over: what retention removes. */
import { DeleteObjectsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { type Bucket, listObjects } from '../../clients/bucket.ts';
import { mapConcurrently } from '../../clients/concurrently.ts';
import { record } from '../../clients/ledger.ts';
import { makeBackupId } from '../../core/backup-id.ts';
import { backupPrefix, MANIFEST } from '../../core/keys.ts';

export interface Doomed {
  readonly target: string;
  readonly id: string;
  /** With its slash at the end. */
  readonly prefix: string;
}

const AT_ONCE = 32;
const FILES_IN_PART = 20;
const HOUR = 3_600_000;

/** Keys as ClickHouse makes them, the manifest included. */
const keyOf = (prefix: string, index: number): string =>
  index === 0
    ? `${prefix}${MANIFEST}`
    : `${prefix}data/shop/events/202601_${Math.floor(index / FILES_IN_PART)}_${Math.floor(index / FILES_IN_PART)}_0/column_${index % FILES_IN_PART}.bin`;

/** @param startedAt makes the id: two of them never share a prefix */
export async function writeDoomed(
  bucket: Bucket,
  target: string,
  objects: number,
  startedAt: number,
): Promise<Doomed> {
  const id = makeBackupId(startedAt, 'full', 'gone');
  const prefix = backupPrefix(target, id);
  const indexes = Array.from({ length: objects }, (_, index) => index);
  await mapConcurrently(indexes, AT_ONCE, (index) =>
    bucket.client.send(
      new PutObjectCommand({ Bucket: bucket.name, Key: keyOf(prefix, index), Body: 'x'.repeat(100) }),
    ),
  );
  return { target, id, prefix };
}

/** Marks it as a plan of retention would have, with its grace over. */
export async function letGo(bucket: Bucket, { target, id }: Doomed): Promise<void> {
  await record(bucket, target, id, 'expiring', {
    by: 'bench',
    reason: 'no rule keeps it',
    removeAfter: new Date(Date.now() - HOUR).toISOString(),
  });
}

export async function countObjects(bucket: Bucket, prefix: string): Promise<number> {
  let count = 0;
  for await (const _ of listObjects(bucket, prefix)) count += 1;
  return count;
}

/** Removes whatever a bucket still holds, a thousand keys at a time. */
export async function emptyBucket(bucket: Bucket): Promise<void> {
  const keys: { Key: string }[] = [];
  for await (const { key } of listObjects(bucket, '')) keys.push({ Key: key });
  for (let at = 0; at < keys.length; at += 1000)
    await bucket.client.send(
      new DeleteObjectsCommand({ Bucket: bucket.name, Delete: { Objects: keys.slice(at, at + 1000) } }),
    );
}
