import '../../support/function-environment.ts';
import { CreateMultipartUploadCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { describe, expect, it, vi } from 'vitest';
import { putOnce } from '../../../clients/bucket.ts';
import { compactTime, makeBackupId } from '../../../core/backup-id.ts';
import { ENVIRONMENT } from '../../../core/environment.ts';
import { attemptKey, claimKey, skippedKey } from '../../../core/keys.ts';
import { handler } from '../../../functions/watch/publish-ages.ts';
import { awsError } from '../../support/aws.ts';
import { write } from '../../support/ledger.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';

const around = new Surroundings();
const HOUR = 3_600_000;

function look(...targets: string[]) {
  vi.stubEnv(ENVIRONMENT.targets, targets.join(','));
  return carried(invoke(handler, {}));
}

const idOf = (hoursAgo: number, kind: 'full' | 'incremental' = 'full'): string =>
  makeBackupId(Date.now() - hoursAgo * HOUR, kind, 'aaaa');

const value = (target: string, name: string): number | undefined =>
  around.published.find((each) => each.name === name && each.dimensions['Target'] === target)?.value;

describe('the watch', () => {
  it('publishes how old the newest good backup is, by its beginning, and how many there are', async () => {
    const target = around.addTarget();
    await write(around.bucket, target, idOf(50), 'verified');
    await write(around.bucket, target, idOf(26), 'verified');
    await write(around.bucket, target, idOf(2), 'started');
    expect(await look(target)).toEqual({ published: [target], unreadable: [] });
    expect(value(target, 'GoodBackups')).toBe(2);
    expect((value(target, 'GoodBackupAge') ?? 0) / 3600).toBeCloseTo(26, 1);
    expect(around.published[0]?.dimensions).toEqual({ service: 'safehouse', Stack: 'Test', Target: target });
  });

  it.each(['failed', 'expiring', 'removing', 'removed'] as const)(
    'does not count one that is %s',
    async (state) => {
      const target = around.addTarget();
      const id = idOf(2);
      await write(around.bucket, target, id, 'verified');
      await write(around.bucket, target, id, state);
      await look(target);
      expect(value(target, 'GoodBackups')).toBe(0);
      expect(value(target, 'GoodBackupAge')).toBeUndefined();
    },
  );

  it('publishes no age where there is no good backup: silence is an alarm', async () => {
    const target = around.addTarget();
    await look(target);
    expect(value(target, 'GoodBackups')).toBe(0);
    expect(value(target, 'GoodBackupAge')).toBeUndefined();
  });

  it('does not count a backup that is dated in the future', async () => {
    const target = around.addTarget();
    await write(around.bucket, target, idOf(-2), 'verified');
    await look(target);
    expect(value(target, 'GoodBackups')).toBe(0);
    expect(value(target, 'GoodBackupAge')).toBeUndefined();
  });

  it('counts what ClickHouse finished and nobody has verified for an hour', async () => {
    const target = around.addTarget();
    for (const [hours, states] of [
      [1, ['written']],
      [2, ['written', 'verified']],
      [3, ['written', 'failed']],
      [4, ['written', 'removed']],
      [5, ['started']],
      [6, ['written']],
    ] as const)
      for (const state of states) await write(around.bucket, target, idOf(hours), state);
    await look(target);
    expect(value(target, 'UnverifiedBackups')).toBe(0);
    around.published.length = 0;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1.1 * HOUR });
    await look(target);
    expect(value(target, 'UnverifiedBackups')).toBe(2);
  });

  describe('counts the scheduled times that were skipped in a row', () => {
    const slotAt = (hoursAgo: number, kind = 'full'): string =>
      `${kind}/${compactTime(Date.now() - hoursAgo * HOUR)}`;
    const claim = async (target: string, slot: string, isSkipped = true): Promise<void> => {
      await putOnce(around.bucket, claimKey(target, slot), {});
      await putOnce(around.bucket, isSkipped ? skippedKey(target, slot) : attemptKey(target, slot, 1), {});
    };

    it('of both schedules, since a backup last began', async () => {
      const target = around.addTarget();
      for (const hours of [70, 60]) await claim(target, slotAt(hours));
      await write(around.bucket, target, idOf(50), 'started');
      for (const hours of [40, 30]) await claim(target, slotAt(hours));
      await claim(target, slotAt(35, 'incremental'));
      await look(target);
      expect(value(target, 'SkippedInARow')).toBe(3);
    });

    it('of incrementals that gave way to one full backup, as one', async () => {
      const target = around.addTarget();
      await write(around.bucket, target, idOf(8), 'started');
      for (const hours of [7, 6, 5, 4]) await claim(target, slotAt(hours, 'incremental'));
      await look(target);
      expect(value(target, 'SkippedInARow')).toBe(1);
      await claim(target, slotAt(3));
      around.published.length = 0;
      await look(target);
      expect(value(target, 'SkippedInARow')).toBe(2);
    });

    it('of incrementals that gave way to another one, each', async () => {
      const target = around.addTarget();
      await write(around.bucket, target, idOf(8, 'incremental'), 'started');
      for (const hours of [7, 6, 5, 4]) await claim(target, slotAt(hours, 'incremental'));
      await look(target);
      expect(value(target, 'SkippedInARow')).toBe(4);
    });

    it('not those that gave way to the backup of the same time', async () => {
      const target = around.addTarget();
      await write(around.bucket, target, idOf(2), 'started');
      await claim(target, slotAt(2, 'incremental'));
      await look(target);
      expect(value(target, 'SkippedInARow')).toBe(0);
    });

    it('not what failed before it began, nor starts by hand, nor the skipped times of another target', async () => {
      const [target, other] = [around.addTarget(), around.addTarget()];
      await write(around.bucket, target, idOf(50), 'started');
      await write(around.bucket, target, idOf(30), 'failed');
      await claim(target, slotAt(40));
      await claim(target, slotAt(30), false);
      await claim(target, 'manual/by-hand');
      await claim(other, slotAt(20));
      await look(target, other);
      expect([value(target, 'SkippedInARow'), value(other, 'SkippedInARow')]).toEqual([1, 1]);
    });

    it('with a clock that was ahead when a backup began, too', async () => {
      const target = around.addTarget();
      await write(around.bucket, target, idOf(-24 * 21), 'started');
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * HOUR });
      await claim(target, slotAt(1));
      await look(target);
      expect(value(target, 'SkippedInARow')).toBe(1);
    });

    it('without a look at claims of long ago', async () => {
      const target = around.addTarget();
      await claim(target, slotAt(24 * 101));
      await claim(target, slotAt(24 * 99));
      const send = vi.spyOn(S3Client.prototype, 'send');
      await look(target);
      expect(value(target, 'SkippedInARow')).toBe(1);
      const asked = send.mock.calls.map(([{ input }]) => input as { Prefix?: string; StartAfter?: string });
      const listings = asked.filter(({ Prefix }) => Prefix?.startsWith('claims/') === true);
      expect(listings).toHaveLength(2);
      for (const { Prefix, StartAfter } of listings)
        expect(StartAfter).toMatch(new RegExp(`^${Prefix}\\d{8}T\\d{6}Z$`));
    });

    it('and when that cannot be read, says nothing of it and everything else', async () => {
      const target = around.addTarget();
      await write(around.bucket, target, idOf(2), 'verified');
      const { send } = S3Client.prototype;
      vi.spyOn(S3Client.prototype, 'send').mockImplementation(function (this: S3Client, ...args: unknown[]) {
        const [{ input }] = args as [{ input: { Prefix?: string } }];
        if (input.Prefix?.startsWith('claims/') === true)
          return Promise.reject(awsError('AccessDenied', 403)) as never;
        return Reflect.apply(send, this, args) as never;
      });
      expect(await look(target)).toEqual({ published: [], unreadable: [target] });
      expect(value(target, 'GoodBackups')).toBe(1);
      expect(value(target, 'SkippedInARow')).toBeUndefined();
    });
  });

  describe('counts the uploads that nobody will complete', () => {
    const leave = async (target: string, id: string, ...sizes: readonly number[]): Promise<void> => {
      const at = { Bucket: around.bucket.name, Key: `backups/${target}/${id}/data/a.bin` };
      const { UploadId } = await around.bucket.client.send(new CreateMultipartUploadCommand(at));
      for (const [index, size] of sizes.entries())
        await around.bucket.client.send(
          new UploadPartCommand({ ...at, UploadId, PartNumber: index + 1, Body: Buffer.alloc(size) }),
        );
    };

    it('with the bytes of their parts and the age of the oldest', async () => {
      const [target, other] = [around.addTarget(), around.addTarget()];
      await write(around.bucket, target, idOf(50), 'failed');
      await leave(target, idOf(50), 1000, 200);
      await leave(target, idOf(40), 30);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * HOUR });
      await look(target, other);
      expect(value(target, 'UnfinishedUploads')).toBe(2);
      expect(value(target, 'UnfinishedUploadBytes')).toBe(1230);
      expect((value(target, 'UnfinishedUploadAge') ?? 0) / 3600).toBeCloseTo(3, 1);
      expect(value(other, 'UnfinishedUploads')).toBe(0);
      expect(value(other, 'UnfinishedUploadBytes')).toBe(0);
      expect(value(other, 'UnfinishedUploadAge')).toBeUndefined();
    });

    it('and not those of a backup that may still be written', async () => {
      const target = around.addTarget();
      await write(around.bucket, target, idOf(1), 'started');
      await leave(target, idOf(1), 1000);
      await look(target);
      expect(value(target, 'UnfinishedUploads')).toBe(0);
      await write(around.bucket, target, idOf(1), 'failed');
      around.published.length = 0;
      await look(target);
      expect(value(target, 'UnfinishedUploads')).toBe(1);
    });
  });

  it('publishes nothing of a target that cannot be read, names it, and goes on with the next', async () => {
    const [garbled, good] = [around.addTarget({ attempts: 99 }), around.addTarget()];
    await write(around.bucket, good, idOf(2), 'verified');
    expect(await look('nobody', garbled, good)).toEqual({
      published: [good],
      unreadable: ['nobody', garbled],
    });
    expect(new Set(around.published.map(({ dimensions }) => dimensions['Target']))).toEqual(new Set([good]));
  });

  it('publishes nothing at all where the ledger cannot be read', async () => {
    const target = around.addTarget();
    vi.spyOn(S3Client.prototype, 'send').mockRejectedValue(awsError('AccessDenied', 403) as never);
    expect(await look(target)).toEqual({ published: [], unreadable: [target] });
    expect(around.published).toEqual([]);
  });

  it('publishes nothing where the settings cannot be read', async () => {
    around.ssm.on(GetParameterCommand).rejects(awsError('ThrottlingException', 400));
    expect(await look('busy')).toEqual({ published: [], unreadable: ['busy'] });
    expect(around.published).toEqual([]);
  });

  it('lets strangers in the ledger lie', async () => {
    const target = around.addTarget();
    await putOnce(around.bucket, `ledger/${target}/notes.txt`, {});
    expect(await look(target)).toMatchObject({ unreadable: [] });
  });

  it('says which variable is missing', async () => {
    vi.stubEnv(ENVIRONMENT.targets, '');
    await expect(invoke(handler, {})).rejects.toThrow(
      'The environment variable SAFEHOUSE_TARGETS is not set.',
    );
  });
});
