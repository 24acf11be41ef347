import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { record, recordProvenAgain } from '../../../clients/ledger.ts';
import { makeBackupId } from '../../../core/backup-id.ts';
import { backupPrefix, ledgerKey, MANIFEST, restoreReportKey } from '../../../core/keys.ts';
import { call } from '../call.ts';
import {
  BUFFER_TABLE,
  EVENTS_TABLE,
  FINDING,
  HOUR,
  makeFailed,
  makeProof,
  makeProven,
  makeStarted,
  makeVerified,
  openTestHouse,
  PROOF,
  type TestHouse,
} from '../house.ts';
import { makeRestore, planOf, reportOf } from '../restores.ts';

let house: TestHouse;
const now = Math.floor(Date.now() / 1000) * 1000;
const FULL = makeBackupId(now - 50 * HOUR, 'full', 'k3f9');
const INCREMENTAL = makeBackupId(now - 26 * HOUR, 'incremental', 'a001');
const FAILED = makeBackupId(now - 2 * HOUR, 'incremental', 'f00d');
const HOSTILE = makeBackupId(now - 3 * HOUR, 'full', 'evil');
const ORPHAN = makeBackupId(now - 4 * HOUR, 'incremental', 'orph');
const LOST = makeBackupId(now - 70 * HOUR, 'full', 'lost');
const HALF = makeBackupId(now - 5 * HOUR, 'full', 'half');
const PROVEN = makeBackupId(now - 90 * HOUR, 'full', 'prvn');
const REFUTED = makeBackupId(now - 80 * HOUR, 'full', 'rfut');
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
  await makeVerified(bucket, PROVEN, { target: 'proofs' });
  await makeProven(bucket, PROVEN, { target: 'proofs', level: 'counts', engine: '26.7.1.1' });
  await recordProvenAgain(bucket, 'proofs', PROVEN, {
    ...PROOF,
    anomalies: ['the rows of shop.events fell from 9 to 2, by 78 %'],
  });
  await makeVerified(bucket, REFUTED, { target: 'proofs' });
  await makeProof(bucket, REFUTED, {
    target: 'proofs',
    proof: 'night',
    read: { 0: { findings: [FINDING], found: 1 } },
  });
  await record(bucket, 'proofs', REFUTED, 'failed', {
    by: 'arn:aws:states:eu-central-1:1:execution:Prove:night',
    class: 'new attempt',
    step: 'prove',
    error: 'ProofRefuted',
    what: 'It is damaged.',
    remedy: 'Do not restore from it.',
    final: true,
  });
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

it('prints the evidence of the newest proof', async () => {
  const { exitCode, stdout } = await show(PROVEN);
  expect(exitCode).toBe(0);
  const text = stdout.replace(/\s+/g, ' ');
  expect(text).toContain(`${PROVEN} proven`);
  expect(text).toContain('ago, the newest of 2 Level bytes: every byte was read back');
  expect(text).toContain('Engine ClickHouse 26.7.2.1, which did not write it');
  expect(text).toContain(
    'Self-test saw each of 8 kinds of damage in a control backup, and none in the good one',
  );
  expect(text).toContain('Assertions 1 of 1 hold SELECT count() > 0 FROM events in shop: 1');
  expect(text).toContain('Anomaly the rows of shop.events fell from 9 to 2, by 78 %');
  expect(text).toContain('Cost 42.1 GB read in 3 items, 2 min of functions, $0.0071');
  expect(text).toContain(`SHA-256 ${'f'.repeat(64)}`);
  expect(stdout).toMatch(/^ {2}shop\.events +checked +1,234,567 +3 +42\.0 GB +8f3a11c0d2e4b596$/m);
  expect(stdout).toMatch(/^ {2}shop\.buffer +definition$/m);
  for (const line of stdout.split('\n').filter((each) => !each.startsWith('RESTORE')))
    expect(line.length).toBeLessThanOrEqual(80);
});

it('gives scripts the newest proof, and how many there are', async () => {
  const { json } = await show(PROVEN, '--json');
  expect(json).toMatchObject({
    backup: { state: 'proven', provenAt: expect.any(String) },
    proofs: 2,
    findings: [],
    evidence: { proven: { level: 'bytes', engine: '26.7.2.1', manifestSha256: 'f'.repeat(64) } },
  });
});

it('says of a backup that is merely verified that it is not proven', async () => {
  const { stdout, json } = { ...(await show(FULL)), json: (await show(FULL, '--json')).json };
  expect(stdout.replace(/\s+/g, ' ')).toContain(
    'Proven not yet: only the sizes of its objects were compared',
  );
  expect(json).toMatchObject({
    proofs: 0,
    evidence: expect.not.objectContaining({ proven: expect.anything() }),
  });
});

it('names what a proof found in a backup that it refuted', async () => {
  const { stdout } = await show(REFUTED);
  expect(stdout).toContain('Failed: It is damaged.');
  expect(stdout).toContain('Findings  1');
  expect(stdout).toContain('  shop.events, part all_1_1_0, file data.bin\n');
  expect(stdout.replace(/\s+/g, ' ')).toContain(FINDING.what);
  expect((await show(REFUTED, '--json')).json).toMatchObject({ findings: [FINDING] });
});

it('shows a backup whose proof cannot be read, and does not call it unproven', async () => {
  const id = makeBackupId(now - 85 * HOUR, 'full', 'grbl');
  await makeVerified(house.bucket, id, { target: 'proofs' });
  await put(ledgerKey('proofs', id, 'proven'), '{"version": 9}');
  const { exitCode, stdout } = await show(id);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('proven.json');
  expect(stdout).not.toContain('not yet');
  expect((await show(id, '--json')).json).toMatchObject({ proofs: null });
});

it('lists the restores of a backup that have ended, and leaves out what was only looked at', async () => {
  const { bucket } = house;
  const id = makeBackupId(now - 60 * HOUR, 'full', 'back');
  await makeVerified(bucket, id, { target: 'restored' });
  const made = [
    { hours: 9, outcome: 'failed' },
    { hours: 5, outcome: 'restored', drill: true },
    { hours: 3, outcome: 'dry run' },
    { hours: 2, outcome: 'different', to: 'mes' },
  ] as const;
  const plans = made.map(({ hours, outcome, ...over }) => {
    const at = new Date(now - hours * HOUR).toISOString();
    const plan = planOf(id, { target: 'restored', to: 'restored', at, execution: outcome, ...over });
    return { plan, report: reportOf(plan, { at, outcome }) };
  });
  for (const each of plans) await makeRestore(bucket, each);
  const { exitCode, stdout } = await show(id);
  expect(exitCode).toBe(0);
  const restores = plans.map(({ plan }) => plan.restore);
  expect(stdout).toContain('\nRestored  3 times\n');
  expect(stdout).toMatch(new RegExp(`^ {2}${restores[0]} +9 h 0 min ago +restored, new +failed$`, 'm'));
  expect(stdout).toMatch(new RegExp(`^ {2}${restores[1]} +5 h 0 min ago +restored, drill +restored$`, 'm'));
  expect(stdout).toMatch(new RegExp(`^ {2}${restores[3]} +2 h 0 min ago +mes, new +DIFFERENT$`, 'm'));
  expect(stdout).not.toContain(restores[2]);
  for (const line of stdout.split('\n').filter((each) => !each.startsWith('RESTORE')))
    expect(line.length).toBeLessThanOrEqual(80);
  expect((await show(id, '--json')).json).toMatchObject({
    restores: [
      { restore: restores[0], outcome: 'failed', to: 'restored', mode: 'new', drill: false, seconds: 300 },
      { restore: restores[1], drill: true },
      { restore: restores[3], outcome: 'different', to: 'mes' },
    ],
  });
});

it('shows a backup of which a report cannot be read, and says so', async () => {
  const id = makeBackupId(now - 61 * HOUR, 'full', 'torn');
  await makeVerified(house.bucket, id, { target: 'torn' });
  const whole = planOf(id, { target: 'torn', to: 'torn', execution: 'whole' });
  await makeRestore(house.bucket, { plan: whole, report: reportOf(whole) });
  const { restore } = planOf(id);
  await put(restoreReportKey('torn', id, restore), '{');
  const { exitCode, stdout } = await show(id);
  expect(exitCode).toBe(0);
  expect(stdout.replace(/\s+/g, '')).toContain(`restore@${restore}.jsoninsafehouseisnotwhat`);
  expect(stdout).toContain(`  ${whole.restore}  `);
});
