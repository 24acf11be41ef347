/** What a restore that did not come to its end takes away, and what it leaves alone, on the real engine. */
import { beforeEach, describe, expect, it } from 'vitest';
import { putOnce } from '../../../clients/bucket.ts';
import { SafehouseError } from '../../../core/errors.ts';
import { backupPrefix, restoreKey } from '../../../core/keys.ts';
import type { MadeBackup } from '../prove/proving-ground.ts';
import { RestoreGround } from './restore-ground.ts';

const ground = new RestoreGround();
const EVERY = { databases: ['shop'] };

let made: MadeBackup | undefined;
const known = (): MadeBackup => {
  if (made === undefined) throw new Error('nothing was made');
  return made;
};

const TABLES = [
  'CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree PARTITION BY id % 3 ORDER BY id',
  'INSERT INTO shop.orders SELECT number FROM numbers(900)',
  'CREATE TABLE shop.prices (id UInt64) ENGINE = MergeTree ORDER BY id',
  'INSERT INTO shop.prices SELECT number FROM numbers(30)',
  "CREATE DICTIONARY shop.names (id UInt64) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'orders' DB 'shop')) LAYOUT(HASHED()) LIFETIME(0)",
];

/** Each test begins with the database as it was backed up. */
beforeEach(async () => {
  if (made !== undefined) ground.setTarget(made.target, EVERY);
  await ground.tell('DROP DATABASE IF EXISTS shop SYNC', 'CREATE DATABASE shop', ...TABLES);
  if (made !== undefined) return;
  made = await ground.backUp(ground.addTarget(EVERY));
  await ground.prove(made);
});

const STOPPED = () => Promise.reject(new SafehouseError('Refused', { what: 'Stopped.', remedy: 'None.' }));

const count = async (table: string): Promise<number> => {
  const [row] = await ground.ask<{ rows: string }>(`SELECT count() AS rows FROM ${table}`);
  return Number(row?.rows);
};

const tables = async (): Promise<string[]> => {
  const rows = await ground.ask<{ name: string }>(
    "SELECT name FROM system.tables WHERE database = 'shop' ORDER BY name",
  );
  return rows.map(({ name }) => name);
};

/** Lets the backup lack the data of a table. */
async function without<Result>(table: string, work: () => Promise<Result>): Promise<Result> {
  const file = (await ground.manifest(known())).find(({ name }) =>
    new RegExp(`^data/shop/${table}/[^/]*/data\\.bin$`).test(name),
  );
  const key = `${backupPrefix(known().target, known().id)}${file?.dataFile}`;
  const content = await ground.get(key);
  await ground.remove(key);
  try {
    return await work();
  } finally {
    await ground.put(key, content);
  }
}

describe('a restore that fails', { timeout: 60_000 }, () => {
  it('of definitions alone touches no rows, though they are those of the backup', async () => {
    const { target } = known();
    for (const mode of ['asIs', 'intoExisting'] as const) {
      const input = { target, tables: ['shop.orders', 'shop.prices'], mode, structureOnly: true };
      const { report } = await ground.restore(input, { 'after submit': STOPPED });
      expect(report).toMatchObject({ outcome: 'failed', dropped: [], left: [] });
    }
    expect([await count('shop.orders'), await count('shop.prices')]).toEqual([900, 30]);
  });

  it('of partitions names them alone as what is to be emptied', async () => {
    const { target } = known();
    await ground.tell("ALTER TABLE shop.orders DROP PARTITION ID '1'");
    const input = { target, partitions: [{ table: 'shop.orders', ids: ['1'] }] };
    const { report } = await ground.restore(input, {
      'after submit': async () => {
        await expect.poll(() => count('shop.orders')).toBe(900);
        await STOPPED();
      },
    });
    expect(report?.left).toEqual([
      {
        what: expect.stringContaining('the partition 1 of shop.orders was empty before and has 300 rows now'),
        statement: "ALTER TABLE `shop`.`orders` DROP PARTITION ID '1'",
      },
    ]);
    expect(await count('shop.orders')).toBe(900);
  });

  it('leaves a table that others have made and filled meanwhile', async () => {
    const { target } = known();
    await ground.tell('DROP DICTIONARY shop.names SYNC', 'DROP TABLE shop.prices SYNC');
    const { status, report } = await ground.restore(
      { target, tables: ['shop.prices'] },
      {
        'before submit': () =>
          ground.tell(
            'CREATE TABLE shop.prices (id UInt64) ENGINE = MergeTree ORDER BY id',
            'INSERT INTO shop.prices SELECT number FROM numbers(5)',
          ),
      },
    );
    expect(status).toBe('failed');
    expect(report).toMatchObject({
      dropped: [],
      left: [{ statement: 'DROP TABLE IF EXISTS `shop`.`prices` SYNC' }],
    });
    expect(await count('shop.prices')).toBe(5);
  });

  it('drops a table and the dictionary that reads it', async () => {
    const { target } = known();
    await ground.tell(
      'DROP DICTIONARY shop.names SYNC',
      'DROP TABLE shop.orders SYNC',
      'DROP TABLE shop.prices SYNC',
    );
    const { report } = await without('prices', () =>
      ground.restore({ target, tables: ['shop.orders', 'shop.prices', 'shop.names'] }),
    );
    expect(report).toMatchObject({ outcome: 'failed', left: [], failure: { error: 'S3_ERROR' } });
    expect(report?.dropped.map(({ table }) => table).sort()).toEqual(['names', 'orders', 'prices']);
    expect(await tables()).toEqual([]);
  });

  it('after others were dropped to be replaced says that they are gone', async () => {
    const { target } = known();
    const { report } = await without('prices', () =>
      ground.restore({ target, mode: 'replace', confirm: ['shop'] }),
    );
    expect(report?.dropped).toEqual([{ kind: 'database', database: 'shop', table: null }]);
    expect(report?.left).toEqual([
      {
        what: 'the database shop was dropped to be replaced, and is not there now',
        statement: `-- restore it again: ${known().id} holds it`,
      },
    ]);
    expect(await ground.databases()).not.toContain('shop');
  });

  it('before anything was dropped to be replaced drops nothing', async () => {
    const { target } = known();
    const refused = await ground.restore({ target, mode: 'replace' });
    expect(refused).toMatchObject({ error: 'PreflightRefused', report: { dropped: [], left: [] } });
    expect(await tables()).toEqual(['names', 'orders', 'prices']);
  });

  it('having added rows says to which tables', async () => {
    const { target } = known();
    const input = { target, tables: ['shop.prices'], mode: 'append', confirm: ['append'] };
    const { report } = await ground.restore(input, {
      'after submit': async () => {
        await expect.poll(() => count('shop.prices')).toBe(60);
        await STOPPED();
      },
    });
    expect(report).toMatchObject({
      dropped: [],
      left: [{ what: expect.stringContaining('shop.prices had 30 rows before and has 60 rows now') }],
    });
  });

  it('whose statement was never sent leaves what others have made', async () => {
    const { target } = known();
    // A server that was started within seconds of the mark may have forgotten the statement.
    await expect
      .poll(async () => Number((await ground.ask<{ s: number }>('SELECT uptime() AS s'))[0]?.s), {
        timeout: 20_000,
      })
      .toBeGreaterThan(7);
    await ground.tell('DROP DICTIONARY shop.names SYNC', 'DROP TABLE shop.prices SYNC');
    let restore = '';
    const earlier = (await ground.keys(`restores/${target}/`)).map((key) => key.split('/')[2] ?? '');
    const { report } = await ground.restore(
      { target, tables: ['shop.prices'] },
      {
        'before submit': async () => {
          const rooms = (await ground.keys(`restores/${target}/`)).filter((key) =>
            key.endsWith('/room.json'),
          );
          restore = rooms.map((key) => key.split('/')[2] ?? '').find((name) => !earlier.includes(name)) ?? '';
          // As a function that was ended between its mark and the statement.
          await putOnce(ground.around.bucket, restoreKey(target, restore, 'submitted'), {
            version: 1,
            at: new Date().toISOString(),
          });
          await ground.tell('CREATE TABLE shop.prices (id UInt64) ENGINE = MergeTree ORDER BY id');
          await STOPPED();
        },
      },
    );
    expect(report).toMatchObject({ restore, dropped: [] });
    expect(await tables()).toContain('prices');
  });
});

it('a table that a dictionary reads can be replaced', { timeout: 60_000 }, async () => {
  const { target } = known();
  await ground.tell('INSERT INTO shop.orders SELECT number + 5000 FROM numbers(10)');
  const input = { target, tables: ['shop.orders'], mode: 'replace', confirm: ['shop.orders'] };
  expect(await ground.restore(input)).toMatchObject({ status: 'succeeded' });
  expect(await count('shop.orders')).toBe(900);
});
