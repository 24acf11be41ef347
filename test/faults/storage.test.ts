/** Objects that are missing, cut short or changed, listings that break off, and deletions that are refused key by key. */
import '../support/function-environment.ts';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { readPins } from '../../clients/pins.ts';
import { backupPrefix, MANIFEST } from '../../core/keys.ts';
import type { Removal } from '../../core/workflow.ts';
import { handler as prepare } from '../../functions/backup/prepare.ts';
import { handler as planRetention } from '../../functions/retention/plan.ts';
import { handler as remove } from '../../functions/retention/remove.ts';
import type { MadeBackup } from '../functions/prove/proving-ground.ts';
import { failureOf } from '../support/failures.ts';
import { runOf } from '../support/runs.ts';
import { carried, invoke } from '../support/surroundings.ts';
import { FaultGround } from './fault-ground.ts';
import { DENIED } from './faulty-storage.ts';
import { runNight } from './night.ts';

const ground = new FaultGround();
const DATABASES = ['shop'];
let isFilled = false;

beforeEach(async () => {
  if (isFilled) return;
  isFilled = true;
  await ground.tell(
    'CREATE DATABASE shop',
    `CREATE TABLE shop.orders (id UInt64, text String) ENGINE = MergeTree PARTITION BY id % 4 ORDER BY id
     SETTINGS min_bytes_for_wide_part = 0`,
    'INSERT INTO shop.orders SELECT number, toString(number) FROM numbers(4000)',
  );
});

/** Before it is verified, so that what happened to its objects in between is found. */
async function backUpThen(target: string, harm: (backup: MadeBackup) => Promise<unknown>) {
  return runNight({ target }, async (step, call, state) => {
    if (step === 'verify') await harm({ target, id: state.prepared?.backup?.id ?? '' });
    return call();
  });
}

/** The keys of data of the backup, as many as asked. */
async function someKeys({ target, id }: MadeBackup, count: number): Promise<string[]> {
  const keys = await ground.keys(`${backupPrefix(target, id)}data/`);
  return keys.slice(0, count);
}

describe('objects that are not as the manifest says', { timeout: 60_000 }, () => {
  test('fault 21: those that are missing are counted, the first are named, and the backup is not good', async () => {
    const target = ground.addTarget({ databases: DATABASES, attempts: 1 });
    const removed: string[] = [];
    const night = await backUpThen(target, async (backup) => {
      for (const key of await someKeys(backup, 12)) {
        removed.push(key);
        await ground.remove(key);
      }
    });
    expect(night).toMatchObject({ status: 'failed', error: 'VerificationFailed' });
    expect(await ground.good(target)).toEqual([]);
    const [first = ''] = removed;
    expect(night.cause).toContain(first.slice(backupPrefix(target, night.attempts[0] ?? '').length));
    expect(night.cause).toMatch(/And 9 more\./);
  });

  test('fault 22: one that is shorter is named with both sizes, and the backup is not good', async () => {
    const target = ground.addTarget({ databases: DATABASES, attempts: 1 });
    const night = await backUpThen(target, async (backup) => {
      const [key = ''] = await someKeys(backup, 1);
      await ground.put(key, (await ground.get(key)).subarray(0, -1));
    });
    expect(night).toMatchObject({ status: 'failed', error: 'VerificationFailed' });
    expect(night.cause).toMatch(/data\/shop\/orders\/\S+ .*\d+ bytes/);
    expect(await ground.good(target)).toEqual([]);
  });

  test.each([
    ['empty', (): string => ''],
    ['cut off', (text: string): string => text.slice(0, text.length / 2)],
    ['garbled', (text: string): string => text.replaceAll('<', '\u0000<<')],
  ])(
    'fault 23: a manifest that is %s fails its backup by name, and the others stay in the list',
    async (_, spoil) => {
      const target = ground.addTarget({ databases: DATABASES, attempts: 1 });
      const earlier = await ground.backUp(target);
      const night = await backUpThen(target, async ({ id }) => {
        const key = `${backupPrefix(target, id)}${MANIFEST}`;
        await ground.put(key, Buffer.from(spoil((await ground.get(key)).toString())));
      });
      expect(night).toMatchObject({ status: 'failed', error: 'BACKUP_DAMAGED' });
      expect(await ground.good(target)).toEqual([earlier.id]);
      const listed = (await ground.entries(target)).map(({ id }) => id);
      expect(listed.sort()).toEqual([earlier.id, ...night.attempts].sort());
    },
  );

  test.each(['../other/data.bin', '/etc/passwd', 'data/../../other/x'])(
    'fault 24: a manifest that lists %j is refused, and nothing outside its prefix is read',
    async (path) => {
      const target = ground.addTarget({ databases: DATABASES, attempts: 1 });
      const night = await backUpThen(target, async ({ id }) => {
        const key = `${backupPrefix(target, id)}${MANIFEST}`;
        const text = (await ground.get(key)).toString();
        ground.storage.asked.length = 0;
        await ground.put(
          key,
          Buffer.from(text.replace(/<file><name>[^<]*<\/name>/, `<file><name>${path}</name>`)),
        );
      });
      const [id = ''] = night.attempts;
      expect(night).toMatchObject({ status: 'failed', error: 'INSECURE_PATH' });
      expect(night.cause).toContain(path);
      const read = ground.storage.askedFor('GetObject').map(({ key }) => key);
      const own = [backupPrefix(target, id), 'ledger/', 'claims/', 'pins/'];
      expect(read.filter((key) => !own.some((prefix) => key.startsWith(prefix)))).toEqual([]);
    },
  );
});

describe('a base that is not what it was', { timeout: 60_000 }, () => {
  test('fault 29: no incremental is built on one that has lost an object: a full one is made, and says why', async () => {
    const target = ground.addTarget({ databases: DATABASES });
    const base = await ground.backUp(target);
    const [key = ''] = await someKeys(base, 1);
    await ground.remove(key);
    const night = await runNight({ target, kind: 'incremental' });
    expect(night.status).toBe('verified');
    expect(night.attempts[0]).toMatch(/-full-/);
    expect(night.reason).toMatch(new RegExp(`the newest full backup ${base.id} is damaged`));
  });

  test('fault 28: one that somebody deleted by hand fails what stands on it, and the next backup is a full one', async () => {
    const target = ground.addTarget({ databases: DATABASES, attempts: 1 });
    const base = await ground.backUp(target);
    const incremental = await ground.backUp(target, 'incremental');
    for (const key of await ground.keys(backupPrefix(target, base.id))) await ground.remove(key);
    const proof = await ground.prove(incremental);
    expect(proof).toMatchObject({ verdict: 'failed' });
    expect(await ground.good(target)).not.toContain(incremental.id);
    const night = await runNight({ target, kind: 'incremental' });
    expect(night.status).toBe('verified');
    expect(night.attempts[0]).toMatch(/-full-/);
  });

  test('fault 26: one under a running incremental is pinned, and missed at the end when somebody takes it all the same', async () => {
    const target = ground.addTarget({
      databases: DATABASES,
      attempts: 1,
      retention: { last: 1, minimum: 1, graceDays: 0.0001, maxShare: 1 },
    });
    const base = await ground.backUp(target);
    let plans = 0;
    const night = await runNight({ target, kind: 'incremental' }, async (step, call) => {
      if (step !== 'submit') return call();
      expect(await readPins(ground.around.bucket, target, base.id)).toHaveLength(1);
      // A newer full one makes the rules want the base no longer; its pin alone keeps it.
      await ground.backUp(target);
      for (; plans < 2; plans += 1) {
        const removal: Removal = await retain(target);
        expect(removal.remove.map(({ id }) => id)).not.toContain(base.id);
        pass(0.01);
      }
      vi.useRealTimers();
      return call();
    });
    expect(plans).toBe(2);
    expect(night).toMatchObject({ status: 'verified' });
    expect(night.attempts[0]).toMatch(/-incr-/);

    // Taken all the same, by a person, it is missed when the incremental is verified.
    const harmed = await backUpIncrementalThen(target, async () => {
      for (const each of await ground.entries(target))
        if (each.kind === 'full')
          for (const key of await ground.keys(`${backupPrefix(target, each.id)}data/`))
            await ground.remove(key);
    });
    expect(harmed).toMatchObject({ status: 'failed', error: 'VerificationFailed' });
  });
});

const backUpIncrementalThen = (target: string, harm: () => Promise<unknown>) =>
  runNight({ target, kind: 'incremental' }, async (step, call) => {
    if (step === 'verify') await harm();
    return call();
  });

const RETENTION = 'arn:aws:states:eu-central-1:123456789012:execution:Retention:one';
const retain = (target: string): Promise<Removal> =>
  carried(invoke(planRetention, { execution: RETENTION, input: { target } }));

/** Lets so many days pass for the functions; the bucket keeps its own clock. */
function pass(days: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * 86_400_000 });
}

describe('a removal', { timeout: 60_000 }, () => {
  /** A backup that a newer one has made superfluous, its grace over. */
  async function doomed(): Promise<{
    target: string;
    backup: MadeBackup;
    newest: MadeBackup;
    removal: Removal;
  }> {
    const target = ground.addTarget({
      databases: DATABASES,
      retention: { last: 1, minimum: 1, graceDays: 1, maxShare: 1 },
    });
    const backup = await ground.backUp(target);
    const newest = await ground.backUp(target);
    await retain(target);
    pass(2);
    const removal = await retain(target);
    expect(removal.remove.map(({ id }) => id)).toEqual([backup.id]);
    return { target, backup, newest, removal };
  }

  test('fault 13: believes no 200: keys that S3 names as failed are deleted again, and the end is an empty listing', async () => {
    const { target, backup, removal } = await doomed();
    let answers = 0;
    ground.storage.suffer(({ action }) => {
      if (action !== 'DeleteObjects') return undefined;
      answers += 1;
      // The first for the manifest; then one that did nothing and says so of a single key, and one that says nothing at all.
      if (answers === 2)
        return { body: deleteAnswer(`${backupPrefix(target, backup.id)}data/x`, 'SlowDown') };
      return answers === 3 ? { body: deleteAnswer() } : undefined;
    });
    const done: Removal = await carried(invoke(remove, removal));
    expect(done).toMatchObject({ done: true, removed: [{ id: backup.id }] });
    expect(answers).toBeGreaterThan(3);
    expect(await ground.keys(backupPrefix(target, backup.id))).toEqual([]);
  });

  test('fault 47: that a lock forbids is told with the key and the reason, and the backup is not called removed', async () => {
    const { target, backup, removal } = await doomed();
    const key = `${backupPrefix(target, backup.id)}${MANIFEST}`;
    ground.storage.suffer(({ action }) =>
      action === 'DeleteObjects' ? { body: deleteAnswer(key, 'AccessDenied') } : undefined,
    );
    const failure = await failureOf('Refused', invoke(remove, removal));
    expect(failure.what).toContain(key);
    expect(failure.remedy).toContain('Object Lock');
    const [entry] = await ground.entries(target);
    expect(entry?.states.removed).toBeUndefined();
    // The lock's end comes, and the same removal goes through.
    ground.storage.heal();
    expect(await carried(invoke(remove, removal))).toMatchObject({
      done: true,
      removed: [{ id: backup.id }],
    });
  });

  test('fault 14: that ends half way leaves no backup that looks good, and the next run finishes it', async () => {
    const { target, backup, newest, removal } = await doomed();
    let deletions = 0;
    ground.storage.suffer(({ action }) => {
      if (action === 'DeleteObjects') deletions += 1;
      return deletions > 1 ? DENIED : undefined;
    });
    await expect(invoke(remove, removal)).rejects.toThrow();
    const left = await ground.keys(backupPrefix(target, backup.id));
    expect(left).not.toEqual([]);
    expect(left).not.toContain(`${backupPrefix(target, backup.id)}${MANIFEST}`);
    expect(await ground.good(target)).toEqual([newest.id]);
    ground.storage.heal();
    const next = await retain(target);
    expect(next.remove.map(({ id }) => id)).toEqual([backup.id]);
    expect(await carried(invoke(remove, next))).toMatchObject({ done: true });
    expect(await ground.keys(backupPrefix(target, backup.id))).toEqual([]);
  });
});

/** The answer of S3 to a deletion of several keys; without a key it names none. */
const deleteAnswer = (key?: string, code?: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><DeleteResult>${
    key === undefined ? '' : `<Error><Key>${key}</Key><Code>${code}</Code><Message>No.</Message></Error>`
  }</DeleteResult>`;

describe('a listing', { timeout: 60_000 }, () => {
  test('fault 16: that is refused or breaks off decides nothing: no retention, and no backup on a guess', async () => {
    const target = ground.addTarget({ databases: DATABASES });
    await ground.backUp(target);
    const rewrite = (body: string): string => body.replace('<IsTruncated>false', '<IsTruncated>true');
    ground.storage.suffer(({ action, by }) =>
      action === 'ListObjects' && by === 'functions' ? { rewrite } : undefined,
    );
    await expect(retain(target)).rejects.toMatchObject({ name: 'IncompleteReading' });
    await expect(invoke(prepare, runOf(target, { slot: 'manual/broken' }))).rejects.toMatchObject({
      name: 'IncompleteReading',
    });
    ground.storage.suffer(({ action }) => (action === 'ListObjects' ? DENIED : undefined));
    await expect(retain(target)).rejects.toMatchObject({ name: 'Refused' });
  });
});
