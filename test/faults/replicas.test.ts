/** Two servers behind one address, of which neither knows what the other is doing. */
import '../support/function-environment.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { backupPrefix } from '../../core/keys.ts';
import type { Poll } from '../../core/workflow.ts';
import { FaultGround, type OwnEngine } from './fault-ground.ts';
import { FaultyServer } from './faulty-server.ts';
import { runNight } from './night.ts';

const ground = new FaultGround();
let replicas: readonly OwnEngine[] = [];

beforeAll(async () => {
  replicas = await Promise.all([ground.startEngine(), ground.startEngine()]);
  for (const replica of replicas)
    await replica.tell(
      'CREATE DATABASE small',
      'CREATE TABLE small.orders (id UInt64) ENGINE = MergeTree ORDER BY id',
      'INSERT INTO small.orders SELECT number FROM numbers(1000)',
    );
});

const urls = (): string[] => replicas.map(({ url }) => url);
const known = (replica: OwnEngine | undefined, target: string): Promise<string> =>
  replica?.ask(`SELECT count() FROM system.backups WHERE name LIKE '%/${target}/%'`) ?? Promise.resolve('');

describe('a round-robin address', { timeout: 60_000 }, () => {
  test('fault 40: the answer of a replica that does not know the backup is neither its end nor its success', async () => {
    const address = await FaultyServer.before(...urls());
    const target = ground.addTarget({ url: address.url, databases: ['small'] });
    const seen: { server: number | undefined; outcome: string }[] = [];
    let turn = 0;
    address.choose(() => turn % 2);
    // Both are asked while only one of them is at work.
    const held = Promise.withResolvers<void>();
    ground.storage.suffer(({ by, action }) =>
      by === 'ClickHouse' && action === 'PutObject' ? { until: held.promise } : undefined,
    );
    const night = await runNight({ target }, async (step, call) => {
      const result = await call();
      if (step === 'poll') {
        seen.push({ server: address.asked.at(-1)?.server, outcome: (result as Poll).outcome });
        turn += 1;
        if (turn === 4) held.resolve();
      }
      return result;
    });
    expect(night).toMatchObject({ status: 'verified', attempts: [expect.any(String)] });
    expect(await known(replicas[0], target)).toBe('1');
    expect(await known(replicas[1], target)).toBe('0');
    expect(seen.filter(({ server }) => server === 1).length).toBeGreaterThan(1);
    expect(seen.filter(({ server, outcome }) => server === 1 && outcome !== 'running')).toEqual([]);
    expect(seen.at(-1)).toEqual({ server: 0, outcome: 'finished' });
  });

  test('fault 40: a repeat of the submit that reaches the other replica finds the lock in the bucket, and sends nothing', async () => {
    const { target, night } = await submitTwice(async (run) => {
      while ((await ground.keys(backupPrefix(run.target, run.id))).length === 0);
    });
    expect(night).toMatchObject({ status: 'verified', attempts: [expect.any(String)] });
    expect(await known(replicas[1], target)).toBe('0');
  });

  test('fault 40: a repeat before there is a lock is refused by it, and one whole backup comes of the two', async () => {
    const { target, night } = await submitTwice(async () => {});
    expect(night.status).toBe('verified');
    const [good = '', ...others] = await ground.good(target);
    expect(others).toEqual([]);
    expect(await ground.prove({ target, id: good })).toMatchObject({ verdict: 'proven' });
  });
});

/** Submits on the first replica, and again on the second; the first is polled. */
async function submitTwice(between: (backup: { target: string; id: string }) => Promise<void>) {
  const address = await FaultyServer.before(...urls());
  const target = ground.addTarget({ url: address.url, databases: ['small'] });
  address.choose(() => 0);
  const night = await runNight({ target }, async (step, call, state) => {
    if (step !== 'submit') return call();
    await call();
    await between({ target, id: state.prepared?.backup?.id ?? '' });
    address.choose(() => 1);
    const repeated = await call();
    address.choose(() => 0);
    return repeated;
  });
  return { target, night };
}
