/** EventBridge delivers at least once: whatever it repeats, a scheduled time makes one backup. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenedHouse, openTestHouse } from './opened-house.ts';

let opened: OpenedHouse;

beforeAll(async () => {
  opened = await openTestHouse();
  await opened.sql('CREATE DATABASE shop');
  await opened.sql('CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id');
  await opened.sql('INSERT INTO shop.orders SELECT number FROM numbers(1000)');
});

afterAll(() => opened.close());

const NIGHTS = ['2026-04-01T02:00:00Z', '2026-04-02T02:00:00Z', '2026-04-03T02:00:00Z'];

test.each(NIGHTS)(
  'the start for %s, delivered three times at once, makes one backup',
  async (scheduledTime) => {
    const { run, ledger, complete } = opened;
    const known = (await ledger('shop')).length;
    const start = () => run('backup', { target: 'shop', kind: 'full', scheduledTime });
    const histories = await Promise.all([start(), start(), start()]);
    await opened.house.settled();

    expect(histories.map(({ status, cause }) => cause ?? status)).toEqual([
      'succeeded',
      'succeeded',
      'succeeded',
    ]);
    const made = (await ledger('shop')).slice(known);
    expect(made).toHaveLength(1);
    expect(made[0]?.states.verified).toBeDefined();
    expect((await complete('shop')).filter((id) => id === made[0]?.id)).toHaveLength(1);
    expect(await complete('shop')).toHaveLength(known + 1);
  },
);

test('a start that is delivered again when all is over finds that nothing is left to do', async () => {
  const { run, ledger } = opened;
  const [scheduledTime] = NIGHTS;
  const known = (await ledger('shop')).length;
  const history = await run('backup', { target: 'shop', kind: 'full', scheduledTime });

  expect(history).toMatchObject({ status: 'succeeded', state: 'AlreadyRan' });
  expect(await ledger('shop')).toHaveLength(known);
});

test('each scheduled time has one claim and one attempt', async () => {
  expect(await opened.claims('shop')).toEqual(
    NIGHTS.flatMap((time) => {
      const slot = `claims/shop/full/${time.replace(/[-:]/g, '')}`;
      return [`${slot}.json`, `${slot}/attempt-1.json`];
    }),
  );
});

test('two starts by hand make two backups, for nobody asked for one', async () => {
  const { run, ledger, house } = opened;
  const known = (await ledger('shop')).length;
  await run('backup', { target: 'shop' });
  await run('backup', { target: 'shop' });
  await house.settled();

  expect((await ledger('shop')).length).toBe(known + 2);
});
