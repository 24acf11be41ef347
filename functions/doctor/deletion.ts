/** Tries to delete an object with the credentials that ClickHouse is given, where Safehouse itself hands them out. */
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { s3Locator } from '../../clients/destination.ts';
import { storageError } from '../../clients/storage-errors.ts';
import type { Target } from '../../core/config.ts';
import { SafehouseError } from '../../core/errors.ts';
import { bucketAddress } from '../environment.ts';

/**
 * @param key of an object that may go: it is gone when this answers `deleted`
 * @throws {SafehouseError} when S3 neither did it nor said that it is not allowed
 */
export async function tryDelete(name: string, target: Target, key: string): Promise<'refused' | 'deleted'> {
  const address = bucketAddress();
  const location = (await s3Locator(address, name, target.s3))(key);
  if (location.access !== 'keys' && location.access !== 'sts')
    throw new RangeError(`Safehouse hands out no credentials to a server with access ${target.s3.access}`);
  const { accessKeyId, secretAccessKey } = location;
  const client = new S3Client({
    region: address.region,
    maxAttempts: 3,
    forcePathStyle: address.endpoint !== undefined,
    credentials: {
      accessKeyId,
      secretAccessKey,
      ...(location.access === 'sts' && { sessionToken: location.sessionToken }),
    },
  });
  try {
    await client.send(new DeleteObjectCommand({ Bucket: address.bucket, Key: key }));
    return 'deleted';
  } catch (cause) {
    const error = storageError(cause, `try to delete ${key} in ${address.bucket}`);
    if (error instanceof SafehouseError && error.failure.error === 'AccessDenied') return 'refused';
    throw error;
  } finally {
    client.destroy();
  }
}
