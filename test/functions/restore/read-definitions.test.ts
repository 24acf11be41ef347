import { expect, it } from 'vitest';
import type { MadeBackup } from '../prove/proving-ground.ts';
import { RestoreGround } from './restore-ground.ts';

const ground = new RestoreGround();

const ORDERS = 'CREATE TABLE grown.orders (id UInt64) ENGINE = MergeTree ORDER BY id';

async function definitionsIn({ target, id }: MadeBackup) {
  const { plan } = await ground.restore({ target, backup: id, dryRun: true });
  return Object.fromEntries((plan?.tables ?? []).map(({ name, definition }) => [name, definition]));
}

it('of an incremental backup reads a definition that has grown since the full one', {
  timeout: 60_000,
}, async () => {
  const target = ground.addTarget({ databases: ['grown'] });
  await ground.tell('CREATE DATABASE grown', `${ORDERS} SETTINGS storage_policy = 'default'`);
  await ground.backUp(target);
  await ground.tell('ALTER TABLE grown.orders MODIFY SETTING merge_with_ttl_timeout = 5');
  const incremental = await ground.backUp(target, 'incremental');
  const manifest = await ground.manifest(incremental);
  const file = manifest.find(({ name }) => name === 'metadata/grown/orders.sql');
  // Its beginning lies in the base, and its end in the backup itself.
  expect(file?.dataFile).toEqual(expect.any(String));
  expect(file?.baseSize).toBeGreaterThan(0);

  expect(await definitionsIn(incremental)).toMatchObject({ orders: { storagePolicy: 'default' } });
});

it('reads what ClickHouse has written', { timeout: 60_000 }, async () => {
  const target = ground.addTarget({ databases: ['written'] });
  await ground.tell(
    'CREATE DATABASE written',
    "CREATE TABLE written.disk (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS disk = 'default'",
    "CREATE TABLE written.moved (id UInt64, at DateTime) ENGINE = MergeTree ORDER BY id TTL at + INTERVAL 1 DAY TO DISK 'default', at + INTERVAL 2 DAY TO VOLUME 'default'",
    "CREATE VIEW written.watch AS SELECT name FROM system.tables WHERE storage_policy = 'hot'",
    'CREATE MATERIALIZED VIEW written.fresh REFRESH EVERY 1 YEAR (id UInt64) ENGINE = MergeTree ORDER BY id EMPTY AS SELECT 1 AS id',
  );
  const definitions = await definitionsIn(await ground.backUp(target));
  // It is left out, because it would begin to refresh.
  expect(definitions).not.toHaveProperty('fresh');
  expect(definitions).toMatchObject({
    disk: { disk: 'default', storagePolicy: null },
    moved: { disks: ['default'], volumes: ['default'] },
    watch: { storagePolicy: null, refreshable: false },
  });
});
