import { beforeEach, describe, expect, it } from 'vitest';
import { readPins } from '../../../clients/pins.ts';
import { SafehouseError } from '../../../core/errors.ts';
import { quoteIdentifier } from '../../../core/identifiers.ts';
import { backupPrefix, ledgerKey } from '../../../core/keys.ts';
import { handler as planRetention } from '../../../functions/retention/plan.ts';
import type { MadeBackup } from '../prove/proving-ground.ts';
import { RestoreGround } from './restore-ground.ts';

const ground = new RestoreGround();
const WEIRD = `we"ird'; DROP DATABASE shop; -- \``;
const DATABASES = ['shop', WEIRD];

interface Made {
  readonly target: string;
  readonly full: MadeBackup;
  readonly incremental: MadeBackup;
}
let made: Made | undefined;

const known = (): Made => {
  if (made === undefined) throw new Error('nothing was made');
  return made;
};

beforeEach(async () => {
  if (made !== undefined) return ground.setTarget(made.target, { databases: DATABASES });
  await ground.tell(
    'CREATE DATABASE shop',
    'CREATE TABLE shop.orders (id UInt64, at DateTime) ENGINE = MergeTree PARTITION BY id % 3 ORDER BY id',
    'INSERT INTO shop.orders SELECT number, now() FROM numbers(1000)',
    'CREATE TABLE shop.log (id UInt64) ENGINE = Log',
    'INSERT INTO shop.log SELECT number FROM numbers(10)',
    'CREATE TABLE shop.sums (id UInt64) ENGINE = MergeTree ORDER BY id',
    'CREATE MATERIALIZED VIEW shop.to_sums TO shop.sums AS SELECT id * 2 AS id FROM shop.orders',
    'CREATE MATERIALIZED VIEW shop.own ENGINE = MergeTree ORDER BY id AS SELECT id FROM shop.orders',
    'CREATE VIEW shop.view AS SELECT count() AS orders FROM shop.orders',
    "CREATE DICTIONARY shop.names (id UInt64, at DateTime) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'orders' DB 'shop')) LAYOUT(HASHED()) LIFETIME(0)",
    'INSERT INTO shop.orders SELECT number + 1000, now() FROM numbers(1000)',
    `CREATE DATABASE ${quoteIdentifier(WEIRD)}`,
    `CREATE TABLE ${quoteIdentifier(WEIRD)}.${quoteIdentifier(WEIRD)} (id UInt64) ENGINE = MergeTree ORDER BY id`,
    `INSERT INTO ${quoteIdentifier(WEIRD)}.${quoteIdentifier(WEIRD)} SELECT number FROM numbers(7)`,
  );
  const target = ground.addTarget({ databases: DATABASES });
  const full = await ground.backUp(target);
  await ground.prove(full);
  await ground.tell('INSERT INTO shop.orders SELECT number + 2000, now() FROM numbers(500)');
  const incremental = await ground.backUp(target, 'incremental');
  await ground.prove(incremental);
  made = { target, full, incremental };
});

const count = async (table: string): Promise<number> => {
  const [row] = await ground.ask<{ rows: string }>(`SELECT count() AS rows FROM ${table}`);
  return Number(row?.rows);
};

const drop = async (...databases: readonly string[]): Promise<void> => {
  for (const database of databases)
    await ground.tell(`DROP DATABASE IF EXISTS ${quoteIdentifier(database)} SYNC`);
};

const comparisons = (restored: Awaited<ReturnType<typeof ground.restore>>) =>
  Object.fromEntries(
    (restored.report?.tables ?? []).map(({ database, table, comparison }) => [
      `${database}.${table}`,
      comparison,
    ]),
  );

const retain = (target: string) =>
  ground.step(planRetention, {
    execution: 'arn:aws:states:eu-central-1:123456789012:execution:Retention:one',
    input: { target },
  });

describe('a restore beside the live database', { timeout: 60_000 }, () => {
  it('takes the newest proven backup, and points views and dictionaries to the new database', async () => {
    const { target, incremental } = known();
    const restored = await ground.restore({ target, databases: ['shop'], as: { shop: 'beside' } });
    expect(restored).toMatchObject({ status: 'succeeded', plan: { backup: incremental.id, mode: 'new' } });
    expect(comparisons(restored)).toEqual({
      'beside.orders': 'identical',
      'beside.sums': 'identical',
      'beside.log': 'same rows',
      'beside.own': 'same rows',
      'beside.names': 'definition',
      'beside.to_sums': 'definition',
      'beside.view': 'definition',
    });
    for (const name of ['view', 'to_sums', 'own', 'names']) {
      const [row] = await ground.ask<{ statement: string }>(`SHOW CREATE TABLE beside.${name}`);
      expect(row?.statement).toContain('beside');
      expect(row?.statement).not.toMatch(/\bshop\b/);
    }
    const live = await count('shop.sums');
    await ground.tell('INSERT INTO beside.orders VALUES (1, now())');
    expect(await count('shop.sums')).toBe(live);
    expect(await count('shop.orders')).toBe(2500);
    await drop('beside');
  });

  it('prints statements that put it in the place of the live one, and back', async () => {
    const { target, full } = known();
    const restored = await ground.restore({
      target,
      backup: full.id,
      databases: ['shop'],
      as: { shop: 'older' },
    });
    const { swap = [], swapBack = [] } = restored.report ?? {};
    await ground.tell(...swap.filter((statement) => !statement.startsWith('--')));
    expect([await count('shop.orders'), await count('older.orders')]).toEqual([2000, 2500]);
    expect(await ground.ask('SELECT orders FROM shop.view')).toEqual([{ orders: 2000 }]);
    await ground.tell(...swapBack.filter((statement) => !statement.startsWith('--')));
    expect([await count('shop.orders'), await count('older.orders')]).toEqual([2500, 2000]);
    await drop('older');
  });

  it('survives any name', async () => {
    const { target } = known();
    const restored = await ground.restore({ target, databases: [WEIRD] });
    expect(restored.status).toBe('succeeded');
    const place = restored.plan?.databases[0]?.to ?? '';
    expect(place).toMatch(/_restored_\d{8}_\d{6}$/);
    expect(await count(`${quoteIdentifier(place)}.${quoteIdentifier(WEIRD)}`)).toBe(7);
    expect(await count('shop.orders')).toBe(2500);
    await drop(place);
  });

  it('is refused where a database of the name stands, and by another restore into it', async () => {
    const { target } = known();
    const input = { target, databases: ['shop'], as: { shop: 'taken' } };
    let second: Awaited<ReturnType<typeof ground.restore>> | undefined;
    const first = await ground.restore(input, {
      'after submit': async () => {
        second = await ground.restore(input);
      },
    });
    expect(first.status).toBe('succeeded');
    expect(second).toMatchObject({ status: 'failed', error: 'AnotherRestore' });
    expect(await count('taken.orders')).toBe(2500);
    const third = await ground.restore(input);
    expect(third).toMatchObject({ status: 'failed', error: 'PreflightRefused' });
    expect(third.cause).toContain('[destination] The server has a database taken already.');
    expect(await count('taken.orders')).toBe(2500);
    await drop('taken');
  });

  it('says what it would do and does nothing, when it is dry', async () => {
    const { target } = known();
    const before = await ground.databases();
    const restored = await ground.restore({ target, dryRun: true });
    expect(restored).toMatchObject({ status: 'succeeded', report: { outcome: 'dry run', tables: [] } });
    expect(restored.report?.statement).toContain('RESTORE DATABASE `shop` AS `shop_restored_');
    expect(await ground.databases()).toEqual(before);
    expect(await readPins(ground.around.bucket, target, known().incremental.id)).toEqual([]);
  });

  it('leaves out what it is told to', async () => {
    const { target } = known();
    const input = { target, databases: ['shop'], as: { shop: 'fewer' } };
    const restored = await ground.restore({ ...input, except: ['shop.log', 'shop.own'] });
    expect(restored.report?.leftOut.map(({ table }) => table).sort()).toEqual(['log', 'own']);
    const tables = await ground.ask<{ name: string }>(
      "SELECT name FROM system.tables WHERE database = 'fewer' AND name NOT LIKE '.inner%' ORDER BY name",
    );
    expect(tables.map(({ name }) => name)).toEqual(['names', 'orders', 'sums', 'to_sums', 'view']);
    await drop('fewer');
    const unknown = await ground.restore({ ...input, except: ['shop.lgo'] });
    expect(unknown.cause).toContain('did you mean "shop.log"');
  });

  it('brings definitions alone, when asked', async () => {
    const { target } = known();
    const restored = await ground.restore({
      target,
      databases: ['shop'],
      as: { shop: 'bare' },
      structureOnly: true,
    });
    expect(new Set(Object.values(comparisons(restored)))).toEqual(new Set(['definition']));
    expect(await count('bare.orders')).toBe(0);
    await drop('bare');
  });
});

describe('a restore under the same names', { timeout: 60_000 }, () => {
  it('brings a dropped table back', async () => {
    const { target } = known();
    await ground.tell('DROP DICTIONARY shop.names SYNC', 'DROP TABLE shop.log SYNC');
    const restored = await ground.restore({ target, tables: ['shop.log', 'shop.names'] });
    expect(restored).toMatchObject({ status: 'succeeded', plan: { mode: 'asIs' } });
    expect(await count('shop.log')).toBe(10);
    expect(await ground.ask("SELECT dictHas('shop.names', toUInt64(5)) AS has")).toEqual([{ has: 1 }]);
  });

  it('brings everything back to a server that has lost it', async () => {
    const { target } = known();
    await drop(...DATABASES);
    const restored = await ground.restore({ target, mode: 'asIs' });
    expect(restored).toMatchObject({ status: 'succeeded', report: { outcome: 'restored' } });
    expect(await count('shop.orders')).toBe(2500);
    expect(await count(`${quoteIdentifier(WEIRD)}.${quoteIdentifier(WEIRD)}`)).toBe(7);
    // Views go on where they were.
    const before = await count('shop.sums');
    await ground.tell('INSERT INTO shop.orders VALUES (9999, now())');
    expect(await count('shop.sums')).toBe(before + 1);
    await ground.tell('ALTER TABLE shop.orders DELETE WHERE id = 9999 SETTINGS mutations_sync = 2');
    await ground.tell('ALTER TABLE shop.sums DELETE WHERE id = 19998 SETTINGS mutations_sync = 2');
  });

  it('never mixes with rows that are there', async () => {
    const { target } = known();
    const restored = await ground.restore({ target, tables: ['shop.orders'] });
    expect(restored).toMatchObject({ status: 'failed', error: 'PreflightRefused' });
    expect(restored.cause).toContain('This table is not empty: shop.orders (2500 rows)');
    expect(await count('shop.orders')).toBe(2500);
  });

  it('brings back a partition that was dropped, beside the others', async () => {
    const { target } = known();
    const partitions = [{ table: 'shop.orders', ids: ['1'] }];
    expect((await ground.restore({ target, partitions })).error).toBe('PreflightRefused');
    await ground.tell("ALTER TABLE shop.orders DROP PARTITION ID '1'");
    expect(await count('shop.orders')).toBeLessThan(2500);
    expect((await ground.restore({ target, partitions })).status).toBe('succeeded');
    expect(await count('shop.orders')).toBe(2500);
  });

  it('adds rows to rows only by the word', async () => {
    const { target } = known();
    const input = { target, tables: ['shop.log'], mode: 'append' };
    expect(await ground.restore(input)).toMatchObject({ status: 'failed', error: 'PreflightRefused' });
    expect(await count('shop.log')).toBe(10);
    expect((await ground.restore({ ...input, confirm: ['append'] })).status).toBe('succeeded');
    expect(await count('shop.log')).toBe(20);
    await ground.tell('TRUNCATE TABLE shop.log');
    expect((await ground.restore({ target, tables: ['shop.log'] })).status).toBe('succeeded');
    expect(await count('shop.log')).toBe(10);
  });

  it('replaces a database only when its name was typed', async () => {
    const { target, full } = known();
    await ground.tell(
      `CREATE TABLE ${quoteIdentifier(WEIRD)}.later (id UInt64) ENGINE = MergeTree ORDER BY id`,
      `INSERT INTO ${quoteIdentifier(WEIRD)}.${quoteIdentifier(WEIRD)} VALUES (99)`,
    );
    const input = { target, backup: full.id, databases: [WEIRD], mode: 'replace' };
    for (const confirm of [[], ['shop'], [WEIRD]]) {
      const refused = await ground.restore({ ...input, confirm });
      expect(refused).toMatchObject({ status: 'failed', error: 'PreflightRefused' });
      expect(refused.cause).toContain('would be dropped');
    }
    expect(await count(`${quoteIdentifier(WEIRD)}.${quoteIdentifier(WEIRD)}`)).toBe(8);
    const done = await ground.restore({ ...input, confirm: [WEIRD, `${WEIRD}.later`] });
    expect(done.status).toBe('succeeded');
    expect(await count(`${quoteIdentifier(WEIRD)}.${quoteIdentifier(WEIRD)}`)).toBe(7);
  });
});

describe('a restore into tables that exist', { timeout: 60_000 }, () => {
  it('brings the rows into another engine of the family', async () => {
    const { target } = known();
    await ground.tell('RENAME TABLE shop.sums TO shop.sums_aside');
    await ground.tell('CREATE TABLE shop.sums (id UInt64) ENGINE = ReplacingMergeTree ORDER BY id');
    const input = { target, tables: ['shop.sums'], mode: 'intoExisting' };
    const restored = await ground.restore(input);
    expect(restored.status).toBe('succeeded');
    expect(await count('shop.sums')).toBe(await count('shop.sums_aside'));
    expect(await ground.restore(input)).toMatchObject({ status: 'failed', error: 'PreflightRefused' });
    await ground.tell('DROP TABLE shop.sums SYNC');
    const absent = await ground.restore(input);
    expect(absent.cause).toContain('The server does not have shop.sums.');
    await ground.tell('RENAME TABLE shop.sums_aside TO shop.sums');
  });
});

describe('the comparison', { timeout: 60_000 }, () => {
  it('finds a row that was deleted after the restore, and drops nothing', async () => {
    const { target } = known();
    const restored = await ground.restore(
      { target, databases: ['shop'], as: { shop: 'lacking' } },
      {
        'before compare': () =>
          ground.tell('DELETE FROM lacking.orders WHERE id = 7 SETTINGS lightweight_deletes_sync = 2'),
      },
    );
    expect(restored).toMatchObject({
      status: 'failed',
      error: 'RestoreDiffers',
      report: { outcome: 'different', dropped: [] },
    });
    expect(comparisons(restored)).toMatchObject({
      'lacking.orders': 'different',
      'lacking.sums': 'identical',
    });
    expect(restored.report?.tables.find(({ table }) => table === 'orders')?.what).toContain('1 are missing');
    expect(await count('lacking.sums')).toBeGreaterThan(0);
    await drop('lacking');
  });

  it('knows parts that were merged since for the same', async () => {
    const { target } = known();
    const restored = await ground.restore(
      { target, databases: ['shop'], as: { shop: 'merged' } },
      { 'before compare': () => ground.tell('OPTIMIZE TABLE merged.orders FINAL') },
    );
    expect(restored.status).toBe('succeeded');
    const orders = restored.report?.tables.find(({ table }) => table === 'orders');
    expect(orders).toMatchObject({
      comparison: 'identical',
      what: 'the same parts with the same checksums, merged since',
    });
    await drop('merged');
  });

  it('reads every byte, when asked', async () => {
    const { target } = known();
    const restored = await ground.restore({ target, databases: ['shop'], as: { shop: 'read' }, check: true });
    expect(
      restored.report?.tables
        .filter(({ checked }) => checked)
        .map(({ table }) => table)
        .sort(),
    ).toEqual(['log', 'orders', 'sums']);
    await drop('read');
  });

  it('asks the assertions of the target in the database that was restored', async () => {
    const assertions = [
      { query: 'SELECT count() = 2000 FROM orders' },
      { query: 'SELECT 1 FROM shop.orders LIMIT 1' },
    ];
    const target = ground.addTarget({ databases: DATABASES, prove: { assertions } });
    const { id } = await ground.lend(known().full, target);
    const restored = await ground.restore({
      target,
      backup: id,
      databases: ['shop'],
      as: { shop: 'asserted' },
    });
    // By its full name the second would be answered by the live table.
    expect(restored.report?.assertions).toMatchObject([{ database: 'asserted', passed: true }]);
    await drop('asserted');
  });
});

describe('a restore that does not come to its end', { timeout: 60_000 }, () => {
  it('leaves nothing behind when an object of the backup is missing', async () => {
    const { target, full } = known();
    const manifest = await ground.manifest(full);
    const file = manifest.find(({ name }) => /^data\/shop\/orders\/1_[^/]*\/data\.bin$/.test(name));
    const key = `${backupPrefix(target, full.id)}${file?.dataFile}`;
    const content = await ground.get(key);
    const before = await ground.databases();
    await ground.remove(key);
    try {
      const restored = await ground.restore({ target, databases: ['shop'], as: { shop: 'half' } });
      expect(restored).toMatchObject({ status: 'failed', report: { outcome: 'failed', left: [] } });
      expect(restored.cause).toContain('What it had made was taken away: half.');
      expect(await ground.databases()).toEqual(before);
    } finally {
      await ground.put(key, content);
    }
    const again = await ground.restore({ target, databases: ['shop'], as: { shop: 'half' } });
    expect(again.status).toBe('succeeded');
    await drop('half');
  });

  it('empties tables that were empty before, and leaves rows that others have written', async () => {
    const { target, full } = known();
    const manifest = await ground.manifest(full);
    const file = manifest.find(({ name }) => /^data\/shop\/sums\/.*data\.bin$/.test(name));
    const key = `${backupPrefix(target, full.id)}${file?.dataFile}`;
    const content = await ground.get(key);
    await ground.tell(
      'CREATE DATABASE app',
      'RENAME TABLE shop.log TO app.log',
      'RENAME TABLE shop.sums TO app.sums',
    );
    await ground.tell('CREATE TABLE shop.log AS app.log', 'CREATE TABLE shop.sums AS app.sums');
    await ground.remove(key);
    try {
      const restored = await ground.restore({ target, tables: ['shop.log', 'shop.sums'] });
      expect(restored.status).toBe('failed');
      const log = await count('shop.log');
      expect(restored.report?.left.map(({ statement }) => statement)).toEqual(
        log === 0 ? [] : ['TRUNCATE TABLE `shop`.`log`'],
      );
      expect(await count('shop.sums')).toBe(0);
    } finally {
      await ground.put(key, content);
      await ground.tell('DROP TABLE shop.log SYNC', 'DROP TABLE shop.sums SYNC');
      await ground.tell('RENAME TABLE app.log TO shop.log', 'RENAME TABLE app.sums TO shop.sums');
      await drop('app');
    }
  });

  it('drops nothing that ClickHouse has restored whole, though nobody could compare it', async () => {
    const { target } = known();
    const restored = await ground.restore(
      { target, databases: ['shop'], as: { shop: 'whole' } },
      {
        'before compare': () =>
          Promise.reject(new SafehouseError('Refused', { what: 'No.', remedy: 'Ask.' })),
      },
    );
    expect(restored).toMatchObject({
      status: 'failed',
      report: { outcome: 'failed', isWhole: true, dropped: [] },
    });
    expect(restored.cause).toContain('What ClickHouse restored is in place');
    expect(await count('whole.orders')).toBe(2500);
    await drop('whole');
  });

  it('keeps retention away from its chain, and lets go of it at the end', async () => {
    const target = ground.addTarget({
      databases: ['shop'],
      retention: { last: 1, minimum: 1, graceDays: 1, maxShare: 1 },
    });
    const full = await ground.backUp(target);
    const incremental = await ground.backUp(target, 'incremental');
    const newest = await ground.backUp(target);
    const pinned: string[][] = [];
    const restored = await ground.restore(
      { target, backup: incremental.id, databases: ['shop'], as: { shop: 'pinned' } },
      {
        'before submit': async () => {
          for (const { id } of [full, incremental])
            pinned.push((await readPins(ground.around.bucket, target, id)).map(({ holder }) => holder));
          await retain(target);
        },
      },
    );
    for (const holders of pinned) expect(holders).toContain(restored.plan?.restore);
    expect(pinned).toHaveLength(2);
    expect(restored.status).toBe('succeeded');
    for (const { id } of [full, incremental, newest])
      expect(await ground.keys(ledgerKey(target, id, 'expiring'))).toEqual([]);
    expect(await readPins(ground.around.bucket, target, incremental.id)).toEqual([]);
    // Nothing but the pin has kept it.
    await retain(target);
    expect(await ground.keys(ledgerKey(target, incremental.id, 'expiring'))).toHaveLength(1);
    await drop('pinned');
  });
});

describe('a drill', { timeout: 60_000 }, () => {
  it('restores, reads every byte, compares, and leaves nothing', async () => {
    const { target } = known();
    const before = await ground.databases();
    const restored = await ground.restore({ target, drill: true });
    expect(restored).toMatchObject({
      status: 'succeeded',
      report: { outcome: 'restored', drill: true, swap: [] },
    });
    expect(comparisons(restored)).not.toEqual({});
    expect(restored.report?.tables.some(({ checked }) => checked)).toBe(true);
    expect(restored.report?.dropped.map(({ database }) => database)).toEqual(
      restored.plan?.databases.map(({ to }) => to),
    );
    expect(await ground.databases()).toEqual(before);
  });

  it('is told when what it restored is not what was backed up, and drops it all the same', async () => {
    const { target } = known();
    const before = await ground.databases();
    const restored = await ground.restore(
      { target, databases: ['shop'], drill: true },
      {
        'before compare': async () => {
          const [scratch] = (await ground.databases()).filter((name) => name.startsWith('safehouse_drill_'));
          await ground.tell(`TRUNCATE TABLE ${quoteIdentifier(scratch ?? '')}.log`);
        },
      },
    );
    expect(restored).toMatchObject({ status: 'failed', error: 'RestoreDiffers' });
    expect(await ground.databases()).toEqual(before);
    expect(ground.around.told.map(({ subject }) => subject)).toEqual([
      expect.stringContaining('The drill of'),
    ]);
  });
});

describe('a drill with nothing to judge', { timeout: 60_000 }, () => {
  it('does not pass for one that compared something', async () => {
    await ground.tell('CREATE DATABASE views', 'CREATE VIEW views.one AS SELECT 1');
    const target = ground.addTarget({ databases: ['views'] });
    const { id } = await ground.backUp(target);
    const before = await ground.databases();
    const restored = await ground.restore({ target, backup: id, drill: true });
    expect(restored).toMatchObject({
      status: 'failed',
      error: 'NothingCompared',
      report: { outcome: 'failed' },
    });
    expect(await ground.databases()).toEqual(before);
    await drop('views');
  });

  it('has enough in what it has read to the last byte, although nobody has counted it before', async () => {
    const target = ground.addTarget({ databases: ['shop'] });
    const { id } = await ground.lend(known().full, target);
    expect(await ground.restore({ target, backup: id, drill: true })).toMatchObject({ status: 'succeeded' });
  });
});

describe('what is asked for', { timeout: 60_000 }, () => {
  it.each([
    [{}, 'InvalidInput', 'target'],
    [{ target: 'nobody' }, 'InvalidConfiguration', 'nobody'],
    [{ databases: ['shopp'] }, 'InvalidInput', 'the database "shopp"'],
    [{ tables: ['shop.ordrs'] }, 'InvalidInput', 'the table "shop.ordrs"'],
    [{ backup: '20260402T020000Z-full-k3f9' }, 'BackupNotChosen', 'has no backup'],
    [{ at: '2020-01-01T00:00:00Z' }, 'BackupNotChosen', 'that began at 2020-01-01T00:00:00Z or before'],
    [{ tables: ['shop.orders'], mode: 'new' }, 'InvalidInput', 'whole databases'],
    [{ databases: ['system'] }, 'InvalidInput', 'belongs to ClickHouse itself'],
  ])('is refused at once when it cannot be: %j', async (input, error, said) => {
    const { target } = known();
    const given = Object.keys(input).length === 0 ? input : { target, ...input };
    const refused = await ground.restore(given);
    expect(refused).toMatchObject({ status: 'failed', error });
    expect(refused.cause).toContain(said);
  });

  it('is shown by an example where it is not understood', async () => {
    const refused = await ground.restore({ tabels: ['shop.orders'] });
    expect(refused.cause).toContain('For example: { "target": "events" }');
  });
});
