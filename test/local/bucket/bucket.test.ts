import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Bucket, startBucket } from '../../../local/bucket/bucket.ts';
import { BUCKET, clientOf, serveBucket } from './served-bucket.ts';

const served = serveBucket();

const put = (Key: string, Body: string | Buffer) =>
  served().s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));

async function textOf(Key: string, Range?: string): Promise<string | undefined> {
  const { Body } = await served().s3.send(
    new GetObjectCommand({ Bucket: BUCKET, Key, ...(Range === undefined ? {} : { Range }) }),
  );
  return Body?.transformToString();
}

async function keysUnder(Prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of paginateListObjectsV2({ client: served().s3 }, { Bucket: BUCKET, Prefix })) {
    keys.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
  }
  return keys;
}

/** In the order of their bytes. */
const STRANGE_KEYS = [
  '123',
  'a/../b',
  'a//b',
  'a/b',
  'ampersand & <tag> "quoted" \'single\'',
  'back`tick\\slash',
  'folder/',
  'new\nline\ttab\rreturn',
  'per%20cent%',
  'plus+and space ',
  'question?mark#hash',
  'é/日本',
  '\uFFEE',
  '\u{1F600}',
];

describe('keys', { timeout: 30_000 }, () => {
  it('keeps any key as it is, through put, list, get, copy and delete', async () => {
    const keys = STRANGE_KEYS.map((key) => `strange/${key}`);
    for (const key of keys) await put(key, key);
    expect(await keysUnder('strange/')).toEqual(keys);
    for (const key of keys) expect(await textOf(key)).toBe(key);
    const { s3 } = served();
    for (const key of keys) {
      const CopySource = `${BUCKET}/${encodeURIComponent(key)}`;
      await s3.send(new CopyObjectCommand({ Bucket: BUCKET, Key: `copy/${key}`, CopySource }));
      expect(await textOf(`copy/${key}`)).toBe(key);
    }
    const { Deleted, Errors } = await s3.send(
      new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: keys.map((Key) => ({ Key })) } }),
    );
    expect(Deleted?.map(({ Key }) => Key)).toEqual(keys);
    expect(Errors).toBeUndefined();
    expect(await keysUnder('strange/')).toEqual([]);
    expect(await keysUnder('copy/')).toHaveLength(keys.length);
  });

  it('percent-encodes them in a listing on request', async () => {
    await put('encoded/ü &', 'x');
    const { Contents, EncodingType } = await served().s3.send(
      new ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'encoded/', EncodingType: 'url' }),
    );
    expect(EncodingType).toBe('url');
    expect(Contents?.map(({ Key }) => Key)).toEqual(['encoded/%C3%BC%20%26']);
  });

  it('refuses one of more than 1,024 bytes', async () => {
    await put('k'.repeat(1024), 'x');
    await expect(put('é'.repeat(513), 'x')).rejects.toMatchObject({ name: 'KeyTooLongError' });
  });
});

describe('listings', { timeout: 30_000 }, () => {
  it('come in pages of a thousand, with size, ETag and a time in whole seconds', async () => {
    const before = Math.floor(Date.now() / 1000) * 1000;
    const names = Array.from({ length: 2345 }, (_, number) => `pages/${String(number).padStart(5, '0')}`);
    await Promise.all(
      names.map((name) =>
        fetch(`${served().server.endpoint}/${BUCKET}/${name}`, { method: 'PUT', body: 'five!' }),
      ),
    );
    expect(await keysUnder('pages/')).toEqual(names);
    const first = await served().s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'pages/' }));
    expect(first.Contents).toHaveLength(1000);
    expect(first.IsTruncated).toBe(true);
    const [object] = first.Contents ?? [];
    expect(object).toMatchObject({ Size: 5, ETag: `"${createHash('md5').update('five!').digest('hex')}"` });
    const modified = object?.LastModified?.getTime() ?? 0;
    expect(modified % 1000).toBe(0);
    expect(modified).toBeGreaterThanOrEqual(before);
    expect(modified).toBeLessThanOrEqual(Date.now());
    const { LastModified } = await served().s3.send(
      new HeadObjectCommand({ Bucket: BUCKET, Key: 'pages/00000' }),
    );
    expect(LastModified?.getTime()).toBe(modified);
  });

  it('begin after start-after, group by delimiter, and count groups as keys', async () => {
    for (const key of ['g/1/a', 'g/1/b', 'g/2/x/y', 'g/3', 'g/4/z']) await put(key, 'x');
    const { s3 } = served();
    const all = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'g/', Delimiter: '/' }));
    expect(all.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['g/1/', 'g/2/', 'g/4/']);
    expect(all.Contents?.map(({ Key }) => Key)).toEqual(['g/3']);
    expect(all.KeyCount).toBe(4);
    const some = await s3.send(
      new ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'g/', StartAfter: 'g/1/a', MaxKeys: 2 }),
    );
    expect(some.Contents?.map(({ Key }) => Key)).toEqual(['g/1/b', 'g/2/x/y']);
  });

  it('exist in the first version too, and as versions that are all called null', async () => {
    for (const key of ['v/1', 'v/2']) await put(key, 'x');
    const { s3 } = served();
    const one = await s3.send(new ListObjectsCommand({ Bucket: BUCKET, Prefix: 'v/', MaxKeys: 1 }));
    expect(one.Contents?.map(({ Key }) => Key)).toEqual(['v/1']);
    const two = await s3.send(new ListObjectsCommand({ Bucket: BUCKET, Prefix: 'v/', Marker: 'v/1' }));
    expect(two.Contents?.map(({ Key }) => Key)).toEqual(['v/2']);
    const { Versions, DeleteMarkers } = await s3.send(
      new ListObjectVersionsCommand({ Bucket: BUCKET, Prefix: 'v/' }),
    );
    expect(Versions).toMatchObject([
      { Key: 'v/1', VersionId: 'null', IsLatest: true },
      { Key: 'v/2', VersionId: 'null', IsLatest: true },
    ]);
    expect(DeleteMarkers).toBeUndefined();
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket: BUCKET }))).Status).toBeUndefined();
  });
});

describe('objects', () => {
  it('are read whole, in ranges, and not beyond their end', async () => {
    await put('ranges', '0123456789');
    expect(await textOf('ranges')).toBe('0123456789');
    expect(await textOf('ranges', 'bytes=2-4')).toBe('234');
    expect(await textOf('ranges', 'bytes=7-')).toBe('789');
    expect(await textOf('ranges', 'bytes=-3')).toBe('789');
    expect(await textOf('ranges', 'bytes=8-99')).toBe('89');
    await expect(textOf('ranges', 'bytes=10-')).rejects.toMatchObject({ name: 'InvalidRange' });
    await put('empty', Buffer.alloc(0));
    expect(await textOf('empty')).toBe('');
  });

  it('keep what was said about them', async () => {
    const { s3 } = served();
    await s3.send(
      new PutObjectCommand({
        Bucket: BUCKET,
        Key: 'described',
        Body: '{}',
        ContentType: 'application/json',
        Metadata: { by: 'test' },
        StorageClass: 'STANDARD_IA',
      }),
    );
    expect(await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'described' }))).toMatchObject({
      ContentLength: 2,
      ContentType: 'application/json',
      Metadata: { by: 'test' },
      StorageClass: 'STANDARD_IA',
    });
    const response = await fetch(`${served().server.endpoint}/${BUCKET}/described`, {
      method: 'PUT',
      body: 'x',
      headers: { 'x-amz-storage-class': 'COLD' },
    });
    expect(await response.text()).toContain('<Code>InvalidStorageClass</Code>');
  });

  it('come with the checksum that the SDK verifies, streamed or not', async () => {
    const { s3 } = served();
    await put('summed', 'bytes');
    const stream = Readable.from([Buffer.alloc(70_000, 'a'), Buffer.from('b')]);
    await s3.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: 'streamed', Body: stream, ContentLength: 70_001 }),
    );
    const streamed = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'streamed' }));
    expect(streamed.ContentEncoding).toBeUndefined();
    expect(await streamed.Body?.transformToString()).toBe(`${'a'.repeat(70_000)}b`);
    for (const Key of ['summed', 'streamed']) {
      const head = await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key, ChecksumMode: 'ENABLED' }));
      expect(head.ChecksumCRC32).toMatch(/^[\w+/]{6}==$/);
    }
  });

  it('are refused when they are not what the sender meant to send', async () => {
    const url = `${served().server.endpoint}/${BUCKET}/damaged`;
    for (const headers of [
      { 'Content-MD5': createHash('md5').update('else').digest('base64') },
      { 'x-amz-checksum-crc32': 'AAAAAA==' },
      { 'x-amz-checksum-sha256': createHash('sha256').update('else').digest('base64') },
    ]) {
      const response = await fetch(url, { method: 'PUT', body: 'bytes', headers });
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('<Code>BadDigest</Code>');
    }
    expect((await fetch(url)).status).toBe(404);
  });

  it('answer conditional reads', async () => {
    const { ETag = '' } = await put('conditional', 'x');
    const url = `${served().server.endpoint}/${BUCKET}/conditional`;
    expect((await fetch(url, { headers: { 'If-None-Match': ETag } })).status).toBe(304);
    expect((await fetch(url, { headers: { 'If-None-Match': '"other"' } })).status).toBe(200);
    expect((await fetch(url, { headers: { 'If-Match': '"other"' } })).status).toBe(412);
    expect(
      (await fetch(url, { headers: { 'If-Modified-Since': new Date(Date.now() + 5000).toUTCString() } }))
        .status,
    ).toBe(304);
  });

  it('may be deleted twice', async () => {
    const { s3 } = served();
    await put('twice', 'x');
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'twice' }));
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'twice' }));
    await expect(textOf('twice')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });
});

it('names the bucket that exists and the one that does not', async () => {
  const { s3 } = served();
  const { Buckets } = await s3.send(new ListBucketsCommand({}));
  expect(Buckets).toEqual([{ Name: BUCKET, CreationDate: expect.any(Date) }]);
  await expect(s3.send(new ListObjectsV2Command({ Bucket: 'elsewhere' }))).rejects.toMatchObject({
    name: 'NoSuchBucket',
  });
});

it('says so when an operation is not implemented, and does not mistake it for another', async () => {
  await put('tagged', 'x');
  const tagging = new GetObjectTaggingCommand({ Bucket: BUCKET, Key: 'tagged' });
  await expect(served().s3.send(tagging)).rejects.toMatchObject({ name: 'NotImplemented' });
  const response = await fetch(`${served().server.endpoint}/${BUCKET}?lifecycle`);
  expect(response.status).toBe(501);
});

describe('a server of its own', { timeout: 30_000 }, () => {
  const cleanups: Array<() => Promise<unknown>> = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function directoryOfItsOwn(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'safehouse-bucket-'));
    cleanups.push(() => rm(directory, { recursive: true }));
    return directory;
  }

  async function start(directory: string): Promise<Bucket> {
    const server = await startBucket({ directory, buckets: [BUCKET] });
    cleanups.push(() => server.kill());
    return server;
  }

  const filesIn = async (directory: string): Promise<string[]> =>
    (await readdir(join(directory, 'segments'), { recursive: true })).filter((file) => file.length > 2);

  const untilFiles = (directory: string, count: number): Promise<boolean> =>
    vi.waitUntil(async () => (await filesIn(directory)).length === count, { timeout: 10_000 });

  /** Sends the head of an upload and some of the bytes that it promises. */
  async function beginUpload(server: Bucket, key: string): Promise<ReturnType<typeof connect>> {
    const socket = connect(Number(new URL(server.endpoint).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      `PUT /${BUCKET}/${key} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(5000)}`,
    );
    return socket;
  }

  it('keeps what it holds when it is stopped, and when it is killed', async () => {
    const directory = await directoryOfItsOwn();
    const first = await start(directory);
    await fetch(`${first.endpoint}/${BUCKET}/one`, { method: 'PUT', body: '1' });
    await first.stop();
    const second = await start(directory);
    await fetch(`${second.endpoint}/${BUCKET}/two`, { method: 'PUT', body: '2' });
    await second.kill();
    const third = await start(directory);
    for (const [key, text] of [
      ['one', '1'],
      ['two', '2'],
    ]) {
      expect(await (await fetch(`${third.endpoint}/${BUCKET}/${key}`)).text()).toBe(text);
    }
  });

  it('shows nothing of an upload that breaks off, and keeps no bytes of it', async () => {
    const directory = await directoryOfItsOwn();
    const server = await start(directory);
    const broken = await beginUpload(server, 'broken');
    await untilFiles(directory, 1);
    broken.destroy();
    await untilFiles(directory, 0);
    expect((await fetch(`${server.endpoint}/${BUCKET}/broken`)).status).toBe(404);

    await beginUpload(server, 'killed');
    await untilFiles(directory, 1);
    await server.kill();
    const again = await start(directory);
    expect(await filesIn(directory)).toEqual([]);
    expect((await fetch(`${again.endpoint}/${BUCKET}/killed`)).status).toBe(404);
  });

  it('frees the bytes of what is replaced or deleted', async () => {
    const directory = await directoryOfItsOwn();
    const server = await start(directory);
    const s3 = clientOf(server);
    cleanups.push(async () => s3.destroy());
    for (const Body of ['one', 'two'])
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'a', Body }));
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'b', Body: 'three' }));
    expect(await filesIn(directory)).toHaveLength(2);
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'a' }));
    await s3.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: [{ Key: 'b' }] } }));
    expect(await filesIn(directory)).toEqual([]);
  });

  it('refuses a directory that another one holds, and a port that is taken', async () => {
    const directory = await directoryOfItsOwn();
    const server = await start(directory);
    await expect(start(directory)).rejects.toThrow(`the directory ${directory} is in use by another bucket`);
    const port = Number(new URL(server.endpoint).port);
    const elsewhere = await directoryOfItsOwn();
    await expect(startBucket({ directory: elsewhere, port, buckets: [BUCKET] })).rejects.toThrow(
      `port ${port} on 127.0.0.1 is taken`,
    );
  });
});
