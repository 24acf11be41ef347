import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../clients/bucket.ts';
import { listUploads, surveyUploads } from '../../clients/uploads.ts';
import { BUCKET, serveBucket } from '../local/bucket/served-bucket.ts';
import { awsError, mockS3 } from '../support/aws.ts';
import { all } from '../support/failures.ts';

const served = serveBucket();
const ID = '20260402T020000Z-full-k3f9';

describe('in a bucket', () => {
  const real = (): Bucket => ({ name: BUCKET, client: served().s3 });

  async function begin(Key: string, ...sizes: readonly number[]) {
    const at = { Bucket: BUCKET, Key };
    const { UploadId } = await served().s3.send(new CreateMultipartUploadCommand(at));
    for (const [index, size] of sizes.entries())
      await served().s3.send(
        new UploadPartCommand({ ...at, UploadId, PartNumber: index + 1, Body: Buffer.alloc(size) }),
      );
    return { ...at, UploadId };
  }

  it('are counted under the target alone, with the bytes of their parts', async () => {
    const one = await begin(`backups/shop/${ID}/a.bin`, 300, 20);
    const two = await begin(`backups/shop/${ID}/b.bin`);
    const other = await begin(`backups/shop-2/${ID}/a.bin`, 1);
    expect(await surveyUploads(real(), 'shop', [])).toEqual({
      count: 2,
      oldest: expect.any(Number),
      bytes: 320,
      isWhole: true,
      abortedAt: null,
    });
    for (const upload of [one, two, other]) await served().s3.send(new AbortMultipartUploadCommand(upload));
    expect(await surveyUploads(real(), 'shop', [])).toBeNull();
  });
});

describe('what S3 answers', () => {
  const s3 = mockS3();
  const bucket: Bucket = { name: 'b', client: new S3Client({}) };
  const upload = (n: number) => ({
    Key: `backups/shop/${ID}/${n}`,
    UploadId: `u${n}`,
    Initiated: new Date(n),
  });

  it('is read page by page, from both of its markers on', async () => {
    s3()
      .on(ListMultipartUploadsCommand)
      .resolvesOnce({ Uploads: [upload(1)], IsTruncated: true, NextKeyMarker: 'k', NextUploadIdMarker: 'u1' })
      .resolvesOnce({
        Uploads: [upload(2)],
        IsTruncated: false,
        NextKeyMarker: 'l',
        NextUploadIdMarker: 'u2',
      });
    expect((await all(listUploads(bucket, 'backups/'))).map(({ uploadId }) => uploadId)).toEqual([
      'u1',
      'u2',
    ]);
    expect(s3().commandCalls(ListMultipartUploadsCommand)[1]?.args[0].input).toEqual({
      Bucket: 'b',
      Prefix: 'backups/',
      KeyMarker: 'k',
      UploadIdMarker: 'u1',
    });
  });

  it('is refused when it goes on without saying where', async () => {
    s3().on(ListMultipartUploadsCommand).resolves({ Uploads: [], IsTruncated: true });
    await expect(all(listUploads(bucket, 'backups/'))).rejects.toMatchObject({ name: 'IncompleteReading' });
  });

  it('is refused when an upload has no time', async () => {
    s3()
      .on(ListMultipartUploadsCommand)
      .resolves({ Uploads: [{ Key: 'k', UploadId: 'u' }] });
    await expect(all(listUploads(bucket, 'backups/'))).rejects.toMatchObject({ name: 'IncompleteReading' });
  });

  it('is never nothing when it was a refusal', async () => {
    s3().on(ListMultipartUploadsCommand).rejects(awsError('AccessDenied', 403));
    await expect(surveyUploads(bucket, 'shop', [])).rejects.toMatchObject({ name: 'Refused' });
    s3()
      .on(ListMultipartUploadsCommand)
      .resolves({ Uploads: [upload(1)] });
    s3().on(ListPartsCommand).rejects(awsError('AccessDenied', 403));
    await expect(surveyUploads(bucket, 'shop', [])).rejects.toMatchObject({ name: 'Refused' });
  });

  it('names the rule that aborts them; of very many, the oldest twenty are looked into', async () => {
    s3()
      .on(ListMultipartUploadsCommand)
      .resolves({ Uploads: Array.from({ length: 30 }, (_, n) => upload(n)) });
    s3()
      .on(ListPartsCommand)
      .resolves({ Parts: [{ Size: 7 }], IsTruncated: false, AbortDate: new Date(5000) });
    expect(await surveyUploads(bucket, 'shop', [])).toEqual({
      count: 30,
      oldest: 0,
      bytes: 140,
      isWhole: false,
      abortedAt: 5000,
    });
    const asked = s3()
      .commandCalls(ListPartsCommand)
      .map(({ args }) => args[0].input.UploadId);
    expect(asked).toEqual(Array.from({ length: 20 }, (_, n) => `u${n}`));
  });

  it('may be that one is gone meanwhile', async () => {
    s3()
      .on(ListMultipartUploadsCommand)
      .resolves({ Uploads: [upload(1)] });
    s3().on(ListPartsCommand).rejects(awsError('NoSuchUpload', 404));
    expect(await surveyUploads(bucket, 'shop', [])).toBeNull();
  });
});
