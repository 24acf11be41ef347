import '../../support/function-environment.ts';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it, vi } from 'vitest';
import { readEvidence } from '../../../clients/ledger.ts';
import { backupPrefix } from '../../../core/keys.ts';
import { handler } from '../../../functions/backup/verify.ts';
import { BASE_UUID, headerOf, manifestOf, UUID, type WrittenFile } from '../../core/generated-backup.ts';
import { awsError } from '../../support/aws.ts';
import { failureOf } from '../../support/failures.ts';
import { write } from '../../support/ledger.ts';
import { EXECUTION, ID, INCREMENTAL, OTHER_EXECUTION, preparedRunOf } from '../../support/runs.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';

const around = new Surroundings();
const CHECKSUM = '5e9d75de4a6945fbb2dc2a22e355d451';

const verify = (target: string, backup = {}, overrides = {}) =>
  carried(invoke(handler, preparedRunOf(target, backup, overrides)));
const verified = (target: string, id = ID) => readEvidence(around.bucket, target, id, 'verified');

const put = (key: string, body: string | Buffer) =>
  around.bucket.client.send(
    new PutObjectCommand({ Bucket: around.bucket.name, Key: key, Body: body, ContentLength: body.length }),
  );

const FILES: readonly WrittenFile[] = [
  { name: 'metadata/shop.sql', size: 10, checksum: CHECKSUM },
  { name: 'metadata/shop/orders.sql', size: 20, checksum: CHECKSUM },
  { name: 'data/shop/orders/all_1_1_0/data.bin', size: 1000, checksum: CHECKSUM },
];

/** A backup as ClickHouse leaves it: its objects, then its manifest. */
async function putBackup(target: string, id: string, header: string, files = FILES): Promise<Buffer> {
  const prefix = backupPrefix(target, id);
  for (const { name, size, useBase } of files) if (!useBase) await put(`${prefix}${name}`, 'x'.repeat(size));
  const manifest = manifestOf({ header, files });
  await put(`${prefix}.backup`, manifest);
  return manifest;
}

async function addBackup(
  overrides: Readonly<Record<string, unknown>> = {},
): Promise<{ target: string; manifest: Buffer }> {
  const target = around.addTarget(overrides);
  await write(around.bucket, target, ID, 'started');
  return { target, manifest: await putBackup(target, ID, headerOf(UUID)) };
}

describe('a backup that is as its manifest says', () => {
  it('is verified, with everything that a person will want to know of it', async () => {
    const { target, manifest } = await addBackup();
    const bytes = 1030 + manifest.byteLength;
    expect(await verify(target)).toEqual({ id: ID, objects: 4, bytes, files: 3 });
    const evidence = await verified(target);
    expect(evidence).toMatchObject({
      by: EXECUTION,
      files: 3,
      objects: 4,
      bytes,
      logicalBytes: 1030,
      manifest: {
        bytes: manifest.byteLength,
        etag: expect.stringMatching(/^".+"$/),
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
      tables: [{ database: 'shop', name: 'orders', coverage: 'data', bytes: 1000 }],
    });
    expect(evidence?.restore).toContain('RESTORE DATABASE `shop` FROM S3(');
    expect(evidence?.restore).toContain(`/backups/${target}/${ID}`);
    const dimensions = { service: 'safehouse', Stack: 'Test', Target: target };
    expect(around.published).toEqual([
      { name: 'BackupsVerified', value: 1, dimensions },
      { name: 'BackupBytes', value: bytes, dimensions },
      { name: 'BackupObjects', value: 4, dimensions },
      { name: 'BackupSeconds', value: expect.any(Number), dimensions },
    ]);
  });

  it('is verified once: a repeat gives the same', async () => {
    const { target } = await addBackup();
    const first = await verify(target);
    const evidence = await verified(target);
    expect(await verify(target, {}, { execution: OTHER_EXECUTION })).toEqual(first);
    expect(await verified(target)).toEqual(evidence);
  });

  it('keeps the secrets of its target out of the statement that restores it', async () => {
    around.setParameter('/key/id', 'AKIAIOSFODNN7EXAMPLE');
    around.setParameter('/key/secret', 'hunter2');
    const { target } = await addBackup({
      s3: { access: 'keys', accessKeyId: { ssm: '/key/id' }, secretAccessKey: { ssm: '/key/secret' } },
    });
    await verify(target);
    expect(JSON.stringify(await verified(target))).not.toMatch(/hunter2|AKIA/);
  });
});

describe('a backup that is not as its manifest says', () => {
  it.each<[string, (prefix: string) => Promise<unknown>, RegExp]>([
    [
      'an object is missing',
      (prefix) => around.remove(`${prefix}data/shop/orders/all_1_1_0/data.bin`),
      /data\.bin/,
    ],
    ['an object is too short', (prefix) => put(`${prefix}metadata/shop.sql`, 'short'), /metadata\/shop\.sql/],
    ['its lock is still there', (prefix) => put(`${prefix}.lock`, UUID), /\.lock/],
    ['an object is there that nobody wrote', (prefix) => put(`${prefix}data/other`, 'x'), /data\/other/],
    ['there is no manifest', (prefix) => around.remove(`${prefix}.backup`), /\.backup/],
    ['its manifest is empty', (prefix) => put(`${prefix}.backup`, ''), /manifest|\.backup/],
    [
      'its manifest is cut off',
      (prefix) => put(`${prefix}.backup`, '<config><version>1</ver'),
      /manifest|\.backup/,
    ],
  ])('is not verified: %s', async (_, damage, what) => {
    const { target } = await addBackup();
    await damage(backupPrefix(target, ID));
    const failure = await failureOf('VerificationFailed', verify(target));
    expect(failure.class).toBe('new attempt');
    expect(failure.what).toMatch(what);
    expect(await verified(target)).toBeUndefined();
    expect(around.published).toEqual([]);
  });

  it('names three of many findings and counts the others', async () => {
    const { target } = await addBackup();
    for (let index = 0; index < 9; index += 1) await put(`${backupPrefix(target, ID)}data/odd${index}`, 'x');
    const failure = await failureOf('VerificationFailed', verify(target));
    expect(failure.what).toMatch(/ And 6 more\./);
  });

  it('is not verified when a table that was in scope is not in it', async () => {
    const target = around.addTarget();
    const table = { database: 'shop', name: 'orders', engine: 'MergeTree', coverage: 'data' } as const;
    await write(around.bucket, target, ID, 'started', { tables: [table, { ...table, name: 'customers' }] });
    await putBackup(target, ID, headerOf(UUID));
    expect((await failureOf('VerificationFailed', verify(target))).what).toContain('customers');
  });
});

describe('an incremental backup', () => {
  const backup = { id: INCREMENTAL, kind: 'incremental', base: ID };
  const header = headerOf(
    UUID,
    `<base_backup>S3('http://a/b')</base_backup><base_backup_uuid>${BASE_UUID}</base_backup_uuid>`,
  );

  async function addIncremental(): Promise<string> {
    const target = around.addTarget();
    await putBackup(target, ID, headerOf(BASE_UUID));
    await write(around.bucket, target, INCREMENTAL, 'started', { kind: 'incremental', base: ID });
    const files = FILES.map((file) => (file.name.startsWith('data/') ? { ...file, useBase: true } : file));
    await putBackup(target, INCREMENTAL, header, files);
    return target;
  }

  it('is verified together with what it takes from its base', async () => {
    const target = await addIncremental();
    expect(await verify(target, backup)).toMatchObject({ id: INCREMENTAL, objects: 3, files: 3 });
    const evidence = await verified(target, INCREMENTAL);
    expect(evidence?.logicalBytes).toBe(1030);
    expect(evidence?.restore).toContain('base_backup');
  });

  it('is not verified when its base has lost what it needs', async () => {
    const target = await addIncremental();
    await around.remove(`${backupPrefix(target, ID)}data/shop/orders/all_1_1_0/data.bin`);
    await failureOf('VerificationFailed', verify(target, backup));
    expect(await verified(target, INCREMENTAL)).toBeUndefined();
  });

  it('is not verified when its base has failed since it was begun', async () => {
    const target = await addIncremental();
    await write(around.bucket, target, ID, 'failed', { error: 'ProofRefuted', what: 'It is damaged.' });
    const failure = await failureOf('VerificationFailed', verify(target, backup));
    expect(failure).toMatchObject({
      error: 'BaseRefuted',
      class: 'new attempt',
      what: `The incremental ${INCREMENTAL} stands on ${ID}, which has failed meanwhile. It is damaged.`,
    });
    expect(await verified(target, INCREMENTAL)).toBeUndefined();
  });
});

describe('a verification that is disturbed', () => {
  it('says that a storage which does not answer may be asked again', async () => {
    const { target } = await addBackup();
    const send = vi.spyOn(S3Client.prototype, 'send').mockRejectedValue(awsError('SlowDown', 503) as never);
    await failureOf('TemporarilyUnavailable', verify(target));
    send.mockRestore();
    expect((await verify(target)).objects).toBe(4);
  });

  it('does not call good what another execution has given up', async () => {
    const { target } = await addBackup();
    await write(around.bucket, target, ID, 'failed', {
      by: OTHER_EXECUTION,
      error: 'BackupLost',
      final: false,
    });
    const failure = await failureOf('Refused', verify(target));
    expect(failure).toMatchObject({ class: 'new attempt', error: 'BackupLost' });
    expect(await verified(target)).toBeUndefined();
  });

  it('without a page in the ledger concludes nothing', async () => {
    const target = around.addTarget();
    await putBackup(target, ID, headerOf(UUID));
    await failureOf('IncompleteReading', verify(target));
  });

  it('of a manifest that changes meanwhile concludes nothing', async () => {
    const { target } = await addBackup();
    const send = S3Client.prototype.send;
    vi.spyOn(S3Client.prototype, 'send').mockImplementation(async function (
      this: S3Client,
      ...call: unknown[]
    ) {
      const [command] = call as [{ constructor: { name: string }; input: { Key?: string } }];
      if (command.constructor.name === 'HeadObjectCommand') await around.remove(command.input.Key ?? '');
      return Reflect.apply(send, this, call);
    } as never);
    const failure = await failureOf('IncompleteReading', verify(target));
    expect(failure.what).toContain('a moment later it was gone');
    expect(await verified(target)).toBeUndefined();
  });
});
