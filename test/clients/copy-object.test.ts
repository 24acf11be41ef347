import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CopyObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bucket as ClientBucket, headObject } from '../../clients/bucket.ts';
import { copyObject } from '../../clients/copy-object.ts';
import { type Bucket, startBucket } from '../../local/bucket/bucket.ts';
import { clientOf } from '../local/bucket/served-bucket.ts';
import { awsError } from '../support/aws.ts';

const MEBIBYTE = 1024 ** 2;
let server: Bucket;
let directory: string;
let from: ClientBucket;
let to: ClientBucket;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safehouse-copy-'));
  server = await startBucket({ directory, buckets: ['old', 'safehouse'] });
  from = { name: 'old', client: clientOf(server) };
  to = { name: 'safehouse', client: clientOf(server) };
});
afterAll(async () => {
  from.client.destroy();
  to.client.destroy();
  await server.stop();
  await rm(directory, { recursive: true });
});

const put = (key: string, body: Uint8Array) =>
  from.client.send(new PutObjectCommand({ Bucket: from.name, Key: key, Body: body }));

async function read(key: string): Promise<Buffer> {
  const { Body } = await to.client.send(new GetObjectCommand({ Bucket: to.name, Key: key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

const uploads = async (): Promise<number> => {
  const { Uploads = [] } = await to.client.send(new ListMultipartUploadsCommand({ Bucket: to.name }));
  return Uploads.length;
};

it.each(['plain', 'my%2Dshop/two words/ü+&?#.bin', '%2E%2E/x'])('copies %s as it is named', async (key) => {
  const body = Buffer.from(`what ${key} holds`);
  await put(key, body);
  await copyObject({ from, fromKey: key, to, toKey: `to/${key}`, size: body.length });
  expect(await read(`to/${key}`)).toEqual(body);
});

describe('what is too large for one request', () => {
  const limits = { whole: 5 * MEBIBYTE, part: 5 * MEBIBYTE };
  const body = Buffer.alloc(12 * MEBIBYTE + 3, 'abcdefg');

  it('is put together from its parts, the last one shorter', async () => {
    await put('large', body);
    await copyObject({ from, fromKey: 'large', to, toKey: 'large', size: body.length }, limits);
    expect((await read('large')).equals(body)).toBe(true);
    expect((await headObject(to, 'large'))?.etag).toMatch(/-3"$/);
  });

  it('leaves no unfinished upload behind when a part cannot be copied', async () => {
    await put('short', body);
    const size = body.length + 10 * MEBIBYTE;
    await expect(copyObject({ from, fromKey: 'short', to, toKey: 'short', size }, limits)).rejects.toThrow(
      'Could not copy s3://old/short to s3://safehouse/short',
    );
    expect(await uploads()).toBe(0);
    expect(await headObject(to, 'short')).toBeUndefined();
  });
});

describe('an object that changes while it is copied', () => {
  it.each([
    ['is gone', 'never-there', undefined],
    ['is another one', 'plain', '"0123456789abcdef0123456789abcdef"'],
  ])('%s', async (_, fromKey, etag) => {
    await expect(
      copyObject({ from, fromKey, to, toKey: 'x', size: 1, ...(etag && { etag }) }),
    ).rejects.toMatchObject({ name: 'IncompleteReading' });
  });
});

describe('what S3 refuses', () => {
  const mocked = () => {
    const client = new S3Client({ region: 'eu-central-1' });
    const mock = mockClient(client);
    mock.onAnyCommand().rejects(new Error('unexpected command'));
    return { mock, to: { name: 'safehouse', client } };
  };

  it.each([
    [awsError('AccessDenied', 403), 'need s3:GetObject there and s3:PutObject here'],
    [awsError('InvalidObjectState', 403), 'restore the objects of this backup from Glacier'],
  ])('%s is told with what to do', async (error, remedy) => {
    const { mock, to: there } = mocked();
    mock.on(CopyObjectCommand).rejects(error);
    await expect(
      copyObject({ from, fromKey: 'plain', to: there, toKey: 'x', size: 1 }),
    ).rejects.toMatchObject({ name: 'Refused', failure: { remedy: expect.stringContaining(remedy) } });
  });

  it('asks for the storage class of the target, and for no tags', async () => {
    const { mock, to: there } = mocked();
    mock.on(CopyObjectCommand).resolves({});
    await copyObject({ from, fromKey: 'a%b', to: there, toKey: 'x', size: 1, storageClass: 'STANDARD_IA' });
    expect(mock.commandCalls(CopyObjectCommand)[0]?.args[0].input).toEqual({
      Bucket: 'safehouse',
      Key: 'x',
      CopySource: 'old/a%25b',
      TaggingDirective: 'REPLACE',
      StorageClass: 'STANDARD_IA',
    });
  });
});
