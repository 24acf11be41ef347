import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { BUCKET, serveBucket } from './served-bucket.ts';

const served = serveBucket();
const FIVE_MIB = 5 * 1024 * 1024;

interface Begun {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

async function begin(Key: string): Promise<Begun> {
  const { UploadId } = await served().s3.send(
    new CreateMultipartUploadCommand({ Bucket: BUCKET, Key, Metadata: { origin: 'test' } }),
  );
  return { Bucket: BUCKET, Key, UploadId };
}

const upload = async (begun: Begun, PartNumber: number, Body: Buffer) => {
  const { ETag } = await served().s3.send(new UploadPartCommand({ ...begun, PartNumber, Body }));
  return { PartNumber, ETag };
};

const complete = (begun: Begun, Parts: Array<{ PartNumber: number; ETag: string | undefined }>) =>
  served().s3.send(new CompleteMultipartUploadCommand({ ...begun, MultipartUpload: { Parts } }));

const filled = (length: number, value: number): Buffer => Buffer.alloc(length, value);
const md5 = (bytes: Buffer): Buffer => createHash('md5').update(bytes).digest();

it('joins the parts by number, whatever the order in which they came, under the ETag that AWS gives', async () => {
  const begun = await begin('joined');
  const [one, two, three] = [filled(FIVE_MIB, 1), filled(FIVE_MIB + 1, 2), filled(3, 3)];
  const third = await upload(begun, 3, three);
  const first = await upload(begun, 1, filled(FIVE_MIB, 9));
  const second = await upload(begun, 2, two);
  const firstAgain = await upload(begun, 1, one);
  expect(firstAgain.ETag).not.toBe(first.ETag);
  const { ETag } = await complete(begun, [firstAgain, second, third]);
  expect(ETag).toBe(`"${md5(Buffer.concat([md5(one), md5(two), md5(three)])).toString('hex')}-3"`);

  const whole = Buffer.concat([one, two, three]);
  const { Body, Metadata } = await served().s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'joined' }));
  expect(whole.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
  expect(Metadata).toEqual({ origin: 'test' });

  const across = await served().s3.send(
    new GetObjectCommand({
      Bucket: BUCKET,
      Key: 'joined',
      Range: `bytes=${FIVE_MIB - 2}-${2 * FIVE_MIB + 2}`,
    }),
  );
  expect(across.ContentRange).toBe(`bytes ${FIVE_MIB - 2}-${2 * FIVE_MIB + 2}/${whole.length}`);
  expect(
    whole
      .subarray(FIVE_MIB - 2, 2 * FIVE_MIB + 3)
      .equals((await across.Body?.transformToByteArray()) ?? Buffer.alloc(0)),
  ).toBe(true);
});

it('shows no object before the completion, and the upload until its end', async () => {
  const { s3 } = served();
  const begun = await begin('pending');
  const part = await upload(begun, 7, filled(10, 7));
  await expect(s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'pending' }))).rejects.toMatchObject({
    name: 'NotFound',
  });
  const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: 'pen' }));
  expect(Uploads?.map(({ Key, UploadId }) => [Key, UploadId])).toEqual([['pending', begun.UploadId]]);
  const { Parts } = await s3.send(new ListPartsCommand(begun));
  expect(Parts).toMatchObject([{ PartNumber: 7, ETag: part.ETag, Size: 10 }]);

  await s3.send(new AbortMultipartUploadCommand(begun));
  const afterwards = await s3.send(new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: 'pen' }));
  expect(afterwards.Uploads).toBeUndefined();
  await expect(complete(begun, [part])).rejects.toMatchObject({ name: 'NoSuchUpload' });
});

it('refuses parts that are unknown, out of order or too small', async () => {
  const begun = await begin('refused');
  const small = await upload(begun, 1, filled(10, 1));
  const last = await upload(begun, 2, filled(10, 2));
  await expect(complete(begun, [{ PartNumber: 3, ETag: small.ETag }])).rejects.toMatchObject({
    name: 'InvalidPart',
  });
  await expect(complete(begun, [{ PartNumber: 1, ETag: last.ETag }])).rejects.toMatchObject({
    name: 'InvalidPart',
  });
  await expect(complete(begun, [last, small])).rejects.toMatchObject({ name: 'InvalidPartOrder' });
  await expect(complete(begun, [small, last])).rejects.toMatchObject({ name: 'EntityTooSmall' });
  await complete(begun, [last]);
});

it('copies a range of an object into a part', async () => {
  const { s3 } = served();
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'a/sö rce', Body: '0123456789' }));
  const begun = await begin('from copies');
  const copy = { ...begun, PartNumber: 1, CopySource: `${BUCKET}/a/s%C3%B6%20rce` };
  const { CopyPartResult } = await s3.send(
    new UploadPartCopyCommand({ ...copy, CopySourceRange: 'bytes=2-4' }),
  );
  await complete(begun, [{ PartNumber: 1, ETag: CopyPartResult?.ETag }]);
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'from copies' }));
  expect(await Body?.transformToString()).toBe('234');
});
