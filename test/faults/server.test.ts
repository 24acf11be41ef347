/** The server dies, forgets, hangs, runs out of memory, or loses the right to write, while it backs up. */
import '../support/function-environment.ts';
import { DescribeKeyCommand, KeyState } from '@aws-sdk/client-kms';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { ENVIRONMENT } from '../../core/environment.ts';
import { backupPrefix, LOCK, MANIFEST } from '../../core/keys.ts';
import { METRICS } from '../../core/metrics.ts';
import type { Poll, Removal } from '../../core/workflow.ts';
import { handler as examine } from '../../functions/doctor/examine.ts';
import { handler as planRetention } from '../../functions/retention/plan.ts';
import { handler as remove } from '../../functions/retention/remove.ts';
import { handler as watch } from '../../functions/watch/publish-ages.ts';
import { mockKms } from '../support/aws.ts';
import { carried, invoke } from '../support/surroundings.ts';
import { alarmOf, stateOver } from './alarm.ts';
import { examineOnSchedule } from './examination.ts';
import { FaultGround, type OwnEngine } from './fault-ground.ts';
import { FaultyServer } from './faulty-server.ts';
import { DENIED, EXPIRED, type Fault } from './faulty-storage.ts';
import { type Around, Died, runNight } from './night.ts';

const ground = new FaultGround();
let engine: OwnEngine;

beforeAll(async () => {
  engine = await ground.startEngine();
  await engine.tell(
    'CREATE DATABASE bulk',
    'CREATE TABLE bulk.noise (a String) ENGINE = MergeTree ORDER BY tuple()',
    'INSERT INTO bulk.noise SELECT randomString(1000) FROM numbers(2000)',
    'CREATE DATABASE small',
    'CREATE TABLE small.orders (id UInt64) ENGINE = MergeTree ORDER BY id',
    'INSERT INTO small.orders SELECT number FROM numbers(1000)',
    'CREATE DATABASE large',
    // More than ClickHouse writes at once, so that it writes it in parts.
    'CREATE TABLE large.noise (a String CODEC(NONE)) ENGINE = MergeTree ORDER BY tuple()',
    'INSERT INTO large.noise SELECT randomString(1000) FROM numbers(36000)',
  );
});

const targetOf = (databases: readonly string[], more: Readonly<Record<string, unknown>> = {}): string =>
  ground.addTarget({ url: engine.url, databases, ...more });

/** ClickHouse takes its lock and then waits for S3, so that something can happen meanwhile. */
const holdData = (fault: Fault): void =>
  ground.storage.suffer(({ by, action, key }) =>
    by === 'ClickHouse' && action === 'PutObject' && !key.endsWith(LOCK) ? fault : undefined,
  );

/** The lock is there, so ClickHouse is at work. */
async function isLocked(target: string, id = ''): Promise<void> {
  const lock = `${backupPrefix(target, id)}${LOCK}`;
  while (!(await ground.keys(lock)).includes(lock));
}

async function killEngine(): Promise<void> {
  await engine.kill();
  ground.storage.heal();
  await engine.startAgain();
}

/** Kills the engine once, when ClickHouse is in the middle of the backup, and starts it again on its data. */
function killOnce(target: string): { readonly around: Around; readonly isKilled: () => boolean } {
  let killed = false;
  const around: Around = async (step, call, state) => {
    if (step === 'submit' && !killed) {
      holdData('silence');
      const submitted = (await call()) as Poll;
      await isLocked(target, state.prepared?.backup?.id);
      return aMinuteAgo(submitted);
    }
    const result = await call();
    if (step !== 'poll' || killed) return result;
    expect(result).toMatchObject({ outcome: 'running' });
    killed = true;
    await killEngine();
    return result;
  };
  return { around, isKilled: () => killed };
}

/**
 * The server was up for longer than the backup, by more than the seconds by which two clocks may differ, and by less than the two
 * minutes after which a row that nobody has seen is missed anyway.
 */
const aMinuteAgo = (poll: Poll): Poll => ({
  ...poll,
  submittedAt: new Date(Date.now() - 60_000).toISOString(),
});

describe('a server that is killed in the middle of a BACKUP', { timeout: 60_000 }, () => {
  test('fault 2: its backup is lost and not a success, and the next attempt is good', async () => {
    const target = targetOf(['small']);
    const { around, isKilled } = killOnce(target);
    const night = await runNight({ target }, around);
    expect(isKilled()).toBe(true);
    const [lost, made] = night.attempts;
    expect(night).toMatchObject({ status: 'verified', attempts: [lost, made] });
    expect(await ground.failure(target, lost)).toMatchObject({ error: 'BackupLost', step: 'poll' });
    expect(await ground.good(target)).toEqual([made]);
  });

  test('fault 4: the lock that it leaves blocks its prefix, and no later attempt', async () => {
    const target = targetOf(['small']);
    const night = await runNight({ target }, killOnce(target).around);
    const [lost = '', made = ''] = night.attempts;
    const left = await ground.keys(backupPrefix(target, lost));
    expect(left).toContain(`${backupPrefix(target, lost)}${LOCK}`);
    expect(left).not.toContain(`${backupPrefix(target, lost)}${MANIFEST}`);
    const place = `${process.env['AWS_ENDPOINT_URL_S3']}/${ground.around.bucket.name}/${backupPrefix(target, lost)}`;
    await expect(engine.ask(`BACKUP DATABASE small TO S3('${place.slice(0, -1)}')`)).rejects.toThrow(
      /BACKUP_ALREADY_EXISTS/,
    );
    expect(night.status).toBe('verified');
    expect(made).not.toBe(lost);
  });

  test('fault 1: an execution that dies with it leaves no backup that counts, and the next night is clean', async () => {
    const target = targetOf(['small'], { maxHours: 1 });
    holdData('silence');
    const dead = runNight({ target, scheduledTime: '2026-04-02T02:00:00Z' }, async (step, call, state) => {
      const result = await call();
      if (step === 'submit') await isLocked(target, state.prepared?.backup?.id);
      if (step === 'poll') throw new Died();
      return result;
    });
    await expect(dead).rejects.toThrow(Died);
    await killEngine();
    expect(await ground.good(target)).toEqual([]);
    const [left] = await ground.entries(target);
    const next = await runNight({ target, scheduledTime: '2026-04-03T02:00:00Z' });
    expect(next.status).toBe('verified');
    expect(await ground.good(target)).toEqual(next.attempts);
    expect(next.attempts).not.toContain(left?.id);

    // What is left is said to have failed, waits out its grace, and is swept away.
    const execution = 'arn:aws:states:eu-central-1:123456789012:execution:Retention:one';
    const retain = () => carried(invoke(planRetention, { execution, input: { target } }));
    pass(2);
    expect((await retain()).remove).toEqual([]);
    expect(await ground.failure(target, left?.id)).toMatchObject({ error: 'BackupAbandoned', final: true });
    pass(6);
    const removal: Removal = await retain();
    expect(removal.remove.map(({ id }) => id)).toEqual([left?.id]);
    await invoke(remove, removal);
    expect(await ground.keys(backupPrefix(target, left?.id ?? ''))).toEqual([]);
    expect(await ground.good(target)).toEqual(next.attempts);
  });
});

describe('uploads that a killed server leaves', { timeout: 60_000 }, () => {
  test('fault 48: are counted with their bytes and their age, once their backup has failed', async () => {
    const target = targetOf(['large']);
    const looked: (number | undefined)[] = [];
    const look = async (metric: string): Promise<number | undefined> => {
      ground.around.published.length = 0;
      vi.stubEnv(ENVIRONMENT.targets, target);
      await invoke(watch, {});
      return ground.around.published.find(({ name }) => name === metric)?.value;
    };
    let completions = 0;
    const night = await runNight({ target }, async (step, call) => {
      if (step === 'submit' && completions === 0)
        ground.storage.suffer(({ action }) => {
          if (action !== 'CompleteMultipartUpload') return undefined;
          completions += 1;
          return 'silence';
        });
      const result = await call();
      if (step !== 'poll' || looked.length > 0 || completions === 0) return result;
      looked.push(await look(METRICS.unfinishedUploads));
      await killEngine();
      return aMinuteAgo(result as Poll);
    });
    const [lost, made] = night.attempts;
    expect(night).toMatchObject({ status: 'verified', attempts: [lost, made] });
    // While it might still have been written, it was none.
    expect(looked).toEqual([0]);
    expect(await look(METRICS.unfinishedUploads)).toBe(1);
    expect(await look(METRICS.unfinishedUploadBytes)).toBeGreaterThan(36_000_000);
    pass(2);
    expect(((await look(METRICS.unfinishedUploadAge)) ?? 0) / 86_400).toBeCloseTo(2, 1);
  });
});

/** Lets so many days pass for the functions; ClickHouse and the bucket keep their own clocks. */
function pass(days: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * 86_400_000 });
}

describe('a BACKUP that does not come to its end', { timeout: 60_000 }, () => {
  test('fault 3: one that S3 never answers is cancelled when its time is over, and told', async () => {
    const target = targetOf(['small'], { maxHours: 1 });
    ground.storage.suffer(({ by, action }) =>
      by === 'ClickHouse' && action === 'PutObject' ? 'silence' : undefined,
    );
    const night = await runNight({ target }, async (step, call) => {
      if (step === 'poll') vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1_801_000 });
      return call();
    });
    expect(night).toMatchObject({ status: 'failed', error: 'BackupOverTime' });
    expect(night.attempts).toHaveLength(1);
    expect(ground.around.told).toHaveLength(1);
    const [killed] = night.attempts;
    const cancelled = `SELECT count() FROM system.processes WHERE is_cancelled AND query_id IN (SELECT query_id FROM system.backups WHERE id = '${killed}')`;
    expect(Number(await engine.ask(cancelled))).toBe(1);
  });
});

describe('a server that does not answer for a while', () => {
  test('fault 2: is waited for while it refuses connections, and its backup is taken up when it is back', async () => {
    const faulty = await FaultyServer.before(engine.url);
    const target = targetOf(['small'], { url: faulty.url });
    let refused = 0;
    const night = await runNight({ target }, async (step, call) => {
      faulty.suffer(() => (step === 'poll' && refused++ < 3 ? 'refused' : undefined));
      return call();
    });
    expect(refused).toBeGreaterThan(3);
    expect(night).toMatchObject({ status: 'verified', attempts: [expect.any(String)] });
  });
});

describe('a BACKUP whose answer nobody hears', () => {
  test('fault 6: is found when the step is repeated, and not made twice', async () => {
    const faulty = await FaultyServer.before(engine.url);
    let lost = 0;
    faulty.suffer((query) => (/BACKUP DATABASE/.test(query) && lost++ === 0 ? 'answer lost' : undefined));
    const target = targetOf(['small'], { url: faulty.url });
    // Whatever else succeeds is repeated too, as after an answer of Lambda that was lost.
    const night = await runNight({ target }, async (_, call) => {
      await call();
      return call();
    });
    expect(lost).toBe(1);
    expect(night).toMatchObject({ status: 'verified', attempts: [expect.any(String)] });
    const made = `SELECT count() FROM system.backups WHERE name LIKE '%/${target}/%'`;
    expect(await engine.ask(made)).toBe('1');
    expect(await ground.good(target)).toEqual(night.attempts);
  });
});

describe('a start that is delivered again and again', () => {
  test('fault 5: makes one backup, whether at once, after a failure to answer, or a day late', async () => {
    const target = targetOf(['small']);
    const start = () => runNight({ target, scheduledTime: '2026-04-02T02:00:00Z' });
    const together = await Promise.all([start(), start(), start()]);
    expect(together.map(({ status }) => status)).toContain('verified');
    for (const { status } of together) expect(['verified', 'already ran']).toContain(status);
    const good = await ground.good(target);
    expect(good).toHaveLength(1);
    for (const { status, attempts } of together) if (status === 'verified') expect(attempts).toEqual(good);
    pass(1);
    expect(await start()).toMatchObject({
      status: 'already ran',
      reason: `This scheduled time made ${good[0]}.`,
    });
    const made = `SELECT count() FROM system.backups WHERE name LIKE '%/${target}/%'`;
    expect(await engine.ask(made)).toBe('1');
  });
});

describe('a BACKUP that lasts into the next scheduled time', () => {
  test('fault 7: is not joined by a second one: the time is skipped, with its reason and a count', async () => {
    const target = targetOf(['small']);
    const held = Promise.withResolvers<void>();
    holdData({ until: held.promise });
    let second: Awaited<ReturnType<typeof runNight>> | undefined;
    const first = await runNight({ target, scheduledTime: '2026-04-02T02:00:00Z' }, async (step, call) => {
      const result = await call();
      if (step === 'submit') {
        second = await runNight({ target, scheduledTime: '2026-04-02T03:00:00Z' });
        held.resolve();
      }
      return result;
    });
    expect(first.status).toBe('verified');
    expect(second).toMatchObject({
      status: 'skipped',
      attempts: [],
      reason: `${first.attempts[0]} is still being written`,
    });
    expect(await ground.keys(`claims/${target}/full/20260402T030000Z/skipped.json`)).toHaveLength(1);
    expect(ground.around.published).toContainEqual(
      expect.objectContaining({ name: 'BackupsSkipped', value: 1 }),
    );
  });
});

describe('what S3 refuses to ClickHouse', { timeout: 60_000 }, () => {
  const kms = mockKms();
  const goodExaminations = (): number =>
    ground.around.published.filter(({ name }) => name === METRICS.examinationsGood).length;
  const refuse = (fault: Fault, action: string, times = Number.POSITIVE_INFINITY): void => {
    let left = times;
    ground.storage.suffer(({ by, action: asked }) => {
      if (by !== 'ClickHouse' || asked !== action || left === 0) return undefined;
      left -= 1;
      return fault;
    });
  };

  test('fault 15: credentials that expire on the way end the attempt, and the next one has new ones', async () => {
    const target = targetOf(['small']);
    refuse(EXPIRED, 'PutObject', 1);
    const night = await runNight({ target });
    const [expired, made] = night.attempts;
    expect(await ground.failure(target, expired)).toMatchObject({
      class: 'new attempt',
      what: expect.stringContaining('temporary credentials expired'),
    });
    expect(night.status).toBe('verified');
    expect(await ground.good(target)).toEqual([made]);
  });

  test('fault 16: a permission that is lost is told at once, with the action, and not tried again and again', async () => {
    const target = targetOf(['small']);
    refuse(DENIED, 'PutObject');
    const night = await runNight({ target });
    expect(night).toMatchObject({ status: 'failed', error: 'S3_ERROR' });
    expect(night.attempts).toHaveLength(1);
    expect(ground.storage.askedFor('PutObject').filter(({ by }) => by === 'ClickHouse').length).toBeLessThan(
      4,
    );
    expect(ground.around.told[0]?.text).toContain('s3:PutObject');
    const { examinations } = await carried(invoke(examine, { execution: 'e', input: { target } }));
    expect(examinations).toContainEqual(expect.objectContaining({ check: 'bucket', result: 'bad' }));
  });

  test.each([
    ['write', 'PutObject', 's3:PutObject'],
    ['remove its lock', 'DeleteObject', 's3:DeleteObject'],
  ])(
    'fault 16: a permission to %s that is lost between two examinations is told by the second, without any backup',
    async (_, action, permission) => {
      const target = targetOf(['small']);
      expect(await examineOnSchedule(target)).toMatchObject({ outcome: 'examined' });
      expect(goodExaminations()).toBe(1);
      expect(ground.around.told).toEqual([]);

      refuse(DENIED, action);
      expect(await examineOnSchedule(target)).toMatchObject({ outcome: 'failed', error: 'S3_ERROR' });
      const [told, ...more] = ground.around.told;
      expect(more).toEqual([]);
      expect(told?.subject).toContain(`${target}: the examination found something bad (bucket)`);
      expect(told?.text).toContain(permission);
      expect(told?.text).toContain('docs/runbook.md#clickhouse-cannot-use-the-bucket');
      expect(goodExaminations()).toBe(1);
      expect(await ground.entries(target)).toEqual([]);
    },
  );

  test('fault 16: examinations that do not happen any more are an alarm, within the time that it says', async () => {
    await examineOnSchedule(targetOf(['small']));
    const { alarm, deadLetters } = alarmOf('NotExamined');
    const hours: (number | undefined)[] = [goodExaminations()];
    while (stateOver(alarm, hours) === 'OK' && hours.length < 200) hours.push(undefined);
    // A day, an hour for the start, one for the examination, and the hour in which it counts.
    expect(hours.length - 1).toBe(27);
    expect(alarm.period).toBe(3600);
    expect(deadLetters).toBe(true);
    // One a day is enough, whenever in the hour it comes.
    const daily = Array.from({ length: 10 * 24 }, (_, hour) => (hour % 24 === 9 ? 1 : undefined));
    for (let end = 34; end <= daily.length; end += 1)
      expect(stateOver(alarm, daily.slice(0, end))).toBe('OK');
  });

  test('fault 17: a key that will be deleted is told with the day, and the way back, without any backup', async () => {
    const key = 'arn:aws:kms:eu-central-1:123456789012:key/k';
    vi.stubEnv(ENVIRONMENT.bucketKey, key);
    kms()
      .on(DescribeKeyCommand)
      .resolves({ KeyMetadata: { KeyId: key, KeyState: KeyState.Enabled } });
    const target = targetOf(['small']);
    expect(await examineOnSchedule(target)).toMatchObject({ outcome: 'examined' });
    expect(ground.around.told).toEqual([]);

    const DeletionDate = new Date('2026-12-01T10:00:00Z');
    kms()
      .on(DescribeKeyCommand)
      .resolves({ KeyMetadata: { KeyId: key, KeyState: KeyState.PendingDeletion, DeletionDate } });
    expect(await examineOnSchedule(target)).toMatchObject({ outcome: 'failed', error: 'KeyToBeDeleted' });
    const [told] = ground.around.told;
    expect(told?.text).toContain(`KMS will delete the key ${key} on 2026-12-01T10:00:00.000Z`);
    expect(told?.text).toContain(`aws kms cancel-key-deletion --key-id ${key}`);
    expect(goodExaminations()).toBe(1);
    expect(await ground.entries(target)).toEqual([]);
  });

  test('fault 17: a key that is disabled is told at once as what it is, and doctor sees it', async () => {
    const target = targetOf(['small']);
    const message = 'arn:aws:kms:eu-central-1:123456789012:key/k is disabled.';
    refuse({ answer: { status: 400, code: 'KMS.DisabledException', message } }, 'PutObject');
    const night = await runNight({ target });
    expect(night.status).toBe('failed');
    expect(night.attempts).toHaveLength(1);
    expect(night.cause).toContain('could not use the KMS key');
    expect(ground.around.told[0]?.text).toContain('enable it again, or cancel its deletion');
    const { examinations } = await carried(invoke(examine, { execution: 'e', input: { target } }));
    expect(examinations).toContainEqual(
      expect.objectContaining({
        check: 'bucket',
        result: 'bad',
        what: expect.stringContaining('could not use the KMS key'),
      }),
    );
  });
});

describe('a server that is short of memory', () => {
  test('fault 18: ends the attempt by its name, tries once more, and tells what would need less', async () => {
    const target = targetOf(['bulk'], {
      settings: { max_memory_usage: 1_000_000, max_untracked_memory: 1 },
      attempts: 2,
    });
    const night = await runNight({ target });
    expect(night).toMatchObject({ status: 'failed', error: 'MEMORY_LIMIT_EXCEEDED' });
    expect(night.attempts).toHaveLength(2);
    expect(ground.around.told).toHaveLength(1);
    expect(ground.around.told[0]?.text).toMatch(/ran out of memory[\s\S]*backup_threads|max_memory_usage/);
  });

  test('fault 18: asks for less at once in the next attempt, and that one is good', async () => {
    const target = targetOf(['large'], {
      settings: { max_memory_usage: 20_000_000, max_untracked_memory: 1 },
    });
    const night = await runNight({ target });
    const [short, made] = night.attempts;
    expect(await ground.failure(target, short)).toMatchObject({ error: 'MEMORY_LIMIT_EXCEEDED' });
    expect(night).toMatchObject({ status: 'verified', attempts: [short, made] });
    expect(await ground.good(target)).toEqual([made]);
  });
});
