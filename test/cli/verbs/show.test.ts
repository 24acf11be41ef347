import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { record } from '../../../clients/ledger.ts';
import { makeBackupId } from '../../../core/backup-id.ts';
import { backupPrefix, ledgerKey, MANIFEST } from '../../../core/keys.ts';
import { call } from '../call.ts';
import {
  BUFFER_TABLE,
  EVENTS_TABLE,
  HOUR,
  makeFailed,
  makeStarted,
  makeVerified,
  openTestHouse,
  type TestHouse,
} from '../house.ts';

let house: TestHouse;
const now = Math.floor(Date.now() / 1000) * 1000;
const FULL = makeBackupId(now - 50 * HOUR, 'full', 'k3f9');
const INCREMENTAL = makeBackupId(now - 26 * HOUR, 'incremental', 'a001');
const FAILED = makeBackupId(now - 2 * HOUR, 'incremental', 'f00d');
const HOSTILE = makeBackupId(now - 3 * HOUR, 'full', 'evil');
const ORPHAN = makeBackupId(now - 4 * HOUR, 'incremental', 'orph');
const LOST = makeBackupId(now - 70 * HOUR, 'full', 'lost');
const HALF = makeBackupId(now - 5 * HOUR, 'full', 'half');
const MANY_TABLES = Array.from(
  { length: 60 },
  (_, index) => `TABLE \`shop\`.\`events number ${index}\``,
).join(', ');

/** Clears the screen, sets the title, rings, sets a colour in one character, turns the direction, hides a tag. */
const HOSTILE_NAME = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202egnp\u{e0001}';

const show = (...typed: string[]) =>
  call(['show', ...typed], { open: async () => house.installation(), now, columns: 80 });

const put = (key: string, body: string) =>
  house.bucket.client.send(new PutObjectCommand({ Bucket: house.bucket.name, Key: key, Body: body }));

beforeAll(async () => {
  house = await openTestHouse();
  const { bucket } = house;
  await makeVerified(bucket, FULL, { restore: `RESTORE ${MANY_TABLES} FROM S3('https://b/x')` });
  await put(`${backupPrefix('shop', FULL)}${MANIFEST}`, '<manifest>');
  await makeVerified(bucket, INCREMENTAL, { base: FULL });
  await put(`${backupPrefix('shop', INCREMENTAL)}${MANIFEST}`, '<manifest>');
  await makeFailed(bucket, FAILED);
  await makeVerified(bucket, HOSTILE, {
    target: 'hostile',
    tables: [
      {
        database: 'shop',
        name: HOSTILE_NAME,
        engine: 'MergeTree\r\n',
        coverage: 'data',
      },
      { database: '訂單', name: 'x'.repeat(200), engine: 'MergeTree', coverage: 'data' },
    ],
  });
  await makeVerified(bucket, LOST, { target: 'orphans' });
  await record(bucket, 'orphans', LOST, 'removed', { by: 'e', reason: 'old', objects: 12, bytes: 1e9 });
  await makeVerified(bucket, ORPHAN, { target: 'orphans', base: LOST });
  await makeStarted(bucket, HALF, { target: 'half' });
  await put(ledgerKey('half', HALF, 'written'), 'garbled');
});
afterAll(() => house.stop());

it('tells the whole of a backup to scripts', async () => {
  const { exitCode, json } = await show(FULL, '--json');
  expect(exitCode).toBe(0);
  expect(json).toMatchObject({
    backup: { id: FULL, target: 'shop', state: 'verified', tables: 2, bytes: 42_100_000_000 },
    kept: false,
    isGone: false,
    clickhouse: { version: '26.3.1.1', host: 'clickhouse-0' },
    tables: [
      { ...EVENTS_TABLE, files: 617, bytes: 21_050_000_000 },
      { ...BUFFER_TABLE, files: 617 },
    ],
    chain: { base: null, dependents: [INCREMENTAL] },
    settings: { backup_restore_s3_retry_attempts: 20 },
    logicalBytes: 84_200_000_000,
    restore: `RESTORE ${MANY_TABLES} FROM S3('https://b/x')`,
    states: { started: expect.any(String), written: expect.any(String), verified: expect.any(String) },
    evidence: { started: { id: FULL }, written: { id: FULL }, verified: { id: FULL } },
  });
});

it('prints the RESTORE statement whole, on one line, to be copied', async () => {
  const { stdout } = await show(FULL);
  expect(stdout.split('\n')).toContain(`RESTORE ${MANY_TABLES} FROM S3('https://b/x')`);
});

it('puts the tables that are saved without data first, and keeps within 80 columns', async () => {
  const { stdout } = await show(INCREMENTAL);
  const lines = stdout.split('\n');
  expect(stdout).toContain('1 of them saved without its data');
  expect(lines.findIndex((line) => line.includes('shop.buffer'))).toBeLessThan(
    lines.findIndex((line) => line.includes('shop.events')),
  );
  expect(stdout).toContain(`Stands on   ${FULL}`);
  for (const line of lines.filter((each) => !each.startsWith('RESTORE')))
    expect(line.length).toBeLessThanOrEqual(80);
});

it('says with the latest good backup that a later one failed', async () => {
  const { stdout } = await show('shop/latest');
  expect(stdout).toContain(INCREMENTAL);
  expect(stdout.replace(/\s+/g, ' ')).toContain(`1 backup of this target failed or did not end: ${FAILED}`);
  expect((await show(FULL)).stdout).not.toContain('did not end');
});

it('tells why a backup failed, what to do, and where that is described', async () => {
  const { exitCode, stdout } = await show(FAILED);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Failed: S3 refused the writer: 403 on .lock.');
  expect(stdout).toContain('To do:  Attach the writer policy');
  expect(stdout).toContain('docs/runbook.md#clickhouse-cannot-use-the-bucket');
});

it('lets nothing of a hostile name act on the terminal', async () => {
  const { stdout } = await show(HOSTILE);
  expect(stdout).toContain('shop.');
  expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

it('gives scripts a hostile name byte for byte, in JSON that is harmless itself', async () => {
  const { stdout, json } = await show(HOSTILE, '--json');
  expect(json).toMatchObject({ tables: [{ name: HOSTILE_NAME }, { database: '訂單' }] });
  expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

it('says that a verified backup has lost its manifest', async () => {
  const { stdout, json } = { ...(await show(HOSTILE)), json: (await show(HOSTILE, '--json')).json };
  expect(stdout).toContain('Gone: It was verified');
  expect(json).toMatchObject({ isGone: true });
});

it('says that the base of an incremental was removed', async () => {
  expect((await show(ORPHAN)).stdout).toContain('Its base was removed');
});

it('shows what is left to know of a backup that was removed', async () => {
  const { stdout } = await show(LOST);
  expect(stdout).toMatch(/removed {5}.* 12 objects, 1\.0 GB/);
});

it('shows what can be read when a part of the evidence cannot', async () => {
  const { exitCode, stdout } = await show(HALF);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('written.json');
  expect(stdout).toContain('26.3.1.1');
});

it('ends with 3 where there is no such backup', async () => {
  const { exitCode, json } = await show('19990101', '--json');
  expect(exitCode).toBe(3);
  expect(json).toEqual({
    error: { name: 'NotFound', what: 'There is no backup "19990101".', remedy: expect.any(String) },
  });
});
