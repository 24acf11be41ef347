/** Each function does its work with what its own role may in the bucket: here whole workflows go their way. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bucket } from '../../clients/bucket.ts';
import { readLedger, requireEvidence } from '../../clients/ledger.ts';
import { backupPrefix } from '../../core/keys.ts';
import { readerPolicy } from '../../core/reader-policy.ts';
import { versionsIn } from './bucket-removal.ts';
import { engineWith, type KeyedEngine, makeShop } from './engine.ts';
import { endGrace } from './grace.ts';
import { type Installed, install } from './installed.ts';
import { makeBucket, owner, sessionWith } from './served-s3.ts';

let bucket: Bucket;
let installed: Installed;
let server: KeyedEngine;
let standby: KeyedEngine;

beforeAll(async () => {
  bucket = await makeBucket({ versioned: true });
  installed = await install(bucket);
  server = await engineWith(await sessionWith(installed.deployed.writer));
  standby = await engineWith(await sessionWith(readerPolicy(`arn:aws:s3:::${bucket.name}`)));
  installed.setServer('shop', server.url);
  installed.setServer('standby', standby.url);
  await makeShop(server);
});
afterAll(() => installed.close());

const entries = async (target = 'shop') => (await readLedger(bucket, target)).entries;
const GOOD = ['proven', 'started', 'verified', 'written'];
const statesOf = async (target: string): Promise<[string, string[]][]> =>
  (await entries(target)).map(({ kind, states }) => [kind, Object.keys(states).sort()]);

async function countVersions(prefix: string): Promise<number> {
  let count = 0;
  for await (const _ of versionsIn(owner, bucket.name, prefix)) count += 1;
  return count;
}

test('a full backup is made, verified and proven', async () => {
  const history = await installed.run('backup', { target: 'shop' });
  expect(history).toMatchObject({ status: 'succeeded', cause: null });
  expect(await statesOf('shop')).toEqual([['full', GOOD]]);
});

test('an incremental backup is made on it, verified and proven', async () => {
  await server.tell('INSERT INTO shop.orders SELECT number, now(), toString(number) FROM numbers(50)');
  const history = await installed.run('backup', { target: 'shop', kind: 'incremental' });
  expect(history).toMatchObject({ status: 'succeeded', cause: null });
  expect(await statesOf('shop')).toEqual([
    ['full', GOOD],
    ['incremental', GOOD],
  ]);
});

test('ClickHouse with the reader policy restores it on another server', async () => {
  const history = await installed.run('restore', { target: 'shop', to: 'standby', mode: 'asIs' });
  expect(history).toMatchObject({ status: 'succeeded', cause: null });
  expect(await standby.ask('SELECT toUInt32(count()) AS rows FROM shop.orders')).toEqual([{ rows: 3050 }]);
  const { restore } = history.output as { restore: string };
  const cancelled = await installed.run('cancelRestore', { target: 'standby', restore });
  expect(cancelled).toMatchObject({ status: 'succeeded', output: { ended: 'restored' } });
});

test('a restore that its preflight refuses is ended in order', async () => {
  const history = await installed.run('restore', { target: 'shop', to: 'standby', mode: 'asIs' });
  expect(history).toMatchObject({ status: 'failed', error: 'PreflightRefused' });
  expect(history.cause).toContain('shop.orders');
});

test('retention removes what no rule keeps, and of it no version and no delete marker is left', async () => {
  expect(await installed.run('backup', { target: 'shop' })).toMatchObject({
    status: 'succeeded',
    cause: null,
  });
  // The full backup stays, as the incremental one still stands on it.
  const [, doomed = '', newest = ''] = (await entries()).map(({ id }) => id);
  expect(await countVersions(`${backupPrefix('shop', doomed)}.backup`)).toBe(1);
  await endGrace(bucket, 'shop', doomed);

  const history = await installed.run('retention', { target: 'shop' });

  expect(history).toMatchObject({ status: 'succeeded', output: { removed: [{ id: doomed }] } });
  expect(await requireEvidence(bucket, 'shop', doomed, 'removed')).toHaveProperty('objects');
  expect(await countVersions(backupPrefix('shop', doomed))).toBe(0);
  expect(await countVersions(`${backupPrefix('shop', newest)}.backup`)).toBe(1);
});

test('a failure is recorded in the ledger, and a person is told of it', async () => {
  const history = await installed.run('backup', { target: 'unreachable' });
  expect(history.status).toBe('failed');
  expect(installed.messages().at(-1)?.subject).toContain('unreachable');
});

test.each([
  ['retention', { target: 'nobody' }],
  ['prove', { target: 'shop', backup: '20260402T020000Z-full-k3f9' }],
  ['doctor', { target: 'unreachable', scheduled: true }],
] as const)('a failure of %s is told', async (workflow, input) => {
  const before = installed.messages().length;
  expect((await installed.run(workflow, input)).status).toBe('failed');
  expect(installed.messages().slice(before)).toHaveLength(1);
});

test('an examination tries the whole way with the real roles, and finds it good', async () => {
  const history = await installed.run('doctor', { target: 'shop', scheduled: true });
  expect(history).toMatchObject({ status: 'succeeded', output: { outcome: 'examined' } });
  const { examinations } = history.output as { examinations: { check: string; result: string }[] };
  expect(examinations.map(({ check, result }) => `${check}: ${result}`)).toEqual([
    'connection: good',
    'version: good',
    'databases: good',
    'grants: good',
    'bucket: good',
  ]);
});

test('the walks through the ledger find what they look for', async () => {
  expect(await installed.call('prove/walk', {})).toMatchObject({ started: [] });
  expect(await installed.call('restore/sweep', {})).toEqual({ started: [] });
  expect(await installed.call('watch/publish-ages', {})).toMatchObject({ unreadable: [] });
});

test('every function that may anything in the bucket has done its work above', () => {
  const idle = new Set(
    installed.deployed.functions.map(({ step }) => step).filter((step) => !installed.succeeded.has(step)),
  );
  // It asks ClickHouse, and has no rights in the bucket.
  expect([...idle]).toEqual(['backup/check-before']);
  for (const step of idle) expect(installed.sessions.has(step)).toBe(false);
});
