import { expect, it } from 'vitest';
import { RestoreGround } from './restore-ground.ts';

const ground = new RestoreGround();

it('of an incremental backup reads a definition that has grown since the full one', {
  timeout: 60_000,
}, async () => {
  const target = ground.addTarget({ databases: ['grown'] });
  await ground.tell(
    'CREATE DATABASE grown',
    "CREATE TABLE grown.orders (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS storage_policy = 'default'",
    "CREATE TABLE grown.same (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS storage_policy = 'default'",
  );
  await ground.backUp(target);
  await ground.tell('ALTER TABLE grown.orders MODIFY SETTING merge_with_ttl_timeout = 5');
  const incremental = await ground.backUp(target, 'incremental');
  const manifest = await ground.manifest(incremental);
  const definition = manifest.find(({ name }) => name === 'metadata/grown/orders.sql');
  // Its beginning lies in the base, and its end in the backup itself.
  expect(definition).toMatchObject({ baseSize: expect.any(Number), dataFile: expect.any(String) });
  expect(definition?.baseSize).toBeGreaterThan(0);

  const { plan } = await ground.restore({ target, backup: incremental.id, dryRun: true });
  expect(plan?.tables.map(({ name, definition: read }) => [name, read?.storagePolicy])).toEqual([
    ['orders', 'default'],
    ['same', 'default'],
  ]);
});
