import '../../support/function-environment.ts';
import { type DeleteObjectsCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it, vi } from 'vitest';
import { deleteObject, listObjects, putOnce } from '../../../clients/bucket.ts';
import { readEvidence } from '../../../clients/ledger.ts';
import { backupPrefix, ledgerKey, pinKey } from '../../../core/keys.ts';
import type { Removal } from '../../../core/workflow.ts';
import { handler } from '../../../functions/retention/remove.ts';
import { awsError } from '../../support/aws.ts';
import { all, failureOf } from '../../support/failures.ts';
import { write } from '../../support/ledger.ts';
import { EXECUTION, ID, INCREMENTAL } from '../../support/runs.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';

const around = new Surroundings();
const PAST = '2026-01-01T00:00:00.000Z';
const FUTURE = '2099-01-01T00:00:00.000Z';
const OTHER = '20260403T020001Z-full-zzzz';

const removalOf = (target: string, ...ids: string[]): Removal => ({
  execution: EXECUTION,
  target,
  remove: ids.map((id) => ({ id, reason: 'its grace ended' })),
  marked: 0,
  kept: 1,
  removed: [],
  done: false,
});
const remove = (removal: Removal): Promise<Removal> => carried(invoke(handler, removal));

const objects = (target: string, id: string) => all(listObjects(around.bucket, backupPrefix(target, id)));
const removed = (target: string, id: string) => readEvidence(around.bucket, target, id, 'removed');

/** A backup of three objects with eight bytes that is marked, its grace over. */
async function addDoomed(target: string, id: string, base?: string): Promise<void> {
  for (const name of ['.backup', 'data/a', 'metadata/b.sql'])
    await putOnce(around.bucket, `${backupPrefix(target, id)}${name}`, 1);
  await write(around.bucket, target, id, 'started', base === undefined ? {} : { kind: 'incremental', base });
  await write(around.bucket, target, id, 'verified');
  await write(around.bucket, target, id, 'expiring', { removeAfter: PAST });
}

const pin = (target: string, id: string, lapsesAt: string) =>
  putOnce(around.bucket, pinKey(target, id, 'restore'), {
    version: 1,
    holder: 'restore',
    reason: 'reading',
    lapsesAt,
  });

/** Lets some calls to S3 fail, or watches them. */
function through(command: string, instead: (input: never, call: () => Promise<unknown>) => Promise<unknown>) {
  const send = S3Client.prototype.send;
  return vi.spyOn(S3Client.prototype, 'send').mockImplementation(function (
    this: S3Client,
    ...call: unknown[]
  ) {
    const [sent] = call as [{ constructor: { name: string }; input: never }];
    const real = (): Promise<unknown> => Reflect.apply(send, this, call);
    return sent.constructor.name === command ? instead(sent.input, real) : real();
  } as never);
}

describe('removing what the plan lets go', () => {
  it('leaves nothing of a backup but its page in the ledger', async () => {
    const target = around.addTarget();
    await addDoomed(target, ID);
    await addDoomed(target, OTHER);
    expect(await remove(removalOf(target, ID))).toEqual({
      ...removalOf(target),
      removed: [{ id: ID, objects: 3, bytes: 6 }],
      done: true,
    });
    expect(await objects(target, ID)).toEqual([]);
    expect(await objects(target, OTHER)).toHaveLength(3);
    expect(await removed(target, ID)).toMatchObject({
      by: EXECUTION,
      reason: 'its grace ended',
      objects: 3,
      bytes: 6,
    });
    const dimensions = { service: 'safehouse', Stack: 'Test', Target: target };
    expect(around.published).toEqual([
      { name: 'BackupsRemoved', value: 1, dimensions },
      { name: 'BytesRemoved', value: 6, dimensions },
    ]);
  });

  it('says that it begins before the first object goes, and takes the manifest first', async () => {
    const target = around.addTarget();
    await addDoomed(target, ID);
    const deleted: string[][] = [];
    through('DeleteObjectsCommand', async (input: never, call) => {
      const { Delete } = input as DeleteObjectsCommand['input'];
      expect(await readEvidence(around.bucket, target, ID, 'removing')).toBeDefined();
      deleted.push(
        (Delete?.Objects ?? []).map(({ Key }) => (Key ?? '').slice(backupPrefix(target, ID).length)),
      );
      return call();
    });
    await remove(removalOf(target, ID));
    expect(deleted).toEqual([['.backup'], ['data/a', 'metadata/b.sql']]);
  });

  it('does several, one after the other', async () => {
    const target = around.addTarget();
    await addDoomed(target, INCREMENTAL, ID);
    await addDoomed(target, ID);
    const { removed: gone, done } = await remove(removalOf(target, INCREMENTAL, ID));
    expect(gone.map(({ id }) => id)).toEqual([INCREMENTAL, ID]);
    expect(done).toBe(true);
  });

  it('of nothing is done', async () => {
    expect(await remove(removalOf(around.addTarget()))).toMatchObject({ removed: [], done: true });
  });
});

describe('what came to need a backup since the plan', () => {
  const cases: [string, (target: string) => Promise<unknown>][] = [
    ['a person who keeps it', (target) => write(around.bucket, target, ID, 'kept')],
    [
      'a mark that was taken away',
      (target) => deleteObject(around.bucket, ledgerKey(target, ID, 'expiring')),
    ],
    ['a pin', (target) => pin(target, ID, FUTURE)],
    [
      'a pin that nobody understands',
      (target) => putOnce(around.bucket, pinKey(target, ID, 'x'), { version: 9 }),
    ],
    [
      'an incremental on it',
      (target) => write(around.bucket, target, INCREMENTAL, 'started', { kind: 'incremental', base: ID }),
    ],
  ];

  it.each(cases)('spares it: %s', async (_, need) => {
    const target = around.addTarget();
    await addDoomed(target, ID);
    await need(target);
    expect(await remove(removalOf(target, ID))).toMatchObject({ removed: [], remove: [], done: true });
    expect(await objects(target, ID)).toHaveLength(3);
    expect(await readEvidence(around.bucket, target, ID, 'removing')).toBeUndefined();
  });

  it('spares it: a new mark whose grace is not over', async () => {
    const target = around.addTarget();
    await addDoomed(target, ID);
    await deleteObject(around.bucket, ledgerKey(target, ID, 'expiring'));
    await write(around.bucket, target, ID, 'expiring', { removeAfter: FUTURE });
    expect(await remove(removalOf(target, ID))).toMatchObject({ removed: [], done: true });
    expect(await objects(target, ID)).toHaveLength(3);
  });

  it('spares it when a pin came while it said that it begins', async () => {
    const target = around.addTarget();
    await addDoomed(target, ID);
    through('PutObjectCommand', async ({ Key }: { Key: string }, call) => {
      const answer = await call();
      if (Key === ledgerKey(target, ID, 'removing')) await pin(target, ID, FUTURE);
      return answer;
    });
    expect(await remove(removalOf(target, ID))).toMatchObject({ removed: [], done: true });
    expect(await objects(target, ID)).toHaveLength(3);
    expect(await readEvidence(around.bucket, target, ID, 'removing')).toBeDefined();
  });

  it.each<[string, (target: string) => Promise<unknown>]>([
    ['a pin that has lapsed', (target) => pin(target, ID, PAST)],
    ['a pin on another backup', (target) => pin(target, OTHER, FUTURE)],
    [
      'an incremental that is removed',
      async (target) => {
        await write(around.bucket, target, INCREMENTAL, 'started', { kind: 'incremental', base: ID });
        await write(around.bucket, target, INCREMENTAL, 'removed');
      },
    ],
    [
      'an incremental on another base',
      (target) => write(around.bucket, target, INCREMENTAL, 'started', { kind: 'incremental', base: OTHER }),
    ],
    ['an incremental that never began', (target) => write(around.bucket, target, INCREMENTAL, 'failed')],
  ])('does not spare it for %s', async (_, need) => {
    const target = around.addTarget();
    await addDoomed(target, ID);
    await need(target);
    expect(await remove(removalOf(target, ID))).toMatchObject({ removed: [{ id: ID }], done: true });
  });

  it('spares one and goes on with the next', async () => {
    const target = around.addTarget();
    await addDoomed(target, ID);
    await addDoomed(target, OTHER);
    await pin(target, ID, FUTURE);
    const { removed: gone } = await remove(removalOf(target, ID, OTHER));
    expect(gone.map(({ id }) => id)).toEqual([OTHER]);
  });
});

describe('a removal that is interrupted', () => {
  it('goes on where it was, whatever holds it now: without its manifest there is no backup to keep', async () => {
    const target = around.addTarget();
    await addDoomed(target, ID);
    await write(around.bucket, target, ID, 'removing');
    await around.remove(`${backupPrefix(target, ID)}.backup`);
    await write(around.bucket, target, ID, 'kept');
    expect(await remove(removalOf(target, ID))).toMatchObject({
      removed: [{ id: ID, objects: 2 }],
      done: true,
    });
    expect(await objects(target, ID)).toEqual([]);
    expect(await removed(target, ID)).toBeDefined();
  });

  it('and repeated after its end does nothing more', async () => {
    const target = around.addTarget();
    await addDoomed(target, ID);
    await remove(removalOf(target, ID));
    const evidence = await removed(target, ID);
    expect(await remove(removalOf(target, ID))).toMatchObject({ removed: [], done: true });
    expect(await removed(target, ID)).toEqual(evidence);
  });

  it('comes to the same end wherever it is killed', async () => {
    for (let calls = 0; ; calls += 1) {
      const target = around.addTarget();
      await addDoomed(target, ID);
      let left = calls;
      const send = S3Client.prototype.send;
      const spy = vi.spyOn(S3Client.prototype, 'send').mockImplementation(function (
        this: S3Client,
        ...call: unknown[]
      ) {
        if (left === 0) return Promise.reject(awsError('ServiceUnavailable', 503));
        left -= 1;
        return Reflect.apply(send, this, call);
      } as never);
      const first = await remove(removalOf(target, ID)).catch(() => undefined);
      spy.mockRestore();
      const manifest = (await objects(target, ID)).some(({ key }) => key.endsWith('/.backup'));
      const removing = await readEvidence(around.bucket, target, ID, 'removing');
      expect(manifest || removing !== undefined).toBe(true);
      await remove(removalOf(target, ID));
      expect(await objects(target, ID)).toEqual([]);
      expect(await removed(target, ID)).toBeDefined();
      if (first !== undefined) break;
      expect(calls).toBeLessThan(50);
    }
  });

  it('by the end of its time gives back what is left', async () => {
    const target = around.addTarget();
    await addDoomed(target, ID);
    await addDoomed(target, OTHER);
    const began = Date.now();
    const spy = through('DeleteObjectsCommand', async (_input, call) => {
      vi.useFakeTimers({ toFake: ['Date'], now: began + 11 * 60_000 });
      return call();
    });
    const given = await remove(removalOf(target, ID, OTHER));
    expect(given).toMatchObject({ remove: [{ id: ID }, { id: OTHER }], removed: [], done: false });
    expect(await removed(target, ID)).toBeUndefined();
    vi.useRealTimers();
    spy.mockRestore();
    expect(await remove(given)).toMatchObject({ removed: [{ id: ID }, { id: OTHER }], done: true });
  });
});

describe('a removal that is refused', () => {
  it('by a key that is protected says which one, and is not called done', async () => {
    const target = around.addTarget();
    await addDoomed(target, ID);
    through('DeleteObjectsCommand', async (input: never, call) => {
      const { Delete } = input as DeleteObjectsCommand['input'];
      const locked = Delete?.Objects?.find(({ Key }) => Key?.endsWith('/data/a'));
      return locked === undefined
        ? call()
        : { Errors: [{ Key: locked.Key, Code: 'AccessDenied', Message: 'Object is protected' }] };
    });
    const failure = await failureOf('Refused', remove(removalOf(target, ID)));
    expect(failure.what).toContain(
      `the first: ${backupPrefix(target, ID)}data/a (AccessDenied: Object is protected)`,
    );
    expect(await removed(target, ID)).toBeUndefined();
  });

  it('by a ledger that does not know the backup', async () => {
    const target = around.addTarget();
    const failure = await failureOf('RefusedForSafety', remove(removalOf(target, ID)));
    expect(failure.what).toContain(`${ID} was to be removed, and the ledger of ${target} does not know it.`);
  });

  it.each(['ListObjectsV2Command', 'GetObjectCommand'])(
    'by %s that fails, before anything is deleted',
    async (command) => {
      const target = around.addTarget();
      await addDoomed(target, ID);
      through(command, () => Promise.reject(awsError('AccessDenied', 403)));
      await failureOf('Refused', remove(removalOf(target, ID)));
      vi.restoreAllMocks();
      expect(await objects(target, ID)).toHaveLength(3);
    },
  );

  it('by an id that would lead out of its prefix', async () => {
    await failureOf('RefusedForSafety', remove(removalOf(around.addTarget(), '..', '')));
  });
});
