import {
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from 'vitest';
import { listObjects } from '../../clients/bucket.ts';
import { removeObjects } from '../../clients/removal.ts';
import { serveBucket } from '../local/bucket/served-bucket.ts';
import { awsError, mockS3 } from '../support/aws.ts';
import { all, failureOf } from '../support/failures.ts';

const ID = '20260402T020000Z-full-k3f9';
const PREFIX = `backups/logs/${ID}/`;
const MANIFEST = `${PREFIX}.backup`;

const limits = (overrides = {}) => ({
  end: Date.now() + 60_000,
  signal: new AbortController().signal,
  ...overrides,
});

/** A bucket in memory behind the mock, so that a removal meets what it left behind. */
class Shelf {
  readonly keys = new Map<string, { size: number; versions: string[] }>();
  readonly deleted: string[][] = [];
  /** Errors for keys, each told as often as it is there. */
  readonly errors = new Map<string, string[]>();
  isVersioned = false;

  put(key: string, size = 10, versions: string[] = ['null']): void {
    this.keys.set(key, { size, versions });
  }

  answer(s3: ReturnType<ReturnType<typeof mockS3>>): void {
    s3.on(GetBucketVersioningCommand).callsFake(async () => (this.isVersioned ? { Status: 'Enabled' } : {}));
    s3.on(ListObjectsV2Command).callsFake(async ({ Prefix }: { Prefix: string }) => ({
      Contents: this.#under(Prefix).map(([Key, { size }]) => ({
        Key,
        Size: size,
        LastModified: new Date(0),
      })),
    }));
    s3.on(ListObjectVersionsCommand).callsFake(async ({ Prefix }: { Prefix: string }) => ({
      Versions: this.#under(Prefix).flatMap(([Key, { size, versions }]) =>
        versions
          .filter((id) => !id.startsWith('marker'))
          .map((VersionId) => ({ Key, VersionId, Size: size })),
      ),
      DeleteMarkers: this.#under(Prefix).flatMap(([Key, { versions }]) =>
        versions.filter((id) => id.startsWith('marker')).map((VersionId) => ({ Key, VersionId })),
      ),
    }));
    s3.on(DeleteObjectsCommand).callsFake(
      async (input: { Delete: { Objects: { Key: string; VersionId?: string }[] } }) => ({
        Errors: this.#delete(input.Delete.Objects),
      }),
    );
  }

  #under(prefix: string) {
    return [...this.keys].filter(([key]) => key.startsWith(prefix)).slice(0, 1000);
  }

  #delete(objects: { Key: string; VersionId?: string }[]) {
    this.deleted.push(
      objects.map(({ Key, VersionId }) => (VersionId === undefined ? Key : `${Key} ${VersionId}`)),
    );
    return objects.flatMap(({ Key, VersionId }) => {
      const Code = this.errors.get(Key)?.shift();
      if (Code !== undefined)
        return [{ Key, ...(VersionId !== undefined && { VersionId }), Code, Message: 'said so' }];
      const known = this.keys.get(Key);
      const left = VersionId === undefined ? [] : (known?.versions.filter((id) => id !== VersionId) ?? []);
      if (known === undefined || left.length === 0) this.keys.delete(Key);
      else known.versions = left;
      return [];
    });
  }
}

describe('removing a backup', () => {
  const s3 = mockS3();
  const bucket = { name: 'backups', client: new S3Client({}) };
  let shelf = new Shelf();
  beforeEach(() => {
    shelf = new Shelf();
    shelf.answer(s3());
    shelf.put(`${PREFIX}data/a`, 100);
    shelf.put(MANIFEST, 7);
    shelf.put(`${PREFIX}metadata/b.sql`, 3);
  });
  const remove = (overrides = {}, prefix = PREFIX) =>
    removeObjects(bucket, prefix, '.backup', limits(overrides));

  it('takes the manifest first, and all the rest only when it is gone', async () => {
    shelf.put('backups/logs/20260403T020000Z-full-aaaa/.backup');
    expect(await remove()).toEqual({ objects: 3, bytes: 110, empty: true });
    expect(shelf.deleted).toEqual([[MANIFEST], [`${PREFIX}data/a`, `${PREFIX}metadata/b.sql`]]);
    expect([...shelf.keys.keys()]).toEqual(['backups/logs/20260403T020000Z-full-aaaa/.backup']);
  });

  it('touches nothing else while S3 does not delete the manifest', async () => {
    shelf.errors.set(MANIFEST, ['InternalError', 'SlowDown']);
    expect((await remove()).empty).toBe(true);
    expect(shelf.deleted.slice(0, 3)).toEqual([[MANIFEST], [MANIFEST], [MANIFEST]]);
  });

  it('gives up, with everything else in place, when the manifest never goes', async () => {
    shelf.errors.set(
      MANIFEST,
      Array.from({ length: 99 }, () => 'InternalError'),
    );
    const failure = await failureOf('TemporarilyUnavailable', remove());
    expect(failure.what).toContain(`After 5 rounds of deleting there is still something at ${MANIFEST}`);
    expect(shelf.keys.size).toBe(3);
  });

  it.each(['InternalError', 'SlowDown', 'ServiceUnavailable', 'RequestTimeout'])(
    'tries keys again that fail with %s',
    async (code) => {
      shelf.errors.set(`${PREFIX}data/a`, [code, code]);
      expect(await remove()).toEqual({ objects: 3, bytes: 110, empty: true });
    },
  );

  it('says which key cannot be deleted, and why', async () => {
    shelf.errors.set(`${PREFIX}data/a`, ['AccessDenied']);
    const failure = await failureOf('Refused', remove());
    expect(failure).toMatchObject({
      error: 'AccessDenied',
      what: `S3 did not delete 1 of 2 objects; the first: ${PREFIX}data/a (AccessDenied: said so).`,
    });
    expect(failure.remedy).toContain('Object Lock');
  });

  it('gives up after five rounds with keys that always fail', async () => {
    shelf.errors.set(
      `${PREFIX}data/a`,
      Array.from({ length: 99 }, () => 'InternalError'),
    );
    const failure = await failureOf('TemporarilyUnavailable', remove());
    expect(failure.what).toContain(`After 5 rounds of deleting there is still something at ${PREFIX}`);
  });

  it('hears of a call that fails while the next page is being listed', async () => {
    for (let index = 0; index < 2500; index += 1) shelf.put(`${PREFIX}data/${index}`);
    shelf.keys.delete(MANIFEST);
    let page = 0;
    s3()
      .on(ListObjectsV2Command)
      .callsFake(async () => {
        page += 1;
        // Long enough for the first call to have failed with nobody waiting for it.
        if (page > 2)
          for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        return page === 1
          ? {}
          : {
              Contents: [{ Key: `${PREFIX}data/${page}`, Size: 1 }],
              IsTruncated: true,
              NextContinuationToken: 'more',
            };
      });
    s3().on(DeleteObjectsCommand).rejects(awsError('AccessDenied', 403));
    expect((await failureOf('Refused', remove())).error).toBe('AccessDenied');
    expect(page).toBeLessThan(10);
  });

  it('stops when its time is over, and says that something is left', async () => {
    expect(await remove({ end: Date.now() - 1 })).toEqual({ objects: 1, bytes: 7, empty: false });
    expect([...shelf.keys.keys()]).toEqual([`${PREFIX}data/a`, `${PREFIX}metadata/b.sql`]);
    expect(await remove()).toEqual({ objects: 2, bytes: 103, empty: true });
  });

  it('stops when its function is about to be ended', async () => {
    expect((await remove({ signal: AbortSignal.abort() })).empty).toBe(false);
  });

  it('of which nothing is left is done', async () => {
    shelf.keys.clear();
    expect(await remove()).toEqual({ objects: 0, bytes: 0, empty: true });
    expect(shelf.deleted).toEqual([]);
  });

  it.each([
    '',
    'backups/',
    'backups/logs/',
    `backups/logs/${ID}`,
    `backups/logs/${ID}/data/`,
    `ledger/logs/${ID}/`,
    '/backups/logs/a/',
    'backups//a/',
  ])('refuses %j, which is not the prefix of one backup', async (prefix) => {
    await failureOf('RefusedForSafety', remove({}, prefix));
    expect(s3().calls()).toEqual([]);
  });

  describe('from a bucket that keeps versions', () => {
    beforeEach(() => {
      shelf.isVersioned = true;
      shelf.put(`${PREFIX}.lock`, 36, ['v1', 'marker1']);
      shelf.put(MANIFEST, 7, ['v2']);
      shelf.put(`${PREFIX}data/a`, 100, ['v3', 'v4']);
      shelf.put(`${PREFIX}metadata/b.sql`, 3, ['v5']);
    });

    it('deletes every version and every delete marker by its id', async () => {
      expect(await remove()).toEqual({ objects: 6, bytes: 7 + 36 + 200 + 3, empty: true });
      expect(shelf.deleted[0]).toEqual([`${MANIFEST} v2`]);
      expect(shelf.deleted.flat().sort()).toEqual(
        [
          `${MANIFEST} v2`,
          `${PREFIX}.lock marker1`,
          `${PREFIX}.lock v1`,
          `${PREFIX}data/a v3`,
          `${PREFIX}data/a v4`,
          `${PREFIX}metadata/b.sql v5`,
        ].sort(),
      );
    });

    it('follows its pages by both markers', async () => {
      s3()
        .on(ListObjectVersionsCommand, { Prefix: PREFIX })
        .resolvesOnce({
          Versions: [{ Key: `${PREFIX}data/a`, VersionId: 'v3', Size: 1 }],
          IsTruncated: true,
          NextKeyMarker: 'k',
          NextVersionIdMarker: 'v',
        })
        .resolves({});
      await remove();
      const asked = s3().commandCalls(ListObjectVersionsCommand, { Prefix: PREFIX });
      expect(asked[1]?.args[0].input).toMatchObject({ KeyMarker: 'k', VersionIdMarker: 'v' });
    });

    it('stops at a listing that goes on, but does not say where', async () => {
      s3().on(ListObjectVersionsCommand).resolves({ IsTruncated: true });
      await failureOf('IncompleteReading', remove());
    });

    it('asks for versions as well when the bucket does not keep new ones any more', async () => {
      s3().on(GetBucketVersioningCommand).resolves({ Status: 'Suspended' });
      expect((await remove()).objects).toBe(6);
    });
  });

  it('calls nothing empty over a listing that breaks off', async () => {
    s3().on(ListObjectsV2Command).resolves({ IsTruncated: true });
    await failureOf('IncompleteReading', remove());
    s3().on(ListObjectsV2Command).rejects(awsError('SlowDown', 503));
    await failureOf('TemporarilyUnavailable', remove());
  });

  it('does not begin when it cannot learn whether the bucket keeps versions', async () => {
    s3().on(GetBucketVersioningCommand).rejects(awsError('AccessDenied', 403));
    await failureOf('Refused', remove());
    expect(shelf.deleted).toEqual([]);
  });
});

describe('removing 2,500 objects', () => {
  const served = serveBucket();

  it('takes the manifest before any of them, a thousand at a time, and leaves nothing', async () => {
    const { s3 } = served();
    const bucket = { name: 'safehouse', client: s3 };
    const keys = [MANIFEST, ...Array.from({ length: 2499 }, (_, index) => `${PREFIX}data/${index}`)];
    for (let start = 0; start < keys.length; start += 250)
      await Promise.all(
        keys
          .slice(start, start + 250)
          .map((Key) => s3.send(new PutObjectCommand({ Bucket: 'safehouse', Key, Body: 'four' }))),
      );
    const deleted: string[][] = [];
    s3.middlewareStack.add(
      (next, { commandName }) =>
        async (call) => {
          const answer = await next(call);
          const input = call.input as { Delete?: { Objects?: { Key?: string }[] } };
          if (commandName === 'DeleteObjectsCommand')
            deleted.push((input.Delete?.Objects ?? []).map(({ Key }) => Key ?? ''));
          return answer;
        },
      { step: 'initialize', name: 'recordDeletions' },
    );
    const gone = await removeObjects(bucket, PREFIX, '.backup', limits());
    expect(gone).toEqual({ objects: 2500, bytes: 10_000, empty: true });
    expect(deleted[0]).toEqual([MANIFEST]);
    expect(deleted.slice(1).map((page) => page.length)).toEqual([1000, 1000, 499]);
    expect(await all(listObjects(bucket, PREFIX))).toEqual([]);
  });
});
