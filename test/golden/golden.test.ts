/**
 * What an earlier release has written stays readable, provable and restorable by this one. The bucket is made by `make.ts`, and
 * not made anew because something here fails.
 */
import '../support/function-environment.ts';
import { statSync } from 'node:fs';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { backupStreams } from '../../clients/backup-streams.ts';
import { readEvidence, readLedger } from '../../clients/ledger.ts';
import { readPins } from '../../clients/pins.ts';
import { readProofs } from '../../clients/proofs.ts';
import { planTarget } from '../../clients/retention.ts';
import { parseTarget } from '../../core/config.ts';
import type { Installation } from '../../core/installation.ts';
import { backupPrefix, ledgerKey, pinKey } from '../../core/keys.ts';
import { STATES, stateOf } from '../../core/ledger.ts';
import { ManifestReader } from '../../core/manifest.ts';
import { verifyBackup } from '../../core/verification.ts';
import { call } from '../cli/call.ts';
import { RestoreGround } from '../functions/restore/restore-ground.ts';
import { LEAST } from '../support/targets.ts';
import { GOLDEN, GOLDEN_FILE, readGolden } from './bucket.ts';

const golden = readGolden();
const { full, incremental } = golden;
const SETTINGS = { databases: ['shop', 'odd `name`'], prove: { level: 'bytes' } };
const ground = new RestoreGround();
const TIME = { timeout: 180_000 };

beforeAll(async () => {
  for (const [key, content] of Object.entries(golden.objects))
    await ground.around.bucket.client.send(
      new PutObjectCommand({
        Bucket: ground.around.bucket.name,
        Key: key,
        Body: Buffer.from(content, 'base64'),
      }),
    );
});
beforeEach(() => ground.setTarget(GOLDEN, SETTINGS));

const read = (key: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(golden.objects[key] ?? '', 'base64').toString()) as Record<string, unknown>;

const installation = (): Installation => ({
  title: 'the golden bucket',
  bucketName: ground.around.bucket.name,
  region: 'us-east-1',
  endpoint: process.env['AWS_ENDPOINT_URL_S3'],
  targets: async () => [GOLDEN],
  target: async () => parseTarget({ ...LEAST, ...SETTINGS }, 'the test'),
  start: () => Promise.reject(new Error('nothing is started')),
  stop: () => Promise.reject(new Error('nothing is stopped')),
  close: async () => {},
});

const shown = async (...typed: string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await call(typed, { open: async () => installation() });
  expect([stderr, exitCode]).toEqual(['', 0]);
  return stdout;
};

describe('the golden bucket', TIME, () => {
  test('is small, and has a page of every state', async () => {
    expect(statSync(GOLDEN_FILE).size).toBeLessThan(300_000);
    const { entries, strangers } = await readLedger(ground.around.bucket, GOLDEN);
    expect(strangers).toEqual([]);
    const reached = new Set(entries.flatMap(({ states }) => Object.keys(states)));
    expect([...reached].sort()).toEqual([...STATES].sort());
    for (const { id, states } of entries)
      for (const state of STATES)
        if (states[state] !== undefined)
          expect(await readEvidence(ground.around.bucket, GOLDEN, id, state)).toMatchObject({
            version: 1,
            target: GOLDEN,
            id,
          });
    expect(Object.fromEntries(entries.map(({ id, states }) => [id.slice(-4), stateOf(states)]))).toEqual({
      fail: 'failed',
      expi: 'expiring',
      remg: 'removing',
      remd: 'removed',
      kept: 'started',
      [full.id.slice(-4)]: 'proven',
      [incremental.id.slice(-4)]: 'proven',
    });
  });

  test('is listed and shown, with its proofs and what was restored from it', async () => {
    const list = JSON.parse(await shown('list', '--all', '--json')) as { backups: { id: string }[] };
    expect(list.backups.map(({ id }) => id)).toEqual(expect.arrayContaining([full.id, incremental.id]));
    expect(await shown('list')).toContain(full.id);
    for (const { id } of [full, incremental]) {
      const page = await shown('show', id);
      expect(page).toContain('proven');
      expect(page).toMatch(/RESTORE DATABASE `shop`/);
      expect(page).toMatch(/Restore/);
    }
    expect(await readProofs(ground.around.bucket, { target: GOLDEN, id: full.id })).toHaveLength(2);
  });

  test('is understood by retention: the good ones stay, and what was marked or begun is brought to its end', async () => {
    const settings = parseTarget({ ...LEAST, ...SETTINGS, retention: { last: 1, minimum: 1 } }, 'the test');
    const inAYear = Date.now() + 365 * 86_400_000;
    const { plan } = await planTarget(ground.around.bucket, GOLDEN, settings, inAYear);
    expect(
      Object.fromEntries(plan.decisions.map(({ id, action, rule }) => [id.slice(-4), `${action}: ${rule}`])),
    ).toMatchObject({
      [incremental.id.slice(-4)]: 'keep: last',
      [full.id.slice(-4)]: 'keep: last full',
      kept: 'keep: kept',
      remg: 'remove: removing',
    });
    const [pin] = await readPins(ground.around.bucket, GOLDEN, full.id);
    expect(pin).toMatchObject({ id: full.id, holder: incremental.id, lapsesAt: expect.any(Number) });
    expect(pin?.lapsesAt).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  test.each([
    ['full', full, undefined],
    ['incremental', incremental, full],
  ] as const)('holds the %s backup that its manifest and its page describe', async (_, { id }, base) => {
    const streams = (of: string) => backupStreams(ground.around.bucket, backupPrefix(GOLDEN, of));
    const page = await readEvidence(ground.around.bucket, GOLDEN, id, 'verified');
    const started = await readEvidence(ground.around.bucket, GOLDEN, id, 'started');
    const verification = await verifyBackup({
      ...streams(id),
      id,
      scope: started?.tables ?? [],
      expectedBase: base !== undefined,
      ...(base && { base: streams(base.id) }),
    });
    expect(verification).toMatchObject({
      verdict: 'complete',
      files: page?.files,
      bytes: page?.bytes,
      logicalBytes: page?.logicalBytes,
      manifest: { sha256: page?.manifest.sha256 },
    });
  });

  test('is proven again, to the same rows and fingerprints', async () => {
    const before = (await readEvidence(ground.around.bucket, GOLDEN, full.id, 'proven'))?.tables;
    expect(await ground.prove({ target: GOLDEN, id: full.id }, { occasion: 'again' })).toMatchObject({
      verdict: 'proven',
    });
    const proofs = await readProofs(ground.around.bucket, { target: GOLDEN, id: full.id });
    expect(proofs).toHaveLength(3);
    const compared = ({ database, name, rows, fingerprint }: (typeof proofs)[number]['tables'][number]) => ({
      database,
      name,
      rows,
      fingerprint,
    });
    expect(proofs.at(-1)?.tables.map(compared)).toEqual(before?.map(compared));
  });

  test.each([
    ['full', full],
    ['incremental', incremental],
  ])('restores its %s backup to the rows that were there', async (kind, { id, rows }) => {
    const as = { shop: `shop_${kind}`, 'odd `name`': `odd_${kind}` };
    const restored = await ground.restore({ target: GOLDEN, backup: id, as, check: true });
    expect(restored).toMatchObject({ status: 'succeeded' });
    const [counted] = await ground.ask<Record<string, unknown>>(
      `SELECT (SELECT count() FROM shop_${kind}.orders) AS orders, (SELECT count() FROM shop_${kind}.log) AS log, (SELECT count() FROM odd_${kind}.\`a.b/c\`) AS odd`,
    );
    expect(Object.values(counted ?? {}).map(Number)).toEqual(Object.values(rows));
    for (const database of Object.values(as)) await ground.tell(`DROP DATABASE ${database} SYNC`);
  });
});

describe('what a later release will write', TIME, () => {
  const LATER = 'later';
  const put = (key: string, content: unknown) =>
    ground.put(key, Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)));

  afterAll(async () => {
    for (const key of await ground.keys(`ledger/${LATER}/`)) await ground.remove(key);
  });

  test.each(STATES)('as a page %s is refused in words, and nothing is concluded from it', async (state) => {
    const from = Object.keys(golden.objects).find((key) => key.endsWith(`/${state}.json`)) ?? '';
    await put(ledgerKey(LATER, full.id, state), { ...read(from), version: 2 });
    await expect(readEvidence(ground.around.bucket, LATER, full.id, state)).rejects.toMatchObject({
      name: 'IncompleteReading',
      failure: {
        what: expect.stringContaining(
          `${ledgerKey(LATER, full.id, state)} in safehouse is not what this release`,
        ),
        remedy: expect.stringContaining('It was written by a newer release'),
      },
    });
  });

  test('as a pin holds for ever: what it says is not known', async () => {
    const from = Object.keys(golden.objects).find((key) => key.startsWith('pins/')) ?? '';
    await put(pinKey(LATER, full.id, 'someone'), { ...read(from), version: 2 });
    expect(await readPins(ground.around.bucket, LATER, full.id)).toMatchObject([
      { lapsesAt: Number.POSITIVE_INFINITY },
    ]);
  });

  test.each(['2', '3', '4'])(
    'as a manifest of version %s is refused before a file of it is read',
    (version) => {
      const manifest = Buffer.from(golden.objects[`${backupPrefix(GOLDEN, full.id)}.backup`] ?? '', 'base64');
      const reader = new ManifestReader(() => {
        throw new Error('a file was read');
      });
      const later = manifest.toString().replace('<version>1<', `<version>${version}<`);
      expect(() => reader.write(Buffer.from(later))).toThrow(`The manifest has version "${version}"`);
    },
  );
});
