/** AWS as a test wants it to answer. Whatever a test does not expect is refused. */
import { Readable } from 'node:stream';
import { KMSClient } from '@aws-sdk/client-kms';
import { type GetObjectCommandOutput, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { SSMClient } from '@aws-sdk/client-ssm';
import { STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach } from 'vitest';

/** What the SDK throws when AWS answers with an error. */
export const awsError = (name: string, status: number, message = 'said so'): S3ServiceException =>
  new S3ServiceException({
    name,
    message,
    $fault: status >= 500 ? 'server' : 'client',
    $metadata: { httpStatusCode: status },
  });

/** What Node throws when a connection breaks. */
export const networkError = (code: string): Error =>
  Object.assign(new Error(`connection ended: ${code}`), { code });

/** The body of an object. */
export const bodyOf = (text: string): NonNullable<GetObjectCommandOutput['Body']> =>
  streamBody(Readable.from([Buffer.from(text)]), text);

export const streamBody = (stream: Readable, text = ''): NonNullable<GetObjectCommandOutput['Body']> =>
  Object.assign(stream, { transformToString: async () => text }) as unknown as NonNullable<
    GetObjectCommandOutput['Body']
  >;

const UNEXPECTED = new Error('unexpected command');

/** An S3 for each test. */
export function mockS3() {
  let mock = mockClient(S3Client);
  mock.restore();
  beforeEach(() => {
    mock = mockClient(S3Client);
    mock.onAnyCommand().rejects(UNEXPECTED);
  });
  afterEach(() => mock.restore());
  return () => mock;
}

/** An SSM for each test. */
export function mockSsm() {
  let mock = mockClient(SSMClient);
  mock.restore();
  beforeEach(() => {
    mock = mockClient(SSMClient);
    mock.onAnyCommand().rejects(UNEXPECTED);
  });
  afterEach(() => mock.restore());
  return () => mock;
}

/** An SNS for each test. */
export function mockSns() {
  let mock = mockClient(SNSClient);
  mock.restore();
  beforeEach(() => {
    mock = mockClient(SNSClient);
    mock.onAnyCommand().rejects(UNEXPECTED);
  });
  afterEach(() => mock.restore());
  return () => mock;
}

/** A KMS for each test. */
export function mockKms() {
  let mock = mockClient(KMSClient);
  mock.restore();
  beforeEach(() => {
    mock = mockClient(KMSClient);
    mock.onAnyCommand().rejects(UNEXPECTED);
  });
  afterEach(() => mock.restore());
  return () => mock;
}

/** An STS for each test. */
export function mockSts() {
  let mock = mockClient(STSClient);
  mock.restore();
  beforeEach(() => {
    mock = mockClient(STSClient);
    mock.onAnyCommand().rejects(UNEXPECTED);
  });
  afterEach(() => mock.restore());
  return () => mock;
}
