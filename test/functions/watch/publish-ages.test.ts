import '../../support/function-environment.ts';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { describe, expect, it, vi } from 'vitest';
import { putOnce } from '../../../clients/bucket.ts';
import { makeBackupId } from '../../../core/backup-id.ts';
import { ENVIRONMENT } from '../../../core/environment.ts';
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
    vi.spyOn((await import('@aws-sdk/client-s3')).S3Client.prototype, 'send').mockRejectedValue(
      awsError('AccessDenied', 403) as never,
    );
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
