import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { record } from '../../../clients/ledger.ts';
import { makeBackupId } from '../../../core/backup-id.ts';
import { ledgerKey } from '../../../core/keys.ts';
import type { State } from '../../../core/ledger.ts';
import { call } from '../call.ts';
import {
  HOUR,
  makeFailed,
  makeProven,
  makeStarted,
  makeVerified,
  openTestHouse,
  shopTarget,
  type TestHouse,
} from '../house.ts';

let house: TestHouse;
const now = Math.floor(Date.now() / 1000) * 1000;
const FULL = makeBackupId(now - 50 * HOUR, 'full', 'k3f9');
const INCREMENTAL = makeBackupId(now - 26 * HOUR, 'incremental', 'a001');
const REMOVED = makeBackupId(now - 90 * HOUR, 'full', 'gone');
const FAILED = makeBackupId(now - 2 * HOUR, 'incremental', 'f00d');
const RUNNING = makeBackupId(now - 60_000, 'full', 'run1');
const OTHER = makeBackupId(now - 3 * HOUR, 'full', 'othr');
const PROVEN = makeBackupId(now - 30 * HOUR, 'full', 'prvn');
const MERELY = makeBackupId(now - 6 * HOUR, 'full', 'mere');
const GARBLED = makeBackupId(now - 4 * HOUR, 'full', 'garb');
const targets = {
  shop: shopTarget(),
  mes: shopTarget(),
  crowd: shopTarget(),
  broken: shopTarget(),
  empty: shopTarget(),
  proofs: shopTarget(),
};

const list = (...typed: string[]) =>
  call(['list', ...typed], { open: async () => house.installation({ targets }), now, columns: 80 });

const put = (target: string, id: string, state: State, body = '{}') =>
  house.bucket.client.send(
    new PutObjectCommand({ Bucket: house.bucket.name, Key: ledgerKey(target, id, state), Body: body }),
  );

beforeAll(async () => {
  house = await openTestHouse();
  const { bucket } = house;
  await makeVerified(bucket, FULL);
  await makeVerified(bucket, INCREMENTAL, { base: FULL, bytes: 900_000_000 });
  await makeVerified(bucket, REMOVED);
  await record(bucket, 'shop', REMOVED, 'removed', { by: 'e', reason: 'old', objects: 1, bytes: 1 });
  await makeFailed(bucket, FAILED);
  await makeStarted(bucket, RUNNING);
  await makeVerified(bucket, OTHER, { target: 'mes' });
  await makeVerified(bucket, PROVEN, { target: 'proofs' });
  await makeProven(bucket, PROVEN, { target: 'proofs' });
  await makeVerified(bucket, MERELY, { target: 'proofs' });
  await put('broken', GARBLED, 'verified', '{"version": 9');
  await put('broken', GARBLED, 'started', '{}');
});
afterAll(() => house.stop());

it('gives scripts the promised document and nothing else', async () => {
  const { exitCode, json, stderr } = await list('shop', '--json');
  expect(exitCode).toBe(0);
  expect(stderr).toBe('');
  const iso = (milliseconds: number): string => new Date(milliseconds).toISOString().replace('.000Z', 'Z');
  expect(json).toEqual({
    backups: [
      {
        id: FULL,
        target: 'shop',
        kind: 'full',
        base: null,
        state: 'verified',
        startedAt: iso(now - 50 * HOUR),
        finishedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        provenAt: null,
        files: 1234,
        objects: 987,
        bytes: 42_100_000_000,
        tables: 2,
      },
      expect.objectContaining({ id: INCREMENTAL, kind: 'incremental', base: FULL, bytes: 900_000_000 }),
      expect.objectContaining({
        id: FAILED,
        state: 'failed',
        finishedAt: expect.any(String),
        bytes: null,
        objects: null,
        files: null,
        tables: 2,
      }),
      expect.objectContaining({ id: RUNNING, state: 'started', finishedAt: null, bytes: null }),
    ],
  });
});

it('shows the states, and which full backup an incremental stands on, within 80 columns', async () => {
  const { stdout } = await list();
  const lines = stdout.split('\n');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  expect(lines.find((line) => line.startsWith(INCREMENTAL))).toMatch(
    /shop +verified +1 d 2 h +900\.0 MB +k3f9$/,
  );
  expect(lines.find((line) => line.startsWith(FAILED))).toMatch(/shop +failed/);
  expect(lines.find((line) => line.startsWith(OTHER))).toMatch(/mes +verified/);
  expect(stdout).not.toContain(REMOVED);
  expect(stdout).toContain('the newest began 1 min ago');
});

it('tells what is proven from what is merely verified', async () => {
  const { stdout } = await list('proofs');
  expect(stdout).toMatch(new RegExp(`^${PROVEN} +proven `, 'm'));
  expect(stdout).toMatch(new RegExp(`^${MERELY} +verified `, 'm'));
  expect(stdout.replace(/\s+/g, ' ')).toContain('1 of 2 good ones is proven, the rest only verified.');
  const { json } = await list('proofs', '--json');
  expect(json).toMatchObject({
    backups: [
      { id: PROVEN, state: 'proven', provenAt: expect.stringMatching(/^\d{4}-.*Z$/) },
      { id: MERELY, state: 'verified', provenAt: null },
    ],
  });
});

it('shows what was removed when it is asked to', async () => {
  const { stdout } = await list('shop', '--all');
  expect(stdout).toMatch(new RegExp(`^${REMOVED} +removed`, 'm'));
});

it('shows the newest when a limit is set, and says so', async () => {
  const { stdout } = await list('shop', '--limit', '2');
  expect(stdout).not.toContain(INCREMENTAL);
  expect(stdout).toContain(FAILED);
  expect(stdout).toContain(RUNNING);
  expect(stdout).toContain('The newest 2 of 4 backups');
});

it.each(['0', '-1', '1.5', 'ten', '1e9999'])('refuses the limit %s', async (limit) => {
  const { exitCode, stderr } = await list(`--limit=${limit}`);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('whole number');
});

it('says that there is none', async () => {
  const { exitCode, stdout } = await list('empty');
  expect(exitCode).toBe(0);
  expect(stdout).toBe('There is no backup yet on the test.\n');
});

it('lists a backup whose evidence cannot be read, and says which it is', async () => {
  const { exitCode, json, stderr } = await list('broken', '--json');
  expect(exitCode).toBe(0);
  expect(json).toMatchObject({ backups: [{ id: GARBLED, state: 'verified', bytes: null, tables: null }] });
  expect(stderr).toContain(ledgerKey('broken', GARBLED, 'verified'));
});

it('names an unknown target and the nearest one, with exit code 3', async () => {
  const { exitCode, stderr, stdout } = await list('shp');
  expect(exitCode).toBe(3);
  expect(stdout).toBe('');
  expect(stderr).toContain('There is no target "shp" (did you mean "shop"?).');
});

it('opens the evidence only of what it shows', async () => {
  const ids = Array.from({ length: 300 }, (_, index) =>
    makeBackupId(now - (400 - index) * HOUR, 'full', 'crwd'),
  );
  for (let from = 0; from < ids.length; from += 50)
    await Promise.all(ids.slice(from, from + 50).map((id) => put('crowd', id, 'started', '{}')));
  // Nothing of this evidence can be read, so each object that is opened is counted.
  const { stderr, stdout } = await list('crowd');
  expect(stderr.match(/started\.json/g)).toHaveLength(3);
  expect(stderr).toContain('Not readable: 97 more.');
  expect(stdout).toContain('The newest 100 of 300 backups');
});
