import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  deleteObject,
  exists,
  getJson,
  getStream,
  headObject,
  listObjects,
  openBucket,
  putOnce,
} from '../../clients/bucket.ts';
import { serveBucket } from '../local/bucket/served-bucket.ts';
import { awsError, bodyOf, mockS3, networkError, streamBody } from '../support/aws.ts';
import { all, failureOf } from '../support/failures.ts';

/** The stream of an object that must be there. */
function streamOf(found: Awaited<ReturnType<typeof getStream>>): AsyncIterable<Uint8Array> {
  if (found === undefined) throw new Error('there is no such object');
  return found.stream;
}

const schema = z.object({ a: z.number() });

describe('the bucket, where S3 answers with errors', () => {
  const s3 = mockS3();
  const bucket = { name: 'backups', client: new S3Client({}) };

  describe.each<[string, () => Promise<unknown>]>([
    ['a listing', () => all(listObjects(bucket, 'ledger/'))],
    ['a conditional write', () => putOnce(bucket, 'claims/a', {})],
    ['reading', () => getJson(bucket, 'ledger/a', schema)],
    ['reading a stream', () => getStream(bucket, 'ledger/a')],
    ['looking', () => headObject(bucket, 'ledger/a')],
    ['asking whether something exists', () => exists(bucket, 'ledger/a')],
    ['deleting', () => deleteObject(bucket, 'ledger/a')],
  ])('%s', (_, call) => {
    it.each([
      ['SlowDown', 503, 'TemporarilyUnavailable'],
      ['InternalError', 500, 'TemporarilyUnavailable'],
      ['AccessDenied', 403, 'Refused'],
      ['NoSuchBucket', 404, 'Refused'],
      ['SomethingNew', 400, 'Refused'],
    ] as const)('that is answered with %s %i is %s', async (name, status, expected) => {
      s3().onAnyCommand().rejects(awsError(name, status));
      const failure = await failureOf(expected, call());
      expect(failure.error).toBe(name);
      expect(failure.remedy).not.toBe('');
    });

    it.each(['ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT', 'EAI_AGAIN'])(
      'that breaks with %s may be made again',
      async (code) => {
        s3().onAnyCommand().rejects(networkError(code));
        expect((await failureOf('TemporarilyUnavailable', call())).class).toBe('retry the same');
      },
    );
  });

  describe('a listing', () => {
    const line = (Key: string) => ({ Key, Size: 1, ETag: '"e"', LastModified: new Date(7) });

    it('follows its pages to the end', async () => {
      s3()
        .on(ListObjectsV2Command, { Bucket: 'backups', Prefix: 'a/' })
        .resolvesOnce({ Contents: [line('a/1')], IsTruncated: true, NextContinuationToken: 'more' });
      s3()
        .on(ListObjectsV2Command, { Bucket: 'backups', Prefix: 'a/', ContinuationToken: 'more' })
        .resolves({
          Contents: [line('a/2')],
        });
      expect(await all(listObjects(bucket, 'a/'))).toEqual([
        { key: 'a/1', size: 1, etag: '"e"', lastModified: 7 },
        { key: 'a/2', size: 1, etag: '"e"', lastModified: 7 },
      ]);
    });

    it('from a key on says so on every page', async () => {
      const asked = { Bucket: 'backups', Prefix: 'a/', StartAfter: 'a/1' };
      s3()
        .on(ListObjectsV2Command, asked)
        .resolvesOnce({ Contents: [line('a/2')], IsTruncated: true, NextContinuationToken: 'more' })
        .resolves({ Contents: [line('a/3')] });
      const keys = (await all(listObjects(bucket, 'a/', undefined, 'a/1'))).map(({ key }) => key);
      expect(keys).toEqual(['a/2', 'a/3']);
    });

    it('that breaks off on its second page is an error, not a shorter list', async () => {
      s3()
        .on(ListObjectsV2Command)
        .resolvesOnce({ Contents: [line('a/1')], IsTruncated: true, NextContinuationToken: 'more' })
        .rejects(awsError('SlowDown', 503));
      await failureOf('TemporarilyUnavailable', all(listObjects(bucket, 'a/')));
    });

    it('that goes on, but does not say where, is an error', async () => {
      s3()
        .on(ListObjectsV2Command)
        .resolves({ Contents: [line('a/1')], IsTruncated: true });
      await failureOf('IncompleteReading', all(listObjects(bucket, 'a/')));
    });

    it.each(['Key', 'Size', 'LastModified'])('without %s of an object is an error', async (field) => {
      s3()
        .on(ListObjectsV2Command)
        .resolves({ Contents: [{ ...line('a/1'), [field]: undefined }] });
      await failureOf('IncompleteReading', all(listObjects(bucket, 'a/')));
    });

    it('of nothing is empty', async () => {
      s3().on(ListObjectsV2Command).resolves({});
      expect(await all(listObjects(bucket, 'a/'))).toEqual([]);
    });
  });

  describe('a conditional write', () => {
    it('asks S3 to write only where nothing is', async () => {
      s3().on(PutObjectCommand).resolves({});
      expect(await putOnce(bucket, 'claims/a', { a: 1 })).toBe(true);
      expect(s3().commandCalls(PutObjectCommand)[0]?.args[0].input).toEqual({
        Bucket: 'backups',
        Key: 'claims/a',
        Body: '{\n  "a": 1\n}\n',
        ContentType: 'application/json',
        IfNoneMatch: '*',
      });
    });

    it('that finds something there has not written', async () => {
      s3().on(PutObjectCommand).rejects(awsError('PreconditionFailed', 412));
      expect(await putOnce(bucket, 'claims/a', {})).toBe(false);
    });

    it('in conflict with another one asks again who won', async () => {
      s3()
        .on(PutObjectCommand)
        .rejectsOnce(awsError('ConditionalRequestConflict', 409))
        .rejects(awsError('PreconditionFailed', 412));
      expect(await putOnce(bucket, 'claims/a', {})).toBe(false);
      expect(s3().commandCalls(PutObjectCommand)).toHaveLength(2);
    });

    it('in conflict for ever may be made again later', async () => {
      s3().on(PutObjectCommand).rejects(awsError('ConditionalRequestConflict', 409));
      await failureOf('TemporarilyUnavailable', putOnce(bucket, 'claims/a', {}));
      expect(s3().commandCalls(PutObjectCommand)).toHaveLength(5);
    });
  });

  describe('what is absent', () => {
    it('is absent only when S3 says so of the object', async () => {
      s3().on(GetObjectCommand).rejects(awsError('NoSuchKey', 404));
      s3().on(HeadObjectCommand).rejects(awsError('NotFound', 404));
      expect(await getJson(bucket, 'a', schema)).toBeUndefined();
      expect(await getStream(bucket, 'a')).toBeUndefined();
      expect(await headObject(bucket, 'a')).toBeUndefined();
    });

    it('is not what a NotFound without a 404 says', async () => {
      s3().on(GetObjectCommand).rejects(awsError('NotFound', 400));
      await failureOf('Refused', getJson(bucket, 'a', schema));
    });
  });

  describe('an object', () => {
    it.each(['', 'not json', '{"a":"x"}', 'null', '[]'])(
      'that holds %j is not concluded from',
      async (text) => {
        s3()
          .on(GetObjectCommand)
          .resolves({ Body: bodyOf(text) });
        const failure = await failureOf('IncompleteReading', getJson(bucket, 'ledger/a', schema));
        expect(failure.what).toContain(
          'ledger/a in backups is not what this release of Safehouse writes there',
        );
      },
    );

    it('whose stream breaks in the middle is a failure of S3 that passes', async () => {
      const broken = Readable.from(
        (async function* () {
          yield Buffer.from('half');
          throw networkError('ECONNRESET');
        })(),
      );
      s3()
        .on(GetObjectCommand)
        .resolves({ Body: streamBody(broken), ContentLength: 8, ETag: '"e"' });
      const found = await getStream(bucket, 'backups/a');
      expect(found).toMatchObject({ size: 8, etag: '"e"' });
      const failure = await failureOf('TemporarilyUnavailable', all(streamOf(found)));
      expect(failure.what).toContain('read backups/a in backups to its end');
    });

    it('that is answered without a body is an error', async () => {
      s3().on(GetObjectCommand).resolves({});
      await failureOf('Refused', getStream(bucket, 'backups/a'));
    });
  });

  it('does not delete more than one object', async () => {
    s3().on(DeleteObjectCommand).resolves({});
    await deleteObject(bucket, 'pins/a');
    expect(
      s3()
        .commandCalls(DeleteObjectCommand)
        .map(({ args }) => args[0].input),
    ).toEqual([{ Bucket: 'backups', Key: 'pins/a' }]);
  });
});

describe('the bucket, as it is', () => {
  const served = serveBucket();
  const real = () => ({ name: 'safehouse', client: served().s3 });

  it('lets exactly one of twenty win who write the same key at once, and keeps what the winner wrote', async () => {
    const writers = Array.from({ length: 20 }, (_, writer) => writer);
    const won = await Promise.all(
      writers.map((writer) => putOnce(real(), 'claims/race.json', { a: writer })),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await getJson(real(), 'claims/race.json', schema)).toEqual({ a: won.indexOf(true) });
  });

  it('lists more than a page, in order', async () => {
    const keys = Array.from({ length: 1100 }, (_, index) => `many/${String(index).padStart(5, '0')}`);
    for (let start = 0; start < keys.length; start += 100)
      await Promise.all(keys.slice(start, start + 100).map((key) => putOnce(real(), key, {})));
    expect((await all(listObjects(real(), 'many/'))).map(({ key }) => key)).toEqual(keys);
  });

  it('tells a key from one that only begins like it', async () => {
    await putOnce(real(), 'there/a.json', {});
    expect(await exists(real(), 'there/a.json')).toBe(true);
    expect(await exists(real(), 'there/a')).toBe(false);
    expect(await exists(real(), 'there/')).toBe(false);
  });

  it('gives an object as it was written, and nothing once it was deleted', async () => {
    await putOnce(real(), 'kept.json', { a: 7 });
    expect(await getJson(real(), 'kept.json', schema)).toEqual({ a: 7 });
    const head = await headObject(real(), 'kept.json');
    const found = await getStream(real(), 'kept.json');
    expect(Buffer.concat(await all(streamOf(found))).toString()).toBe('{\n  "a": 7\n}\n');
    expect(found).toMatchObject({ size: head?.size, etag: head?.etag });
    await deleteObject(real(), 'kept.json');
    expect(await getJson(real(), 'kept.json', schema)).toBeUndefined();
    expect(await headObject(real(), 'kept.json')).toBeUndefined();
    expect(await getStream(real(), 'kept.json')).toBeUndefined();
  });
});

describe('opening a bucket', () => {
  it.each([
    ['http://127.0.0.1:9000', true],
    [undefined, false],
  ])('at %j puts its name into the path: %j', async (endpoint, forcePathStyle) => {
    const { client } = openBucket('backups', endpoint);
    expect(client.config.forcePathStyle).toBe(forcePathStyle);
    expect(await client.config.maxAttempts()).toBe(5);
    client.destroy();
  });
});
