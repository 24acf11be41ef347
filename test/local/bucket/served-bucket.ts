import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll } from 'vitest';
import { type Bucket, startBucket } from '../../../local/bucket/bucket.ts';

export const BUCKET = 'safehouse';

export interface ServedBucket {
  readonly server: Bucket;
  readonly s3: S3Client;
}

/** A bucket for the tests of one file, and a client for it. */
export function serveBucket(): () => ServedBucket {
  let served: (ServedBucket & { readonly directory: string }) | undefined;
  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'safehouse-bucket-'));
    const server = await startBucket({ directory, buckets: [BUCKET], log: console.error });
    served = { directory, server, s3: clientOf(server) };
  });
  afterAll(async () => {
    served?.s3.destroy();
    await served?.server.stop();
    if (served !== undefined) await rm(served.directory, { recursive: true });
  });
  return () => {
    if (served === undefined) throw new Error('the bucket has not been started');
    return served;
  };
}

export const clientOf = (server: Bucket): S3Client =>
  new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    // An error is what a test is after, not something to try again.
    maxAttempts: 1,
  });
