/** A storage that fails now and then, over weeks: one request in a hundred, and one body in a thousand. */
import '../support/function-environment.ts';
import { expect, test } from 'vitest';
import { FaultGround } from './fault-ground.ts';
import { type Fault, INTERNAL_ERROR, type S3Request, SLOW_DOWN } from './faulty-storage.ts';
import { record } from './figure.ts';
import { runNight } from './night.ts';

const ground = new FaultGround();

const REQUESTS_AMISS = 0.01;
const BODIES_CUT = 0.001;
const INCREMENTALS = 10;
const SEED = 20_260_402;

/** The same numbers in the same order for a seed (mulberry32). */
function numbersOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const KINDS: readonly Fault[] = [SLOW_DOWN, INTERNAL_ERROR, 'reset', 'answer lost', { delay: 50 }];

interface Suffered {
  amiss: number;
  cut: number;
}

function sufferNowAndThen(): Suffered {
  const next = numbersOf(SEED);
  const suffered: Suffered = { amiss: 0, cut: 0 };
  ground.storage.suffer(({ action }: S3Request) => {
    if (next() < REQUESTS_AMISS) {
      suffered.amiss += 1;
      return KINDS[Math.floor(next() * KINDS.length)];
    }
    if (action !== 'GetObject' || next() >= BODIES_CUT) return undefined;
    suffered.cut += 1;
    return { cutAfter: Math.floor(next() * 200) };
  });
  return suffered;
}

const FINGERPRINT = 'count() AS rows, sum(cityHash64(*)) AS hash';

test('fault 11: one full and ten incrementals go through it, and each restores to the same fingerprints', async ({
  task,
}) => {
  await ground.tell(
    'CREATE DATABASE shop',
    `CREATE TABLE shop.orders (id UInt64, text String) ENGINE = MergeTree PARTITION BY id % 16 ORDER BY id
     SETTINGS min_bytes_for_wide_part = 0`,
    'INSERT INTO shop.orders SELECT number, toString(rand64()) FROM numbers(16000)',
  );
  const target = ground.addTarget({ databases: ['shop'], attempts: 3 });
  const suffered = sufferNowAndThen();
  let attempts = 0;
  const good: string[] = [];
  for (let night = 0; night <= INCREMENTALS; night += 1) {
    const kind = night === 0 ? 'full' : 'incremental';
    const scheduledTime = new Date(Date.UTC(2026, 3, 2 + night, 2)).toISOString();
    const end = await runNight({ target, kind, scheduledTime });
    expect(end.status).toBe('verified');
    attempts += end.attempts.length;
    good.push(end.attempts.at(-1) ?? '');
    await ground.tell(
      `INSERT INTO shop.orders SELECT number + ${16_000 * (night + 1)}, toString(rand64()) FROM numbers(1600)`,
    );
  }
  // By night, not by id: several nights of this test may fall into one second.
  expect((await ground.good(target)).sort()).toEqual([...good].sort());
  expect(good.map((id) => id.slice(-9, -5))).toEqual(['full', ...Array(INCREMENTALS).fill('incr')]);
  for (const [night, backup] of good.entries()) {
    const restored = await ground.restore({ target, backup, as: { shop: 'again' } });
    expect(restored).toMatchObject({ status: 'succeeded' });
    // What came after a backup has a higher id.
    const [live] = await ground.ask(
      `SELECT ${FINGERPRINT} FROM shop.orders WHERE id < ${16_000 * (night + 1)}`,
    );
    expect(await ground.ask(`SELECT ${FINGERPRINT} FROM again.orders`)).toEqual([live]);
    await ground.tell('DROP DATABASE again SYNC');
  }
  const requests = ground.storage.asked.length;
  const bodies = ground.storage.askedFor('GetObject').length;
  expect(suffered.amiss).toBeGreaterThan(requests * REQUESTS_AMISS * 0.5);
  record(task, 'requests', requests);
  record(task, 'requestsAmiss', suffered.amiss);
  record(task, 'bodies', bodies);
  record(task, 'bodiesCut', suffered.cut);
  record(task, 'backups', good.length);
  record(task, 'attempts', attempts);
}, 180_000);

test('fault 12: a restore where half of the objects break off at the first read reads on, and brings the same rows', async () => {
  await ground.tell(
    'CREATE DATABASE cut',
    'CREATE TABLE cut.noise (id UInt64, text String) ENGINE = MergeTree PARTITION BY id % 8 ORDER BY id SETTINGS min_bytes_for_wide_part = 0',
    'INSERT INTO cut.noise SELECT number, randomString(100) FROM numbers(8000)',
  );
  const target = ground.addTarget({ databases: ['cut'] });
  const { id } = await ground.backUp(target);
  const read = new Set<string>();
  let cut = 0;
  ground.storage.suffer(({ action, by, key }) => {
    if (action !== 'GetObject' || by !== 'ClickHouse' || read.has(key)) return undefined;
    read.add(key);
    if (read.size % 2 === 0) return undefined;
    cut += 1;
    return { cutAfter: 64 };
  });
  const restored = await ground.restore({ target, backup: id, as: { cut: 'whole' } });
  expect(restored).toMatchObject({ status: 'succeeded' });
  expect(cut).toBeGreaterThan(5);
  const fingerprint = (database: string) => ground.ask(`SELECT ${FINGERPRINT} FROM ${database}.noise`);
  expect(await fingerprint('whole')).toEqual(await fingerprint('cut'));
});
