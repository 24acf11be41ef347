/** The bucket of an installation, opened in its own region and at its own endpoint. */
import { S3Client } from '@aws-sdk/client-s3';
import type { Bucket } from '../clients/bucket.ts';
import type { Installation } from '../core/installation.ts';

export function bucketOf({ bucketName, region, endpoint }: Installation): Bucket {
  const client = new S3Client({
    region,
    maxAttempts: 5,
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
  });
  return { name: bucketName, client };
}
