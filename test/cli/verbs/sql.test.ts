import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { listObjects } from '../../../clients/bucket.ts';
import { record } from '../../../clients/ledger.ts';
import { makeBackupId } from '../../../core/backup-id.ts';
import { backupPrefix, MANIFEST } from '../../../core/keys.ts';
import { startLoopbackServer } from '../../../local/loopback-server.ts';
import { type Called, call } from '../call.ts';
import { HOUR, makeStarted, makeVerified, openTestHouse, type TestHouse } from '../house.ts';
import { type Server, startServer } from '../real-backups.ts';

let house: TestHouse;
let server: Server;
const now = Math.floor(Date.now() / 1000) * 1000;
const FULL = makeBackupId(now - 50 * HOUR, 'full', 'k3f9');
const INCREMENTAL = makeBackupId(now - 26 * HOUR, 'incremental', 'a001');
const DAMAGED = makeBackupId(now - 20 * HOUR, 'full', 'dama');
const ONE = makeBackupId(now - 19 * HOUR, 'full', 'onne');
const ORPHAN = makeBackupId(now - 18 * HOUR, 'incremental', 'orph');
const GONE = makeBackupId(now - 16 * HOUR, 'full', 'gone');
const GARBLED = makeBackupId(now - 14 * HOUR, 'full', 'garb');
const HOSTILE = "x'; DROP TABLE `events`; --";

const SETUP = [
  'CREATE DATABASE shop',
  'CREATE DATABASE `two words`',
  'CREATE TABLE shop.events (id UInt32, s String) ENGINE = MergeTree ORDER BY id',
  "INSERT INTO shop.events SELECT number, concat('text ', toString(number)) FROM numbers(1000)",
  'CREATE TABLE shop.`order items` (id UInt32) ENGINE = ReplacingMergeTree ORDER BY id',
  'INSERT INTO shop.`order items` VALUES (7)',
  'CREATE TABLE shop.logs (id UInt32) ENGINE = Log',
  'INSERT INTO shop.logs VALUES (1)',
  'CREATE TABLE shop.memory (id UInt32) ENGINE = Memory',
  'CREATE VIEW shop.view AS SELECT * FROM shop.events',
  'CREATE MATERIALIZED VIEW shop.materialized ENGINE = MergeTree ORDER BY id AS SELECT id FROM shop.events',
  "CREATE TABLE shop.buffer AS shop.events ENGINE = Buffer('shop', 'events', 1, 1, 1, 1, 1, 1, 1)",
  `CREATE TABLE \`two words\`.\`${HOSTILE.replaceAll('`', '\\`')}\` (id UInt32) ENGINE = MergeTree ORDER BY id`,
  `INSERT INTO \`two words\`.\`${HOSTILE.replaceAll('`', '\\`')}\` VALUES (42)`,
  'CREATE TABLE default.things (id UInt32) ENGINE = MergeTree ORDER BY id',
  'INSERT INTO default.things VALUES (3), (4)',
];

beforeAll(async () => {
  house = await openTestHouse();
  server = await startServer(house);
  for (const statement of SETUP) await server.run(statement);
  const databases = ['shop', 'two words', 'default'];
  await server.backUp({ id: FULL, databases });
  await server.run("INSERT INTO shop.events SELECT number + 1000, 'late' FROM numbers(5)");
  await server.backUp({ id: INCREMENTAL, databases, base: FULL });
  await server.backUp({ id: DAMAGED, databases: ['shop'], target: 'damaged' });
  await server.backUp({ id: ONE, databases: ['shop'], target: 'one' });
  await server.backUp({ id: GONE, databases: ['shop'], target: 'gone' });
  await server.backUp({ id: ORPHAN, databases: ['shop'], target: 'gone', base: GONE });
  await server.backUp({ id: GARBLED, databases: ['shop'], target: 'garbled' });
}, 60_000);
afterAll(async () => {
  await server.stop();
  await house.stop();
});

/** A directory for temporary files of its own: the engine must leave none behind. */
let temporary: string;
const usual = process.env['TMPDIR'];
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'safehouse-sql-'));
  process.env['TMPDIR'] = temporary;
});
afterEach(async () => expect(await readdir(temporary)).toEqual([]));
afterAll(async () => {
  if (usual === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = usual;
  await rm(temporary, { recursive: true });
});

const sql = (backup: string, query: string, ...flags: string[]): Promise<Called> =>
  call(['sql', backup, query, ...flags], { open: async () => house.installation(), now });

const onTerminal = (backup: string, query: string, ...flags: string[]): Promise<Called> =>
  call(['sql', backup, query, ...flags], { open: async () => house.installation(), now, columns: 80 });

const flat = ({ stderr }: Called): string => stderr.replace(/\s+/g, ' ');

const replaceObject = async (key: string, change: (body: Uint8Array) => Uint8Array): Promise<void> => {
  const { client, name } = house.bucket;
  const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key: key }));
  const body = change((await Body?.transformToByteArray()) ?? new Uint8Array());
  await client.send(new PutObjectCommand({ Bucket: name, Key: key, Body: body }));
};

const remove = (key: string) =>
  house.bucket.client.send(new DeleteObjectCommand({ Bucket: house.bucket.name, Key: key }));

async function keysOf(target: string, id: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of listObjects(house.bucket, backupPrefix(target, id))) keys.push(key);
  return keys;
}

it('answers a query about a full backup, and writes nothing but the answer', async () => {
  const { exitCode, stdout, stderr } = await sql(FULL, 'SELECT count(), sum(id) FROM shop.events');
  expect(stderr).toBe('');
  expect(stdout).toBe('1000\t499500\n');
  expect(exitCode).toBe(0);
});

it('sees through an incremental what lies in its base', async () => {
  const { stdout } = await sql(INCREMENTAL, "SELECT count(), max(id), countIf(s = 'late') FROM shop.events");
  expect(stdout).toBe('1005\t1004\t5\n');
});

it('finds tables and databases whatever they are called', async () => {
  expect((await sql(FULL, 'SELECT id FROM shop.`order items`')).stdout).toBe('7\n');
  const hostile = `\`two words\`.\`${HOSTILE.replaceAll('`', '\\`')}\``;
  expect((await sql(FULL, `SELECT id FROM ${hostile}`)).stdout).toBe('42\n');
  expect((await sql(INCREMENTAL, `SELECT count() FROM ${hostile}`)).stdout).toBe('1\n');
});

it('looks names without a database up in `default`, as the server does, or where --database says', async () => {
  expect((await sql(FULL, 'SELECT sum(id) FROM things')).stdout).toBe('7\n');
  expect((await sql(FULL, 'SELECT count() FROM events', '--database', 'shop')).stdout).toBe('1000\n');
  expect((await sql(FULL, 'SELECT count() FROM events', '--database=two words')).exitCode).toBe(3);
  // The only database that there is needs no name.
  expect((await sql(ONE, 'SELECT count() FROM events')).stdout).toBe('1005\n');
});

it.each([
  ['SHOW TABLES FROM shop', 'events\norder items\n'],
  ['EXISTS shop.events', '1\n'],
  ['DESCRIBE TABLE shop.`order items`', 'id\tUInt32\t\t\t\t\t\n'],
  ['SELECT 1 AS a WHERE 0', ''],
  ["SELECT * FROM values('a UInt8', 1, 2) ORDER BY a", '1\n2\n'],
])('answers %s', async (query, expected) => {
  const { exitCode, stdout } = await sql(FULL, query);
  expect(stdout).toBe(expected);
  expect(exitCode).toBe(0);
});

it('lets CHECK TABLE read every byte', async () => {
  expect((await sql(FULL, 'CHECK TABLE shop.events')).stdout).toMatch(/^all_1_1_0\t1\t\n$/);
});

it('formats as ClickHouse does, in the format that is asked for', async () => {
  expect((await sql(FULL, 'SELECT 1 AS a', '--format', 'JSONEachRow')).stdout).toBe('{"a":1}\n');
  expect((await sql(FULL, 'SELECT 1 AS a FORMAT CSVWithNames', '--format', 'Vertical')).stdout).toBe(
    '"a"\n1\n',
  );
  expect((await onTerminal(FULL, 'SELECT 1 AS a')).stdout).toContain('┌─a─┐');
  const parquet = await sql(FULL, 'SELECT id FROM shop.events', '--format', 'Parquet');
  expect(parquet.bytes.subarray(0, 4).toString()).toBe('PAR1');
  expect(parquet.bytes.subarray(-4).toString()).toBe('PAR1');
});

it('gives JSON with --json, and JSON for an error too', async () => {
  expect((await sql(FULL, 'SELECT count() AS rows FROM shop.events', '--json')).json).toMatchObject({
    data: [{ rows: 1000 }],
    rows: 1,
  });
  expect((await sql(FULL, 'SELECT id FROM shop.events LIMIT 1', '--json', '--format', 'CSV')).stdout).toBe(
    '0\n',
  );
  expect((await sql(FULL, 'SELECT 1 WHERE 0', '--json', '--format', 'CSV')).stdout).toBe('');
  expect((await sql(FULL, 'SELEC', '--json')).json).toMatchObject({ error: { name: 'InvalidInput' } });
});

it('passes bytes on as they are, and in one piece what comes in many', async () => {
  const { bytes } = await sql(FULL, "SELECT unhex('00FF80C3'), char(27, 91, 109)", '--format', 'RowBinary');
  expect([...bytes]).toEqual([4, 0, 255, 128, 195, 3, 27, 91, 109]);
  const many = await sql(FULL, 'SELECT number FROM numbers(300000)', '--format', 'CSV');
  expect(many.stdout.split('\n')).toHaveLength(300_001);
  const names = await sql(FULL, 'SELECT number AS n FROM numbers(300000)', '--format', 'CSVWithNames');
  expect(names.stdout.match(/n/g)).toHaveLength(1);
});

it('shows on a terminal what the terminal would obey', async () => {
  const query = "SELECT '\\x1B[2J\\x07\\t' AS a, 'Ünï' AS b";
  const { stdout } = await onTerminal(FULL, query, '--format', 'TSVRaw');
  expect(stdout).toBe('\\x1B[2J\\x07\t\tÜnï\n');
  expect((await sql(FULL, query, '--format', 'TSVRaw')).stdout).toBe('\u001b[2J\u0007\t\tÜnï\n');
});

it.each([
  ['shop.logs', 'is in the backup with its data', 'is a Log'],
  ['shop.memory', 'is in the backup with its data', 'is a Memory'],
  ['shop.view', 'is a View: the backup holds its definition and no data', ''],
  ['shop.buffer', 'is a Buffer: the backup holds its definition and no data', ''],
])('says why %s cannot be asked', async (table, what, engine) => {
  const ended = await sql(FULL, `SELECT * FROM ${table}`);
  expect(ended.exitCode).toBe(3);
  expect(ended.stdout).toBe('');
  expect(flat(ended)).toContain(`${table} ${what}`);
  expect(flat(ended)).toContain(engine);
  expect(ended.stderr).toContain(`npx safehouse show ${FULL}`);
});

it('says so of a table that is named without its database, and in other statements', async () => {
  expect(flat(await sql(FULL, 'SELECT 1 FROM logs', '--database', 'shop'))).toContain(
    'shop.logs is in the backup',
  );
  expect(flat(await sql(FULL, 'DESCRIBE TABLE shop.view'))).toContain('shop.view is a View');
});

it('names the nearest table and database for a slip of the finger', async () => {
  const table = await sql(FULL, 'SELECT * FROM shop.evnets');
  expect(table.exitCode).toBe(3);
  expect(flat(table)).toContain('no table shop.evnets (did you mean "shop.events"?)');
  const database = await sql(FULL, 'SELECT * FROM shpo.events');
  expect(database.exitCode).toBe(3);
  expect(flat(database)).toContain('no database shpo (did you mean "shop"?)');
  expect(flat(await sql(FULL, 'SELECT 1', '--database', 'shpo'))).toContain('did you mean "shop"?');
});

it.each([
  ['SELEC 1', 'Syntax error'],
  ['SELECT nope FROM shop.events', 'nope'],
  ['SELECT nope()', 'nope'],
  ['SELECT 1; SELECT 2', 'Multi-statements are not allowed'],
  ['SELECT 1 SETTINGS max_threads = 1', "settings of the query's own"],
  ['SELECT {x:String}', 'x'],
  ['DROP TABLE shop.events', 'begins with DROP'],
  ["SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')", 'only reads'],
  ["SELECT * FROM executable('id', TSV, 'a String')", 'only reads'],
  ["SELECT * FROM remote('127.0.0.1', system.one)", 'only reads'],
])('takes %s for a mistake of whoever asks', async (query, sentence) => {
  const ended = await sql(FULL, query);
  expect(ended.exitCode).toBe(2);
  expect(ended.stdout).toBe('');
  expect(flat(ended)).toContain(sentence);
  expect(ended.stderr).not.toMatch(/^\s+at /m);
  expect(ended.stderr).not.toContain('formatQuerySingleLine');
});

it('refuses a format that is none', async () => {
  expect((await sql(FULL, 'SELECT 1', '--format', 'Jason')).exitCode).toBe(2);
  expect(flat(await sql(FULL, 'SELECT 1', '--format', 'CSV; DROP'))).toContain('must be the name of one');
});

it('neither reads a file, nor writes one, nor asks a host, whatever the query says', async () => {
  const asked: string[] = [];
  const host = await startLoopbackServer(({ path }) => {
    asked.push(path);
    return { status: 200, contentType: 'text/csv', body: 'a\n1\n' };
  });
  try {
    const out = join(temporary, 'out.txt');
    const queries = [
      "SELECT file('/etc/passwd')",
      "SELECT * FROM file('/etc/passwd', LineAsString)",
      "SELECT * FROM '/etc/passwd'",
      'SELECT * FROM `/etc/passwd`',
      'SELECT * FROM default.`/etc/passwd`',
      'DESCRIBE TABLE `/etc/passwd`',
      'DESCRIBE TABLE default.`/etc/passwd`',
      "SELECT * APPLY(file) FROM (SELECT '/etc/passwd')",
      `SELECT 1 INTO OUTFILE '${out}'`,
      `DESCRIBE url('${host.url}/x.csv')`,
      `DESCRIBE s3('${host.url}/bucket/x.csv')`,
      `DESCRIBE (SELECT * FROM url('${host.url}/x.csv'))`,
      `EXPLAIN QUERY TREE SELECT * FROM url('${host.url}/x.csv')`,
      `SELECT * FROM s3('${host.url}/bucket/x.csv', CSV, 'a Int8')`,
      `SELECT * FROM iceberg('${host.url}/bucket/x')`,
      `SELECT * FROM urlCluster('default', '${host.url}/x.csv', CSV, 'a Int8')`,
    ];
    for (const query of queries) {
      const ended = await sql(ONE, query);
      expect(ended.exitCode, query).not.toBe(0);
      expect(ended.stdout, query).toBe('');
    }
    expect(asked).toEqual([]);
    expect(await readdir(temporary)).toEqual([]);
  } finally {
    await host.stop();
  }
});

it('does not take the files of the machine for tables', async () => {
  // In the engine as it comes, `default` holds every file of the machine under its path.
  expect((await sql(ONE, 'EXISTS TABLE default.`/etc/passwd`')).stdout).toBe('0\n');
});

it('leaves the backup as it is', async () => {
  const keys = await keysOf('shop', INCREMENTAL);
  await sql(INCREMENTAL, 'SELECT count() FROM shop.events');
  expect(await keysOf('shop', INCREMENTAL)).toEqual(keys);
});

it('takes damaged data for what it is, with exit code 5', async () => {
  const keys = await keysOf('damaged', DAMAGED);
  const data = keys.find((key) => key.endsWith('events/all_1_1_0/data.bin')) ?? '';
  await replaceObject(data, (body) =>
    body.map((byte, index) => (index === body.length >> 1 ? byte ^ 1 : byte)),
  );
  const ended = await sql(`damaged/${DAMAGED}`, 'SELECT sum(cityHash64(*)) FROM shop.events');
  expect(ended.exitCode).toBe(5);
  expect(flat(ended)).toContain(`The backup ${DAMAGED} is damaged`);
  expect(ended.stderr).toContain(`npx safehouse prove ${DAMAGED}`);
  await remove(data);
  expect((await sql(`damaged/${DAMAGED}`, 'SELECT sum(cityHash64(*)) FROM shop.events')).exitCode).toBe(5);
});

it('says that a backup, or the one that it stands on, is not in the bucket', async () => {
  await remove(`${backupPrefix('gone', GONE)}${MANIFEST}`);
  for (const id of [GONE, ORPHAN]) {
    const ended = await sql(`gone/${id}`, 'SELECT count() FROM shop.events');
    expect(ended.exitCode).toBe(5);
    expect(flat(ended)).toContain('is not in the bucket');
  }
});

it('says that a manifest cannot be read', async () => {
  await replaceObject(`${backupPrefix('garbled', GARBLED)}${MANIFEST}`, () => Buffer.from('garbage'));
  const ended = await sql(`garbled/${GARBLED}`, 'SELECT 1');
  expect(ended.exitCode).toBe(5);
  expect(flat(ended)).toContain(`The engine cannot read the backup ${GARBLED}`);
});

it('says that ClickHouse shows no table of a backup made ON CLUSTER', async () => {
  const id = makeBackupId(now - 6 * HOUR, 'full', 'clus');
  await makeVerified(house.bucket, id, { target: 'cluster' });
  const key = `${backupPrefix('cluster', id)}shards/1/replicas/1/metadata/shop.sql`;
  await house.bucket.client.send(new PutObjectCommand({ Bucket: house.bucket.name, Key: key, Body: 'x' }));
  const ended = await sql(`cluster/${id}`, 'SELECT 1');
  expect(ended.exitCode).toBe(4);
  expect(flat(ended)).toContain('was made ON CLUSTER');
});

it('does not ask a backup that was removed, or never finished', async () => {
  const removed = makeBackupId(now - 5 * HOUR, 'full', 'rmvd');
  await makeVerified(house.bucket, removed, { target: 'removed' });
  await record(house.bucket, 'removed', removed, 'removed', { by: 'e', reason: 'old', objects: 1, bytes: 1 });
  const started = makeBackupId(now - 4 * HOUR, 'full', 'strt');
  await makeStarted(house.bucket, started, { target: 'removed' });
  expect(flat(await sql(`removed/${removed}`, 'SELECT 1'))).toContain('retention removed it at');
  const unfinished = await sql(`removed/${started}`, 'SELECT 1');
  expect(unfinished.exitCode).toBe(3);
  expect(flat(unfinished)).toContain('was never written to its end (it is started)');
});

it('reads a backup that is not good too, and says that it is not', async () => {
  await record(house.bucket, 'shop', FULL, 'kept', { by: 'a person', reason: 'the audit' });
  expect((await sql(FULL, 'SELECT 1')).stderr).toBe('');
  await record(house.bucket, 'shop', INCREMENTAL, 'expiring', {
    by: 'e',
    reason: 'no rule keeps it',
    removeAfter: '2026-12-01T00:00:00Z',
  });
  const ended = await sql(INCREMENTAL, 'SELECT count() FROM shop.events');
  expect(ended.exitCode).toBe(0);
  expect(ended.stdout).toBe('1005\n');
  expect(ended.stderr).toContain(`Note: ${INCREMENTAL} is expiring`);
});
