import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { BUCKET, serveBucket } from './served-bucket.ts';

const served = serveBucket();
const PRECONDITION_FAILED = { name: 'PreconditionFailed', $metadata: { httpStatusCode: 412 } };

const put = (Key: string, Body: string, condition: { IfNoneMatch?: string; IfMatch?: string } = {}) =>
  served().s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ...condition }));

async function textOf(Key: string): Promise<string | undefined> {
  const { Body } = await served().s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
  return Body?.transformToString();
}

describe('If-None-Match: *', () => {
  it('writes a key that does not exist and leaves one alone that does', async () => {
    await put('claim', 'first', { IfNoneMatch: '*' });
    await expect(put('claim', 'second', { IfNoneMatch: '*' })).rejects.toMatchObject(PRECONDITION_FAILED);
    expect(await textOf('claim')).toBe('first');
  });

  it('lets exactly one of many simultaneous writers win', async () => {
    const bodies = Array.from({ length: 24 }, (_, writer) => `writer ${writer} `.repeat(5000));
    const outcomes = await Promise.allSettled(bodies.map((body) => put('race', body, { IfNoneMatch: '*' })));
    const winners = bodies.filter((_, writer) => outcomes[writer]?.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    expect(await textOf('race')).toBe(winners[0]);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(PRECONDITION_FAILED);
    }
  });

  it('writes again after the object has been deleted', async () => {
    await put('again', 'first', { IfNoneMatch: '*' });
    await served().s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'again' }));
    await put('again', 'second', { IfNoneMatch: '*' });
    expect(await textOf('again')).toBe('second');
  });

  it('holds for the completion of a multipart upload, which can then still be aborted', async () => {
    const Key = 'in parts';
    const { s3 } = served();
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key }));
    const upload = { Bucket: BUCKET, Key, UploadId };
    const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'part' }));
    await put(Key, 'meanwhile');
    const completion = new CompleteMultipartUploadCommand({
      ...upload,
      IfNoneMatch: '*',
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
    });
    await expect(s3.send(completion)).rejects.toMatchObject(PRECONDITION_FAILED);
    expect(await textOf(Key)).toBe('meanwhile');
    await s3.send(new AbortMultipartUploadCommand(upload));
  });

  it('holds for a copy', async () => {
    await put('source', 'copied');
    await put('target', 'kept');
    const copy = new CopyObjectCommand({
      Bucket: BUCKET,
      Key: 'target',
      CopySource: `${BUCKET}/source`,
      IfNoneMatch: '*',
    });
    await expect(served().s3.send(copy)).rejects.toMatchObject(PRECONDITION_FAILED);
    expect(await textOf('target')).toBe('kept');
  });

  it('is not implemented for anything but *, as on AWS', async () => {
    await expect(put('etag', 'x', { IfNoneMatch: '"abc"' })).rejects.toMatchObject({
      name: 'NotImplemented',
    });
  });
});

describe('If-Match', () => {
  it('replaces the object with this ETag and no other', async () => {
    const { ETag = '' } = await put('swap', 'one');
    await put('swap', 'two', { IfMatch: ETag });
    await expect(put('swap', 'three', { IfMatch: ETag })).rejects.toMatchObject(PRECONDITION_FAILED);
    expect(await textOf('swap')).toBe('two');
  });

  it('finds nothing to replace where no object is', async () => {
    await expect(put('nothing here', 'x', { IfMatch: '"abc"' })).rejects.toMatchObject({
      name: 'NoSuchKey',
      $metadata: { httpStatusCode: 404 },
    });
  });

  it('keeps an object from being deleted once it has changed', async () => {
    const { ETag: IfMatch } = await put('pin', 'one');
    await put('pin', 'two');
    const { s3 } = served();
    const deletion = new DeleteObjectCommand({ Bucket: BUCKET, Key: 'pin', IfMatch });
    await expect(s3.send(deletion)).rejects.toMatchObject(PRECONDITION_FAILED);
    const { Errors } = await s3.send(
      new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: [{ Key: 'pin', ETag: IfMatch }] } }),
    );
    expect(Errors).toMatchObject([{ Key: 'pin', Code: 'PreconditionFailed' }]);
    expect(await textOf('pin')).toBe('two');
  });
});

it('says 412 in the XML that AWS says it in', async () => {
  const url = `${served().server.endpoint}/${BUCKET}/xml`;
  await fetch(url, { method: 'PUT', body: 'x' });
  const response = await fetch(url, { method: 'PUT', body: 'y', headers: { 'If-None-Match': '*' } });
  expect(response.status).toBe(412);
  expect(response.headers.get('content-type')).toBe('application/xml');
  expect(await response.text()).toMatch(
    /^<\?xml .*\?>\s*<Error><Code>PreconditionFailed<\/Code><Message>.+<\/Message><Condition>If-None-Match<\/Condition><RequestId>\w+<\/RequestId><\/Error>$/,
  );
});
