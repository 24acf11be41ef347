/** A backup of twenty thousand objects: more than twenty pages of every listing. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bucket, listObjects } from '../../clients/bucket.ts';
import { readLedger, requireEvidence } from '../../clients/ledger.ts';
import { backupPrefix } from '../../core/keys.ts';
import { all } from '../support/failures.ts';
import { write } from '../support/ledger.ts';
import { engineWith } from './engine.ts';
import { type Installed, install } from './installed.ts';
import { makeBucket, sessionWith } from './served-s3.ts';

const PARTS = 100;
const COLUMNS = 200;
/** The values of a column of a wide part are an object each; their marks, which are all equal, are one object together. */
const FEWEST = PARTS * COLUMNS;

let bucket: Bucket;
let installed: Installed;
let id: string;

beforeAll(async () => {
  bucket = await makeBucket();
  installed = await install(bucket);
  const server = await engineWith(await sessionWith(installed.deployed.writer));
  installed.setServer('many', server.url);
  const columns = Array.from({ length: COLUMNS }, (_, index) => `c${index} UInt64 DEFAULT rand64(${index})`);
  await server.tell(
    'CREATE DATABASE many',
    `CREATE TABLE many.wide (part UInt16, ${columns.join(', ')}) ENGINE = MergeTree PARTITION BY part ORDER BY tuple() SETTINGS min_bytes_for_wide_part = 0`,
    `INSERT INTO many.wide (part) SELECT number FROM numbers(${PARTS}) SETTINGS max_partitions_per_insert_block = 0`,
  );
});
afterAll(() => installed.close());

test('is listed to its end and verified', async () => {
  expect(await installed.run('backup', { target: 'many' })).toMatchObject({
    status: 'succeeded',
    cause: null,
  });
  id = (await readLedger(bucket, 'many')).entries[0]?.id ?? '';
  const { objects } = await requireEvidence(bucket, 'many', id, 'verified');
  expect(objects).toBeGreaterThan(FEWEST);
  expect(await all(listObjects(bucket, backupPrefix('many', id)))).toHaveLength(objects);
});

test('is removed to its end', async () => {
  await write(bucket, 'many', id, 'expiring', { removeAfter: '2026-01-01T00:00:00.000Z' });
  const removal = {
    remove: [{ id, reason: 'its grace ended' }],
    removed: [],
    marked: 0,
    kept: 0,
    done: false,
  };
  const { objects } = await requireEvidence(bucket, 'many', id, 'verified');
  expect(
    await installed.call('retention/remove', { execution: 'removal', target: 'many', ...removal }),
  ).toMatchObject({ done: true, removed: [{ id, objects }] });
  expect(await all(listObjects(bucket, backupPrefix('many', id)))).toEqual([]);
});
