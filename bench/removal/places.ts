/** The S3 servers on which removing is measured: the local bucket, and the one that the environment names. */
import { CreateBucketCommand, DeleteBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { Bucket } from '../../clients/bucket.ts';
import { startBucket } from '../../local/bucket/bucket.ts';
import { embeddedS3, type S3Place } from '../../local/s3-place.ts';
import type { Workspace } from '../workspace.ts';
import { emptyBucket } from './doomed.ts';

export interface OpenPlace {
  readonly name: string;
  readonly s3: S3Place;
  readonly bucket: Bucket;
  close(): Promise<void>;
}

const REGION = 'us-east-1';
const BUCKET = 'safehouse-bench';

const clientOf = ({ bucketName, ...s3 }: S3Place): Bucket => ({
  name: bucketName,
  client: new S3Client({ ...s3, forcePathStyle: true }),
});

export async function openLocalPlace(workspace: Workspace): Promise<OpenPlace> {
  const server = await startBucket({
    directory: await workspace.subdirectory('removal'),
    buckets: [BUCKET],
  });
  const s3 = embeddedS3(server.endpoint, BUCKET);
  return {
    name: 'local bucket',
    s3,
    bucket: clientOf(s3),
    close: workspace.atEnd(() => server.kill()),
  };
}

/** A bucket of its own on that server, removed afterwards; undefined when the environment names none, or no keys for it. */
export async function openNamedPlace(
  workspace: Workspace,
  environment: NodeJS.ProcessEnv,
): Promise<OpenPlace | undefined> {
  const {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_REGION: region = REGION,
  } = environment;
  if (!endpoint || !accessKeyId || !secretAccessKey) return undefined;
  const s3: S3Place = {
    endpoint,
    bucketName: `${BUCKET}-${process.pid}-${Date.now().toString(36)}`,
    region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
    embedded: false,
  };
  const bucket = clientOf(s3);
  await bucket.client.send(new CreateBucketCommand({ Bucket: bucket.name }));
  const close = workspace.atEnd(async () => {
    await emptyBucket(bucket);
    await bucket.client.send(new DeleteBucketCommand({ Bucket: bucket.name }));
  });
  return { name: await serverName(endpoint), s3, bucket, close };
}

/** What it calls itself in its answers, such as `AmazonS3`; addresses are nobody's business. */
async function serverName(endpoint: string): Promise<string> {
  const answer = await fetch(endpoint, { method: 'HEAD', redirect: 'manual' }).catch(() => undefined);
  return answer?.headers.get('server')?.replace(/[^\w ().-]/g, '') || 'other S3 server';
}
