/**
 * Makes the golden bucket anew: `node test/golden/make.ts`. To be done when a release writes something that the bucket does not
 * have yet, never because a test of it fails: what it holds is what users have.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type Bucket, listObjects, putOnce } from '../../clients/bucket.ts';
import { record } from '../../clients/ledger.ts';
import { makeBackupId } from '../../core/backup-id.ts';
import { parseConfig } from '../../core/config.ts';
import { skippedKey } from '../../core/keys.ts';
import { EMBEDDED_PASSWORD, EMBEDDED_URL, EMBEDDED_USER } from '../../local/configuration.ts';
import { type House, openHouse, type StartInput } from '../../local/house.ts';
import { GOLDEN, GOLDEN_FILE, type GoldenBucket, writeGolden } from './bucket.ts';

const CONFIG = parseConfig(
  {
    targets: {
      [GOLDEN]: {
        url: EMBEDDED_URL,
        user: EMBEDDED_USER,
        password: { ssm: EMBEDDED_PASSWORD },
        databases: ['shop', 'odd `name`'],
        schedule: { full: 'cron(0 2 ? * SUN *)', incremental: 'cron(0 2 ? * MON-SAT *)' },
        prove: { level: 'bytes', assertions: [{ query: 'SELECT count() > 0 FROM orders' }] },
        attempts: 1,
      },
    },
  },
  'The configuration of the golden bucket',
);

const TABLES = [
  'CREATE DATABASE shop',
  'CREATE DATABASE `odd \\`name\\``',
  'CREATE TABLE shop.orders (id UInt64, at DateTime, who String) ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY id',
  "CREATE TABLE shop.sums (day Date, total UInt64) ENGINE = SummingMergeTree ORDER BY day COMMENT 'by day'",
  'CREATE MATERIALIZED VIEW shop.daily TO shop.sums AS SELECT toDate(at) AS day, count() AS total FROM shop.orders GROUP BY day',
  'CREATE TABLE shop.log (line String) ENGINE = Log',
  'CREATE TABLE shop.buffer AS shop.orders ENGINE = Buffer(shop, orders, 1, 3600, 3600, 1000000, 1000000, 1000000, 1000000)',
  'CREATE VIEW shop.recent AS SELECT * FROM shop.orders ORDER BY id DESC LIMIT 10',
  'CREATE TABLE `odd \\`name\\``.`a.b/c` (id UInt64) ENGINE = MergeTree ORDER BY id',
  "INSERT INTO shop.log SELECT concat('line ', toString(number)) FROM numbers(50)",
  'INSERT INTO `odd \\`name\\``.`a.b/c` SELECT number FROM numbers(20)',
];
const insert = (from: number, count: number): string =>
  `INSERT INTO shop.orders SELECT number + ${from}, toDateTime('2026-01-25 00:00:00') + number * 3600, concat('customer ', toString(number % 7)) FROM numbers(${count})`;

const COUNTED = ['shop.orders', 'shop.log', '`odd \\`name\\``.`a.b/c`'];

/** States that a run comes to in days, or only when something goes wrong. Their pages are written as the functions write them. */
async function writeOtherStates(
  bucket: Bucket,
  started: { server: string; host: string; version: string },
): Promise<void> {
  const by = 'arn:aws:states:eu-central-1:123456789012:execution:Retention:one';
  const day = 86_400_000;
  const made = (days: number, letters: string): string =>
    makeBackupId(Date.now() - days * day, 'full', letters);
  const open = (id: string) =>
    record(bucket, GOLDEN, id, 'started', {
      by,
      kind: 'full',
      base: null,
      reason: null,
      scheduledTime: '2026-01-04T02:00:00Z',
      attempt: 1,
      clickhouse: started,
      databases: ['shop'],
      tables: [],
    });
  const [failed, expiring, removing, removed, kept] = [
    made(9, 'fail'),
    made(8, 'expi'),
    made(7, 'remg'),
    made(6, 'remd'),
    made(5, 'kept'),
  ];
  for (const id of [failed, expiring, removing, removed, kept]) await open(id);
  await record(bucket, GOLDEN, failed, 'failed', {
    by,
    class: 'fix and stop',
    step: 'poll',
    error: 'S3_ERROR',
    what: 'S3 refused the writer.',
    remedy: 'Attach the writer policy.',
    final: true,
  });
  for (const id of [expiring, removing, removed])
    await record(bucket, GOLDEN, id, 'expiring', {
      by,
      reason: 'no rule keeps it',
      removeAfter: new Date(Date.now() + 3 * day).toISOString(),
    });
  for (const id of [removing, removed])
    await record(bucket, GOLDEN, id, 'removing', { by, reason: 'no rule keeps it' });
  await record(bucket, GOLDEN, removed, 'removed', {
    by,
    reason: 'no rule keeps it',
    objects: 42,
    bytes: 123_456,
  });
  await record(bucket, GOLDEN, kept, 'kept', {
    by: 'arn:aws:iam::123456789012:user/someone',
    reason: 'before the migration',
  });
  await putOnce(bucket, skippedKey(GOLDEN, 'full/20260111T020000Z'), {
    version: 1,
    execution: by,
    at: new Date().toISOString(),
    reason: 'another one is still being written',
  });
}

/** Which machine it was made on is nobody's business. */
const withoutHost = (content: Buffer): Buffer => {
  const host = `"host": ${JSON.stringify(hostname())}`;
  return content.includes(host)
    ? Buffer.from(content.toString().replaceAll(host, '"host": "clickhouse-0"'))
    : content;
};

async function make(house: House): Promise<GoldenBucket> {
  const url = await house.startEngine();
  const sql = async (query: string): Promise<string> => {
    const answer = await fetch(url, { method: 'POST', body: query });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${query}\n${text}`);
    return text.trim();
  };
  const rows = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      await Promise.all(
        COUNTED.map(async (table) => [table, Number(await sql(`SELECT count() FROM ${table}`))] as const),
      ),
    );
  const run = async (
    workflow: 'backup' | 'prove' | 'restore' | 'retention',
    input: Omit<StartInput, 'target'>,
  ): Promise<string> => {
    const { status, error, cause, carried } = await (
      await house.start(workflow, { target: GOLDEN, ...input })
    ).ended;
    if (status !== 'succeeded') throw new Error(`${workflow}: ${error}: ${cause}`);
    const { prepared } = carried as { prepared?: { backup: { id: string } } };
    return prepared?.backup.id ?? '';
  };
  for (const statement of [...TABLES, insert(0, 400)]) await sql(statement);
  const before = await rows();
  const full = await run('backup', { kind: 'full', scheduledTime: '2026-01-18T02:00:00Z' });
  await sql(insert(400, 200));
  const after = await rows();
  const incremental = await run('backup', { kind: 'incremental', scheduledTime: '2026-01-19T02:00:00Z' });
  await run('prove', { backup: full, occasion: 'again' });
  await run('restore', { backup: incremental, as: { shop: 'shop_again' }, databases: ['shop'], check: true });
  await run('restore', { backup: full, drill: true });
  await house.settled();

  const { bucketName: name, ...s3 } = house.servers.s3;
  const bucket = { name, client: new S3Client({ ...s3, forcePathStyle: true }) };
  const clickhouse = await sql('SELECT version()');
  await writeOtherStates(bucket, {
    version: clickhouse,
    server: await sql('SELECT serverUUID()'),
    host: 'clickhouse-0',
  });
  const objects: Record<string, string> = {};
  for await (const { key } of listObjects(bucket, '')) {
    const { Body } = await bucket.client.send(new GetObjectCommand({ Bucket: name, Key: key }));
    objects[key] = withoutHost(Buffer.from((await Body?.transformToByteArray()) ?? [])).toString('base64');
  }
  bucket.client.destroy();
  return {
    clickhouse,
    full: { id: full, rows: before },
    incremental: { id: incremental, rows: after },
    objects,
  };
}

const home = await mkdtemp(join(tmpdir(), 'safehouse-golden-'));
const house = await openHouse({ config: CONFIG, home, pace: { waits: 50, retries: 50 }, environment: {} });
try {
  const golden = await make(house);
  writeGolden(golden);
  console.log(`${Object.keys(golden.objects).length} objects in ${GOLDEN_FILE}`);
} finally {
  await house.close('abort');
  await rm(home, { recursive: true });
}
