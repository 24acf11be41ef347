import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { readDefinitions } from '../../clients/definitions.ts';
import { backupPrefix } from '../../core/keys.ts';
import { BASE_UUID, headerOf, manifestOf, UUID, type WrittenFile } from '../core/generated-backup.ts';
import { serveBucket } from '../local/bucket/served-bucket.ts';
import { failureOf } from '../support/failures.ts';

const served = serveBucket();
const bucket = () => ({ name: 'safehouse', client: served().s3 });

const FULL = '20260401T020000Z-full-aaaa';
const INCREMENTAL = '20260402T020000Z-incr-bbbb';

let targets = 0;

/** A backup with these files in its manifest, and these objects. */
async function write(
  target: string,
  id: string,
  files: readonly WrittenFile[],
  objects: Readonly<Record<string, string>>,
): Promise<void> {
  const base =
    id === FULL ? '' : `<base_backup>S3('x')</base_backup><base_backup_uuid>${BASE_UUID}</base_backup_uuid>`;
  const manifest = manifestOf({ header: headerOf(id === FULL ? BASE_UUID : UUID, base), files });
  for (const [name, body] of Object.entries({ ...objects, '.backup': manifest }))
    await served().s3.send(
      new PutObjectCommand({ Bucket: 'safehouse', Key: `${backupPrefix(target, id)}${name}`, Body: body }),
    );
}

const newTarget = (): string => {
  targets += 1;
  return `defined-${targets}`;
};

const read = (target: string, base: string | null, ...names: readonly (readonly [string, string])[]) =>
  readDefinitions(
    bucket(),
    target,
    { id: base === null ? FULL : INCREMENTAL, base },
    names.map(([database, name]) => ({ database, name })),
  );

const digest = (text: string): string => text.repeat(32).slice(0, 32);

it('finds definitions by name, under other names, and in the base', async () => {
  const target = newTarget();
  await write(target, FULL, [{ name: 'metadata/shop/old.sql', size: 6, checksum: digest('a') }], {
    'metadata/shop/old.sql': 'in all',
  });
  await write(
    target,
    INCREMENTAL,
    [
      { name: 'metadata/shop.sql', size: 5, checksum: digest('b') },
      { name: 'metadata/shop/here.sql', size: 4, checksum: digest('c') },
      { name: 'metadata/shop/twin.sql', size: 4, checksum: digest('c'), dataFile: 'metadata/shop/here.sql' },
      { name: 'metadata/shop/renamed.sql', size: 6, checksum: digest('a'), useBase: true },
      {
        name: 'metadata/shop/grown.sql',
        size: 11,
        checksum: digest('d'),
        useBase: true,
        baseSize: 6,
        baseChecksum: digest('a'),
      },
    ],
    { 'metadata/shop/here.sql': 'here', 'metadata/shop/grown.sql': ' more' },
  );
  const names = ['here', 'twin', 'renamed', 'grown', 'absent'].map((name) => ['shop', name] as const);
  expect(await read(target, FULL, ...names)).toEqual({
    tables: ['here', 'here', 'in all', 'in all more', undefined],
    databases: new Set(['shop']),
  });
});

it('takes names as ClickHouse writes them, and the first of many replicas', async () => {
  const target = newTarget();
  await write(
    target,
    FULL,
    [
      { name: 'metadata/we%22ird.sql', size: 1, checksum: digest('a') },
      { name: 'shards/1/replicas/1/metadata/we%22ird/o%27dd.sql', size: 5, checksum: digest('b') },
      { name: 'shards/1/replicas/2/metadata/we%22ird/o%27dd.sql', size: 6, checksum: digest('c') },
      { name: 'data/we%22ird/o%27dd/all_1_1_0/data.bin', size: 1, checksum: digest('d') },
    ],
    {
      'shards/1/replicas/1/metadata/we%22ird/o%27dd.sql': 'first',
      'shards/1/replicas/2/metadata/we%22ird/o%27dd.sql': 'second',
    },
  );
  expect(await read(target, null, ['we"ird', "o'dd"])).toEqual({
    tables: ['first'],
    databases: new Set(['we"ird']),
  });
});

it('never takes what is not there for nothing', async () => {
  const target = newTarget();
  await failureOf('IncompleteReading', read(target, null, ['shop', 'orders']));
  const file = { name: 'metadata/shop/orders.sql', size: 5, checksum: digest('a') };
  await write(target, FULL, [file], {});
  await failureOf('IncompleteReading', read(target, null, ['shop', 'orders']));
  await write(target, INCREMENTAL, [{ ...file, checksum: digest('b'), useBase: true }], {});
  const failure = await failureOf('IncompleteReading', read(target, FULL, ['shop', 'orders']));
  expect(failure.what).toContain('the definition of shop.orders in the base of');
});
