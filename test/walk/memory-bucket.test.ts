import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUCKET, serveBucket } from '../local/bucket/served-bucket.ts';
import { type Fault, MemoryBucket } from './memory-bucket.ts';

const served = serveBucket();

type Send = (command: never) => Promise<unknown>;

const memoryBucket = (faults: readonly (Fault | undefined)[] = []): MemoryBucket => {
  const left = [...faults];
  return new MemoryBucket({
    now: () => Date.now(),
    turn: () => Promise.resolve(),
    judge: () => left.shift(),
  });
};

const key = () => fc.constantFrom('a', 'a/b', 'a/c', 'ab', 'b/x', 'b/y', 'z');

const commands = () =>
  fc.oneof(
    fc.record({
      does: fc.constant('put' as const),
      key: key(),
      body: fc.string({ minLength: 1, maxLength: 9 }),
      once: fc.boolean(),
    }),
    fc.record({ does: fc.constantFrom('get' as const, 'head' as const, 'delete' as const), key: key() }),
    fc.record({
      does: fc.constant('delete many' as const),
      keys: fc.array(key(), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      does: fc.constant('list' as const),
      prefix: fc.constantFrom('', 'a', 'a/', 'b/', 'q'),
      after: fc.constantFrom(undefined, 'a', 'a/b', 'a/zz', 'b/x'),
      most: fc.constantFrom(1, 2, 1000),
    }),
    fc.record({ does: fc.constant('ask for versions' as const) }),
  );
type Step = ReturnType<typeof commands> extends fc.Arbitrary<infer Item> ? Item : never;

let runs = 0;

/** What a client sees of the answer, without times and what only a real connection has. */
async function seen(send: Send, root: string, step: Step): Promise<unknown> {
  try {
    switch (step.does) {
      case 'put': {
        const input = { Bucket: BUCKET, Key: `${root}${step.key}`, Body: step.body };
        const answer = (await send(
          new PutObjectCommand({ ...input, ...(step.once && { IfNoneMatch: '*' }) }) as never,
        )) as { ETag: string };
        return answer.ETag;
      }
      case 'get': {
        const answer = (await send(
          new GetObjectCommand({ Bucket: BUCKET, Key: `${root}${step.key}` }) as never,
        )) as { Body: { transformToString(): Promise<string> }; ContentLength: number; ETag: string };
        return [await answer.Body.transformToString(), answer.ContentLength, answer.ETag];
      }
      case 'head': {
        const answer = (await send(
          new HeadObjectCommand({ Bucket: BUCKET, Key: `${root}${step.key}` }) as never,
        )) as { ContentLength: number; ETag: string };
        return [answer.ContentLength, answer.ETag];
      }
      case 'delete':
        await send(new DeleteObjectCommand({ Bucket: BUCKET, Key: `${root}${step.key}` }) as never);
        return 'deleted';
      case 'delete many': {
        const Objects = step.keys.map((each) => ({ Key: `${root}${each}` }));
        const answer = (await send(
          new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects, Quiet: true } }) as never,
        )) as { Errors?: unknown[] };
        return answer.Errors ?? [];
      }
      case 'list':
        return await listed(send, `${root}${step.prefix}`, step.after && `${root}${step.after}`, step.most);
      case 'ask for versions':
        return (
          (await send(new GetBucketVersioningCommand({ Bucket: BUCKET }) as never)) as { Status?: string }
        ).Status;
    }
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    return { name, status: $metadata?.httpStatusCode };
  }
}

interface Page {
  readonly Contents?: readonly { Key: string; Size: number; ETag: string }[];
  readonly IsTruncated?: boolean;
  readonly NextContinuationToken?: string;
}

async function listed(send: Send, prefix: string, after: string | undefined, most: number): Promise<unknown> {
  const pages: unknown[] = [];
  let token: string | undefined;
  do {
    const page = (await send(
      new ListObjectsV2Command({
        Bucket: BUCKET,
        Prefix: prefix,
        StartAfter: after,
        MaxKeys: most,
        ContinuationToken: token,
      }) as never,
    )) as Page;
    pages.push([(page.Contents ?? []).map(({ Key, Size, ETag }) => [Key, Size, ETag]), page.IsTruncated]);
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return pages;
}

describe('the bucket in memory', () => {
  it('answers whatever it is asked as the bucket of the local installation does', async () => {
    const { s3 } = served();
    await fc.assert(
      fc.asyncProperty(fc.array(commands(), { minLength: 1, maxLength: 25 }), async (steps) => {
        const memory = memoryBucket();
        runs += 1;
        const root = `run-${runs}/`;
        for (const step of steps)
          expect(await seen((command) => memory.send(command), root, step)).toEqual(
            await seen((command) => s3.send(command), root, step),
          );
      }),
      { numRuns: 40 },
    );
  });

  const put = (once: boolean) =>
    new PutObjectCommand({
      Bucket: BUCKET,
      Key: 'k',
      Body: 'one',
      ...(once && { IfNoneMatch: '*' }),
    }) as never;

  it('finds its own object when an answer was lost and the SDK asks again', async () => {
    const memory = memoryBucket(['answer lost']);
    await expect(memory.send(put(true))).rejects.toMatchObject({ name: 'PreconditionFailed' });
    expect(memory.keys('')).toEqual(['k']);
  });

  it('has done nothing when it refuses', async () => {
    const memory = memoryBucket([{ refuse: 'SlowDown', status: 503 }]);
    await expect(memory.send(put(false))).rejects.toMatchObject({ name: 'SlowDown' });
    expect(memory.keys('')).toEqual([]);
  });

  it('names the keys that it does not delete', async () => {
    const memory = memoryBucket([undefined, undefined, { spare: 'InternalError' }]);
    const keys = ['a', 'b'];
    for (const Key of keys)
      await memory.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'x' }) as never);
    const answer = await memory.send(
      new DeleteObjectsCommand({
        Bucket: BUCKET,
        Delete: { Objects: keys.map((Key) => ({ Key })) },
      }) as never,
    );
    expect(answer).toMatchObject({ Errors: [{ Key: 'a', Code: 'InternalError' }] });
    expect(memory.keys('')).toEqual(['a']);
  });
});
