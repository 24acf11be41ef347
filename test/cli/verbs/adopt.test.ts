/** Backups that a real engine was told to make by hand, taken in by the command line and then used like any other. */
import { S3Client } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { openSource } from '../../../cli/adopt-source.ts';
import { adopt as adoptBackup, PINNED_FOR } from '../../../clients/adoption.ts';
import { readEvidence, readLedger, record } from '../../../clients/ledger.ts';
import { planTarget } from '../../../clients/retention.ts';
import type { Installation } from '../../../core/installation.ts';
import { BACKUPS, backupPrefix, ledgerPrefix } from '../../../core/keys.ts';
import { like } from '../../../core/scope.ts';
import { codeOf, readPage } from '../../docs/page.ts';
import { ProvingGround } from '../../functions/prove/proving-ground.ts';
import { BUCKET } from '../../local/bucket/served-bucket.ts';
import { targetOf } from '../../support/targets.ts';
import { call } from '../call.ts';

const ground = new ProvingGround();
const TIME = { timeout: 60_000 };
const ROWS = 20_000;

let isMade = false;
let target = '';

/** What people have after a `BACKUP ALL` and a `BACKUP DATABASE` by a script of their own. */
beforeEach(async () => {
  target = ground.addTarget();
  if (isMade) return;
  await ground.tell(
    'CREATE DATABASE `my-shop`',
    'CREATE TABLE `my-shop`.events (id UInt64, s String) ENGINE = MergeTree PARTITION BY id % 4 ORDER BY id',
    'CREATE MATERIALIZED VIEW `my-shop`.per_day ENGINE = SummingMergeTree ORDER BY d AS SELECT id % 7 AS d, count() AS c FROM `my-shop`.events GROUP BY d',
    'CREATE TABLE `my-shop`.buffered AS `my-shop`.events ENGINE = Buffer(`my-shop`, events, 1, 10, 100, 10000, 1000000, 10000000, 100000000)',
    'CREATE VIEW `my-shop`.seen AS SELECT count() AS c FROM `my-shop`.events',
    `INSERT INTO \`my-shop\`.events SELECT number, toString(number) FROM numbers(${ROWS})`,
    `BACKUP ALL TO S3('${place('clickhouse-backup/2026-04-02')}')`,
    `BACKUP DATABASE \`my-shop\` TO S3('${place('clickhouse-backup/2026-04-03')}')`,
  );
  isMade = true;
});

const endpoint = (): string => String(process.env['AWS_ENDPOINT_URL_S3']);
const place = (path: string): string => `${endpoint()}/${BUCKET}/${path}`;

const installation = (targets = [target]): Installation => ({
  title: 'the test',
  bucketName: BUCKET,
  region: 'eu-central-1',
  endpoint: endpoint(),
  targets: async () => targets,
  target: async () => targetOf({ url: ground.url }),
  start: () => Promise.reject(new Error('nothing is to be started')),
  stop: () => Promise.reject(new Error('nothing is to be stopped')),
  close: async () => {},
});

const run = (...typed: string[]) => call(typed, { open: async () => installation() });
const adopt = (url: string, ...more: string[]) => run('adopt', url, '--target', target, ...more);

/** A folder of its own with the same backup in it. */
let folders = 0;
async function copyOf(path: string, change: (key: string) => string = (key) => key): Promise<string> {
  folders += 1;
  const copy = `copies/${folders}`;
  for (const key of await ground.keys(`${path}/`))
    await ground.put(`${copy}/${change(key.slice(path.length + 1))}`, await ground.get(key));
  return copy;
}

async function rewriteManifest(folder: string, edit: (manifest: string) => string): Promise<void> {
  const key = `${folder}/.backup`;
  const manifest = (await ground.get(key)).toString();
  const edited = edit(manifest);
  expect(edited).not.toBe(manifest);
  await ground.put(key, Buffer.from(edited));
}

const nothingWasCopied = async (): Promise<void> => {
  expect(await ground.keys(`${BACKUPS}${target}/`)).toEqual([]);
  expect(await ground.keys(ledgerPrefix(target))).toEqual([]);
};

const idsOf = async (): Promise<string[]> => {
  const { entries } = await readLedger(ground.around.bucket, target);
  return entries.map(({ id }) => id);
};

describe('a backup of everything, made by hand', TIME, () => {
  it('is taken in, proven, listed, and restored by the statement that is printed', async () => {
    const { exitCode, stdout, stderr } = await adopt(`s3://${BUCKET}/clickhouse-backup/2026-04-02`);
    expect(stderr).not.toContain('Error');
    expect(exitCode).toBe(0);
    const [id = ''] = await idsOf();
    expect(id).toMatch(/^\d{8}T\d{6}Z-full-[0-9a-f]{4}$/);
    expect(stdout).toContain(`Adopted  ${id}\n`);
    expect(stdout).toContain(`From        s3://${BUCKET}/clickhouse-backup/2026-04-02\n`);
    expect(stdout).toContain('my-shop (4 tables)');
    expect(stdout).toContain('my-shop.buffered (Buffer): definition only');
    expect(stdout).toContain('INFORMATION_SCHEMA, information_schema, system belong to the server');
    for (const words of [`prove ${id}`, `keep ${id}`, `restore ${target} --backup ${id}`, `show ${id}`])
      expect(stdout).toContain(`npx safehouse ${words}\n`);

    const started = await readEvidence(ground.around.bucket, target, id, 'started');
    expect(started).toMatchObject({
      kind: 'full',
      base: null,
      reason: `adopted from s3://${BUCKET}/clickhouse-backup/2026-04-02`,
      databases: ['default', 'my-shop'],
      by: expect.stringContaining('by safehouse adopt'),
    });
    expect(started?.tables).toContainEqual({
      database: 'my-shop',
      name: 'per_day',
      engine: 'MaterializedView',
      coverage: 'data',
    });
    const verified = await readEvidence(ground.around.bucket, target, id, 'verified');
    const source = await ground.keys('clickhouse-backup/2026-04-02/');
    expect(verified?.objects).toBe(source.length);

    const proof = await ground.prove({ target, id });
    expect(proof).toMatchObject({ verdict: 'proven', evidence: { level: 'bytes' } });
    if (proof.verdict === 'proven')
      expect(proof.evidence.tables).toContainEqual(
        expect.objectContaining({ database: 'my-shop', name: 'events', rows: ROWS, reading: 'checked' }),
      );

    expect((await run('list', target)).stdout).toMatch(new RegExp(`${id}.*proven`));
    const shown = await run('show', id);
    expect(shown.stdout).toContain(verified?.restore);
    expect(shown.stdout).toContain(`adopted from s3://${BUCKET}/clickhouse-backup/2026-04-02`);
    await ground.tell('DROP DATABASE `my-shop` SYNC', String(verified?.restore));
    expect(await ground.ask('SELECT count() AS rows FROM `my-shop`.events')).toEqual([{ rows: ROWS }]);
    expect(await ground.ask('SELECT sum(c) AS rows FROM `my-shop`.per_day')).toEqual([{ rows: ROWS }]);
  });

  it('may hold tables alone: then their database has to be there before they are restored', async () => {
    await ground.tell(`BACKUP TABLE \`my-shop\`.events TO S3('${place('clickhouse-backup/table')}')`);
    const { exitCode, stdout } = await adopt(place('clickhouse-backup/table'));
    expect(exitCode).toBe(0);
    expect(stdout).toContain('without the definition of the database');
    const [id = ''] = await idsOf();
    expect(await ground.prove({ target, id })).toMatchObject({ verdict: 'proven' });
    const verified = await readEvidence(ground.around.bucket, target, id, 'verified');
    await ground.tell('DROP DATABASE `my-shop` SYNC', 'CREATE DATABASE `my-shop`', String(verified?.restore));
    expect(await ground.ask('SELECT count() AS rows FROM `my-shop`.events')).toEqual([{ rows: ROWS }]);
  });

  it('does not become a second backup when it is adopted again', async () => {
    const url = place('clickhouse-backup/2026-04-03');
    const first = await adopt(url, '--json');
    expect(first.json).toMatchObject({ adopted: { standing: false, target } });
    const objects = await ground.keys(`${BACKUPS}${target}/`);
    const second = await adopt(`s3://${BUCKET}/clickhouse-backup/2026-04-03/`);
    expect(second.exitCode).toBe(0);
    const ids = await idsOf();
    expect(ids).toHaveLength(1);
    expect(second.stdout).toContain(`Adopted before  ${ids[0]}\n`);
    expect(await ground.keys(`${BACKUPS}${target}/`)).toEqual(objects);
  });

  it('becomes one backup where two adopt it at the same time', async () => {
    const both = await Promise.all([1, 2].map(() => adopt(place('clickhouse-backup/2026-04-03'), '--json')));
    expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(await idsOf()).toHaveLength(1);
  });

  it('is only looked at in a dry run', async () => {
    const { exitCode, stdout } = await adopt(place('clickhouse-backup/2026-04-02'), '--dry-run');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Can be adopted');
    expect(stdout).toContain('my-shop (4 tables)');
    await nothingWasCopied();
    expect(await ground.keys(`claims/${target}/`)).toEqual([]);
  });
});

describe('an adoption that is broken off', TIME, () => {
  const breakOff = async (afterObjects: number) => {
    const stop = new AbortController();
    await expect(
      adoptBackup({
        source: openSource(installation(), place('clickhouse-backup/2026-04-03'), 'UTC'),
        bucket: ground.around.bucket,
        address: { bucket: BUCKET, region: 'eu-central-1', endpoint: endpoint() },
        target,
        settings: targetOf({ url: ground.url }),
        by: 'the test',
        signal: stop.signal,
        onProgress: ({ doing, objects }) => {
          if (doing === 'copying' && objects >= afterObjects) stop.abort();
        },
      }),
    ).rejects.toThrow();
    const [id = ''] = await idsOf();
    return id;
  };

  it('is no backup, and goes on where it was', async () => {
    const id = await breakOff(5);
    const { entries } = await readLedger(ground.around.bucket, target);
    expect(entries[0]?.states.verified).toBeUndefined();
    const before = await ground.keys(backupPrefix(target, id));
    expect(before.length).toBeGreaterThanOrEqual(5);
    expect(before).not.toContain(`${backupPrefix(target, id)}.backup`);

    const { exitCode, json, stdout } = await adopt(place('clickhouse-backup/2026-04-03'), '--json');
    expect(exitCode, stdout).toBe(0);
    const source = await ground.keys('clickhouse-backup/2026-04-03/');
    expect(json).toMatchObject({
      adopted: { id, standing: false, copied: { objects: source.length - 1 - before.length } },
    });
    expect(await idsOf()).toEqual([id]);
  });

  it('copies again what has another size than it should', async () => {
    const id = await breakOff(5);
    const [key = ''] = await ground.keys(backupPrefix(target, id));
    await ground.put(key, Buffer.from('a half'));
    expect((await adopt(place('clickhouse-backup/2026-04-03'))).exitCode).toBe(0);
    const name = key.slice(backupPrefix(target, id).length);
    expect(await ground.get(key)).toEqual(await ground.get(`clickhouse-backup/2026-04-03/${name}`));
  });

  it('is not called good when somebody else writes to the copy', async () => {
    const id = await breakOff(5);
    await ground.put(`${backupPrefix(target, id)}stray.bin`, Buffer.from('whose?'));
    const { exitCode, stderr } = await adopt(place('clickhouse-backup/2026-04-03'));
    expect(exitCode).toBe(5);
    expect(stderr).toContain('stray.bin is there with 6 bytes');
    const { entries } = await readLedger(ground.around.bucket, target);
    expect(entries.map(({ states }) => states.verified)).toEqual([undefined]);
  });

  it('is let alone by retention for a week, and then swept away', async () => {
    const id = await breakOff(5);
    const settings = targetOf({ url: ground.url });
    const decideAt = async (now: number) =>
      (await planTarget(ground.around.bucket, target, settings, now)).plan.decisions;
    const day = 86_400_000;
    expect(await decideAt(Date.now() + PINNED_FOR - day)).toMatchObject([
      { id, action: 'keep', rule: 'pinned' },
    ]);
    expect(await decideAt(Date.now() + PINNED_FOR + day)).toMatchObject([
      { id, action: 'expire', rule: 'abandoned' },
    ]);
  });

  it('is stopped by Ctrl-C, with the command that goes on', async () => {
    const interrupt = AbortSignal.abort();
    const url = place('clickhouse-backup/2026-04-03');
    const { exitCode, stderr } = await call(['adopt', url], {
      open: async () => installation(),
      interrupt,
    });
    expect(exitCode).toBe(130);
    expect(stderr).toContain(`npx safehouse adopt ${url} --target ${target}\n`);
  });
});

it('is taken in anew when what was adopted has failed since', TIME, async () => {
  const url = place('clickhouse-backup/2026-04-03');
  await adopt(url);
  const [first = ''] = await idsOf();
  await record(ground.around.bucket, target, first, 'failed', {
    by: 'the test',
    class: 'new attempt',
    step: 'prove',
    error: 'ProofRefuted',
    what: 'It is damaged.',
    remedy: 'Make another one.',
    final: true,
  });
  expect((await adopt(url)).exitCode).toBe(0);
  const ids = await idsOf();
  expect(ids).toHaveLength(2);
  expect(ids).toContain(first);
});

describe('the time of the backup', TIME, () => {
  const at = async (timestamp: string): Promise<string> => {
    const folder = await copyOf('clickhouse-backup/2026-04-03');
    await rewriteManifest(folder, (manifest) =>
      manifest.replace(/<timestamp>[^<]*/, `<timestamp>${timestamp}`),
    );
    return `s3://${BUCKET}/${folder}`;
  };

  it('is that of the manifest, by the clock of the zone that is named', async () => {
    const url = await at('2026-04-02 02:15:07');
    await adopt(url, '--time-zone', 'Europe/Berlin');
    expect(await idsOf()).toEqual([expect.stringMatching(/^20260402T001507Z-full-/)]);
  });

  it('is UTC where none is named', async () => {
    await adopt(await at('2026-04-02 02:15:07'));
    expect(await idsOf()).toEqual([expect.stringMatching(/^20260402T021507Z-full-/)]);
  });

  it('is refused when it lies after the time at which S3 had the backup', async () => {
    const { exitCode, stderr } = await adopt(await at('2098-01-01 00:00:00'));
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--time-zone');
    await nothingWasCopied();
  });

  it('is not guessed from a zone that there is not', async () => {
    const { exitCode, stderr } = await adopt(place('clickhouse-backup/2026-04-03'), '--time-zone', 'Mars');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('expected an IANA time zone');
  });
});

describe('the permissions', TIME, () => {
  interface Statement {
    readonly Action: string | string[];
    readonly Resource: string | string[];
  }

  const given = (): Statement[] => {
    const [policy = ''] = codeOf(readPage('docs/migration.md'), 'json');
    const here = policy
      .replaceAll('OLD-BUCKET', BUCKET)
      .replaceAll('BUCKET', BUCKET)
      .replaceAll('langsmith', target);
    return (JSON.parse(here) as { Statement: Statement[] }).Statement;
  };

  /** What IAM would look for, for each request that is sent. */
  const neededBy = (name: string, { Bucket = '', Key = '', CopySource = '' }: Sent): [string, string][] => {
    const object = `arn:aws:s3:::${Bucket}/${Key}`;
    switch (name) {
      case 'ListObjectsV2Command':
        return [['s3:ListBucket', `arn:aws:s3:::${Bucket}`]];
      case 'GetObjectCommand':
      case 'HeadObjectCommand':
        return [['s3:GetObject', object]];
      case 'PutObjectCommand':
        return [['s3:PutObject', object]];
      case 'CopyObjectCommand':
        return [
          ['s3:PutObject', object],
          ['s3:GetObject', `arn:aws:s3:::${decodeURIComponent(CopySource)}`],
        ];
      default:
        return [[`what ${name} needs`, object]];
    }
  };

  interface Sent {
    readonly Bucket?: string;
    readonly Key?: string;
    readonly CopySource?: string;
  }

  const isGiven = ([action, resource]: [string, string]): boolean =>
    given().some(
      ({ Action, Resource }) =>
        [Action].flat().includes(action) &&
        [Resource]
          .flat()
          .some((pattern) => like(pattern.replaceAll('*', '%').replaceAll('_', '\\_')).test(resource)),
    );

  it('are those that the page gives', async () => {
    const send = vi.spyOn(S3Client.prototype, 'send');
    const { exitCode } = await adopt(place('clickhouse-backup/2026-04-03'));
    const calls = send.mock.calls.map(([command]) => ({
      name: command.constructor.name,
      input: command.input,
    }));
    send.mockRestore();
    expect(exitCode).toBe(0);
    expect(calls.length).toBeGreaterThan(20);
    const needed = calls.flatMap(({ name, input }) => neededBy(name, input as Sent));
    expect(needed.filter((need) => !isGiven(need))).toEqual([]);
  });
});

describe('what lies beside the backup', TIME, () => {
  it('stays where it is, and is said', async () => {
    const folder = await copyOf('clickhouse-backup/2026-04-03');
    await ground.put(`${folder}/README.txt`, Buffer.from('made by the nightly script'));
    const { exitCode, stdout } = await adopt(`s3://${BUCKET}/${folder}`);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('1 object under the same prefix is not of this backup');
    const copied = await ground.keys(`${BACKUPS}${target}/`);
    expect(copied.filter((key) => key.endsWith('README.txt'))).toEqual([]);
    const [id = ''] = await idsOf();
    expect(await ground.prove({ target, id })).toMatchObject({ verdict: 'proven' });
  });
});

describe('what cannot be adopted', TIME, () => {
  const DATA = /^data\/.*data\.bin$/;
  const dataKeyOf = async (folder: string): Promise<string> => {
    const keys = await ground.keys(`${folder}/`);
    return keys.find((key) => DATA.test(key.slice(folder.length + 1))) ?? '';
  };

  it('is a backup of which an object is missing', async () => {
    const folder = await copyOf('clickhouse-backup/2026-04-03');
    const key = await dataKeyOf(folder);
    await ground.remove(key);
    const { exitCode, stderr } = await adopt(`s3://${BUCKET}/${folder}`);
    expect(exitCode).toBe(5);
    expect(stderr).toContain(`${key.slice(folder.length + 1)} is expected with`);
    expect(stderr).toContain('Nothing was copied');
    await nothingWasCopied();
  });

  it('is a backup of which an object is shorter', async () => {
    const folder = await copyOf('clickhouse-backup/2026-04-03');
    const key = await dataKeyOf(folder);
    await ground.put(key, (await ground.get(key)).subarray(1));
    const { exitCode, stderr } = await adopt(`s3://${BUCKET}/${folder}`);
    expect(exitCode).toBe(5);
    expect(stderr).toContain('bytes are there');
    await nothingWasCopied();
  });

  it('is a backup without the definition of a table', async () => {
    const folder = await copyOf('clickhouse-backup/2026-04-03');
    await ground.remove(`${folder}/metadata/my%2Dshop/events.sql`);
    expect((await adopt(`s3://${BUCKET}/${folder}`)).exitCode).toBe(5);
    await nothingWasCopied();
  });

  it('is a backup that somebody still writes, or whose lock could not be deleted', async () => {
    const folder = await copyOf('clickhouse-backup/2026-04-03');
    await ground.put(`${folder}/.lock`, Buffer.from('uuid'));
    const { exitCode, stderr } = await adopt(`s3://${BUCKET}/${folder}`);
    expect(exitCode).toBe(5);
    expect(stderr).toContain('delete that one object, and adopt again');
    await ground.remove(`${folder}/.lock`);
    expect((await adopt(`s3://${BUCKET}/${folder}`)).exitCode).toBe(0);
  });

  it('is a manifest that is cut off', async () => {
    const folder = await copyOf('clickhouse-backup/2026-04-03');
    await rewriteManifest(folder, (manifest) => manifest.slice(0, -20));
    expect((await adopt(`s3://${BUCKET}/${folder}`)).exitCode).toBe(5);
    await nothingWasCopied();
  });

  it('is an incremental backup', async () => {
    const base = place('clickhouse-backup/2026-04-03');
    const url = place('clickhouse-backup/incremental');
    await ground.tell(`BACKUP DATABASE \`my-shop\` TO S3('${url}') SETTINGS base_backup = S3('${base}')`);
    const { exitCode, stderr } = await adopt(url);
    expect(exitCode).toBe(4);
    expect(stderr).toContain('is an incremental backup');
    expect(stderr).toContain('Adopt the full backup that it stands on');
    await nothingWasCopied();
  });

  it('is a backup of nothing but the system databases', async () => {
    const url = place('clickhouse-backup/system');
    await ground.tell(`BACKUP DATABASE INFORMATION_SCHEMA TO S3('${url}')`);
    const { exitCode, stderr } = await adopt(url);
    expect(exitCode).toBe(4);
    expect(stderr).toContain('holds no database but INFORMATION_SCHEMA');
    await nothingWasCopied();
  });

  it('is the folder above, which names the backups beneath it', async () => {
    const { exitCode, stderr } = await adopt(`s3://${BUCKET}/clickhouse-backup`);
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`s3://${BUCKET}/clickhouse-backup/2026-04-02`);
    expect(stderr).toContain(`s3://${BUCKET}/clickhouse-backup/2026-04-03`);
  });

  it.each([
    ['shadow', 'no native backup, or one that never ended'],
    ['nowhere', 'There is nothing at'],
  ])('is a folder without a manifest: %s', async (folder, sentence) => {
    await ground.put('shadow/1/data/shop/events/all_1_1_0/data.bin', Buffer.from('frozen'));
    const { exitCode, stderr } = await adopt(`s3://${BUCKET}/${folder}`);
    expect(exitCode).toBe(3);
    expect(stderr).toContain(sentence);
  });

  it.each([
    ['s3://old/full.zip', 'is an archive'],
    ['https://old.s3.eu-central-1.amazonaws.com/2026-04-02', 'objects are copied inside one S3'],
    ['http://192.0.2.1:9000/old/2026-04-02', 'objects are copied inside one S3'],
    [`s3://${BUCKET}/backups/shop/20260402T020000Z-full-k3f9`, 'among the backups of this very Safehouse'],
    ['2026-04-02', 'is not where a backup lies'],
  ])('is %s', async (url, sentence) => {
    const { exitCode, stderr } = await adopt(url);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(sentence);
  });
});

describe('the target', () => {
  it('must be named where there are several, and exist', async () => {
    const open = async () => installation(['shop', 'events']);
    const unsaid = await call(['adopt', 's3://old/x'], { open });
    expect(unsaid.exitCode).toBe(2);
    expect(unsaid.stderr).toContain('--target: shop, events');
    const unknown = await call(['adopt', 's3://old/x', '--target', 'event'], { open });
    expect(unknown.exitCode).toBe(3);
    expect(unknown.stderr).toContain('did you mean "events"?');
  });
});
