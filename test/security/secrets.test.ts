/** Secrets that are planted into a whole run, and looked for afterwards in everything that the run has left behind or said. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Bucket } from '../../clients/bucket.ts';
import { type ConfigInput, parseConfig } from '../../core/config.ts';
import type { Installation } from '../../core/installation.ts';
import { EMBEDDED_PASSWORD, EMBEDDED_URL, EMBEDDED_USER } from '../../local/configuration.ts';
import type { History } from '../../local/execution.ts';
import { homeAt, writeSecret } from '../../local/home.ts';
import { type House, openHouse, type StartInput } from '../../local/house.ts';
import { call } from '../cli/call.ts';
import { filesOf, objectsOf, Secrets } from '../support/leaks.ts';

/** Long and odd enough that nothing else looks like them. */
const PLANTED = {
  'the password of ClickHouse': 'kX7-planted-clickhouse-password_Qz',
  'a password that is wrong': 'kX7-planted-wrong-password_Wy',
  'the secret of the S3 keys': 'kX7plantedS3secretKey+0123456789/abcdefg',
  'the id of the S3 keys': 'AKIAPLANTEDKEYX7X7X7',
  'the secret of temporary keys': 'kX7plantedTemporarySecret0123456789abcde',
  'the id of temporary keys': 'ASIAPLANTEDKEYX7X7X7',
  'the token of temporary keys': `kX7plantedSessionToken${'aB3'.repeat(40)}`,
  'the secret of a named collection': 'kX7plantedCollectionSecret+9876543210/zy',
  'the address of the webhook': 'kX7-planted-webhook-path',
} as const;

vi.mock('../../local/temporary-credentials.ts', async () => {
  const { startLoopbackServer } = await import('../../local/loopback-server.ts');
  const { queryAnswer } = await import('../../local/query-protocol.ts');
  const { element, leaf } = await import('../../local/bucket/xml.ts');
  return {
    startTemporaryCredentials: () =>
      startLoopbackServer(() =>
        queryAnswer(
          'AssumeRole',
          element(
            'Credentials',
            leaf('AccessKeyId', PLANTED['the id of temporary keys']),
            leaf('SecretAccessKey', PLANTED['the secret of temporary keys']),
            leaf('SessionToken', PLANTED['the token of temporary keys']),
            leaf('Expiration', new Date(Date.now() + 3_600_000).toISOString()),
          ),
        ),
      ),
  };
});

const embedded = {
  url: EMBEDDED_URL,
  user: EMBEDDED_USER,
  password: { ssm: EMBEDDED_PASSWORD },
  databases: ['shop'],
  schedule: { full: 'cron(0 2 ? * SUN *)' },
  prove: { level: 'none' },
  attempts: 1,
} satisfies ConfigInput['targets'][string];
const keys = {
  access: 'keys',
  accessKeyId: { ssm: '/planted/id' },
  secretAccessKey: { ssm: '/planted/secret' },
} as const;

const CONFIG = parseConfig(
  {
    targets: {
      keys: { ...embedded, s3: keys, prove: { level: 'bytes' } },
      sts: {
        ...embedded,
        s3: {
          access: 'sts',
          roleArn: 'arn:aws:iam::123456789012:role/writer',
          namedCollection: 'vault',
        },
      },
      wrong: { ...embedded, password: { ssm: '/planted/wrong' }, s3: keys },
      /** ClickHouse answers with the statement, in which the keys would stand. */
      mistaken: { ...embedded, s3: keys, settings: { no_such_setting: 1 } },
      nowhere: { ...embedded, url: 'http://127.0.0.1:1', s3: keys },
    },
    alerts: { webhook: { ssm: '/planted/webhook' } },
  },
  'The configuration of the test',
);

let directory: string;
let house: House;
let bucket: Bucket;
let receiver: Server;
let sql: (statement: string) => Promise<string>;
const received: string[] = [];
const said: string[] = [];
/** What the functions were given and gave, by the state machine. */
const passed: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safehouse-secrets-'));
  receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    received.push(`${request.url} ${Buffer.concat(chunks).toString()}`);
    // A webhook that fails is an error of its own, whose text must not name the address.
    response.writeHead(received.length % 2 === 0 ? 500 : 200).end(PLANTED['the address of the webhook']);
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;
  const home = homeAt(directory);
  for (const [name, value] of [
    [EMBEDDED_PASSWORD, PLANTED['the password of ClickHouse']],
    ['/planted/wrong', PLANTED['a password that is wrong']],
    ['/planted/id', PLANTED['the id of the S3 keys']],
    ['/planted/secret', PLANTED['the secret of the S3 keys']],
    ['/planted/webhook', `http://127.0.0.1:${port}/${PLANTED['the address of the webhook']}`],
  ] as const)
    writeSecret(home, name, value);
  house = await openHouse({
    config: CONFIG,
    home: directory,
    pace: { waits: 25, retries: 5 },
    environment: {},
    around: async ({ input }, invoke) => {
      passed.push(JSON.stringify(input));
      const output = await invoke();
      passed.push(JSON.stringify(output) ?? '');
      return output;
    },
  });
  const engineUrl = await house.startEngine();
  const { bucketName, ...s3 } = house.servers.s3;
  bucket = { name: bucketName, client: new S3Client({ ...s3, forcePathStyle: true }) };
  sql = async (statement) => {
    const answer = await fetch(engineUrl, { method: 'POST', body: statement });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    return text;
  };
  await sql('CREATE DATABASE shop');
  await sql('CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id');
  await sql('INSERT INTO shop.orders SELECT number FROM numbers(1000)');
  await sql(
    `CREATE NAMED COLLECTION vault AS url = '${s3.endpoint}/${bucketName}/', access_key_id = 'own', secret_access_key = '${PLANTED['the secret of a named collection']}'`,
  );
}, 120_000);

afterAll(async () => {
  await house?.close('abort');
  bucket?.client.destroy();
  receiver?.closeAllConnections();
  await new Promise((resolve) => receiver?.close(resolve));
  await rm(directory, { recursive: true });
});

const run = async (
  workflow: 'backup' | 'restore' | 'doctor' | 'retention',
  input: StartInput,
): Promise<History> => (await house.start(workflow, input)).ended;

const installation = (): Installation => ({
  title: 'the test',
  bucketName: house.servers.s3.bucketName,
  region: house.servers.s3.region,
  endpoint: house.servers.s3.endpoint,
  targets: async () => Object.keys(CONFIG.targets),
  target: async (name) => house.target(name),
  start: (workflow, input) => house.start(workflow, input),
  stop: (execution) => house.stop(execution),
  close: async () => {},
});

async function type(...typed: string[]): Promise<number> {
  const { exitCode, stdout, stderr } = await call(typed, {
    open: async () => installation(),
    environment: { SAFEHOUSE_DEBUG: '1' },
  });
  said.push(`${typed.join(' ')}\n${stdout}${stderr}`);
  return exitCode;
}

const planted = new Secrets(PLANTED);

test('a whole run leaves no secret in logs, histories, ledger, objects, alerts, or on the screen', {
  timeout: 600_000,
}, async () => {
  expect((await run('backup', { target: 'keys' })).status).toBe('succeeded');
  expect((await run('backup', { target: 'keys', kind: 'incremental' })).status).toBe('succeeded');
  expect((await run('backup', { target: 'sts' })).status).toBe('succeeded');
  for (const target of ['wrong', 'mistaken', 'nowhere'])
    expect((await run('backup', { target })).status).toBe('failed');
  expect((await run('restore', { target: 'keys', check: true })).status).toBe('succeeded');
  expect((await run('restore', { target: 'keys', mode: 'asIs' })).status).toBe('failed');
  for (const typed of [
    ['status'],
    ['status', '--json'],
    ['list', '--all', '--json'],
    ['show', 'keys/latest'],
    ['show', 'keys/latest', '--json'],
    ['show', 'sts/latest'],
    ['doctor', 'keys'],
    ['doctor', 'sts', '--json'],
    ['doctor', 'wrong'],
    ['backup', 'mistaken'],
    ['retention', 'keys'],
    ['grants', 'keys'],
    ['policy', 'keys'],
  ])
    await type(...typed);
  await house.settled();

  const found: [place: string, secrets: string[]][] = [];
  let looked = 0;
  const look = (place: string, content: Buffer | string): void => {
    looked += 1;
    const secrets = planted.in(content);
    if (secrets.length > 0) found.push([place, secrets]);
  };
  for await (const [place, content] of objectsOf(bucket)) look(place, content);
  for await (const [place, content] of filesOf(house.home)) look(place, content);
  for (const text of said) look(text.split('\n', 1)[0] ?? '', text);
  for (const text of passed) look('passed between steps', text);
  for (const { subject, text } of house.messages()) look('the topic', `${subject}\n${text}`);
  look('the metrics', JSON.stringify(await house.metrics()));
  // The address is where the alert went; the alert itself must not hold it.
  for (const each of received) look('the webhook', each.slice(each.indexOf(' ')));
  look('system.processes', await sql('SELECT * FROM system.processes FORMAT JSONEachRow'));

  expect(found).toEqual([]);
  // ClickHouse shows the ids of keys, and of nothing the rest.
  expect(planted.in(await sql('SELECT * FROM system.backups FORMAT JSONEachRow'))).toEqual([
    'the id of the S3 keys',
    'the id of temporary keys',
  ]);
  // That there was something to look through, and that what is there is seen.
  expect(looked).toBeGreaterThan(100);
  expect(said.join('\n')).toContain('keys');
  expect(received.length).toBeGreaterThanOrEqual(3);
  expect(received[0]).toContain(`/${PLANTED['the address of the webhook']} `);
  expect(planted.in(await readFile(house.home.secrets))).toHaveLength(5);
  expect(
    planted.in(
      Buffer.from(
        `Basic ${Buffer.from(`safehouse:${PLANTED['the password of ClickHouse']}`).toString('base64')}`,
      ),
    ),
  ).toEqual(['the password of ClickHouse']);
});
