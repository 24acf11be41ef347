import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type _Object, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { ClickHouseClient } from '@clickhouse/client';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Engine, startEngine } from '../../../local/engine/engine.ts';
import { BUCKET, serveBucket } from '../bucket/served-bucket.ts';
import { clientOf, rowsOf, serveEngine } from './served-engine.ts';

const bucket = serveBucket();
const engine = serveEngine({
  environment: { AWS_ACCESS_KEY_ID: 'ambient', AWS_SECRET_ACCESS_KEY: 'secret' },
});

const urlOf = (path: string): string => `${bucket().server.endpoint}/${BUCKET}/backups/${path}`;

interface BackupRow {
  readonly id: string;
  readonly status: string;
  readonly error: string;
  readonly query_id: string;
}

const backupRow = async (client: ClickHouseClient, id: string): Promise<BackupRow | undefined> =>
  (await rowsOf<BackupRow>(client, 'SELECT * FROM system.backups WHERE id = {id:String}', { id }))[0];

async function finished(client: ClickHouseClient, id: string): Promise<BackupRow> {
  return vi.waitUntil(
    async () => {
      const row = await backupRow(client, id);
      return row === undefined || /^(?:CREATING_BACKUP|RESTORING)$/.test(row.status) ? undefined : row;
    },
    { timeout: 20_000 },
  );
}

/** Parts enough that a slow backup can be interrupted between two files. */
async function seed(client: ClickHouseClient): Promise<void> {
  await client.command({ query: 'CREATE DATABASE shop' });
  await client.command({
    query:
      'CREATE TABLE shop.events (day Date, n UInt64, s String) ENGINE = MergeTree PARTITION BY day ORDER BY n',
  });
  await client.command({
    query: `INSERT INTO shop.events SELECT toDate('2026-01-01') + number % 20, number, randomString(200) FROM numbers(40000)`,
  });
}

const SLOW = 'max_backup_bandwidth = 1000000';
const submit = (client: ClickHouseClient, id: string, path: string, settings = ''): Promise<unknown> =>
  rowsOf(client, `BACKUP DATABASE shop TO S3({url:String}) SETTINGS id = '${id}'${settings} ASYNC`, {
    url: urlOf(path),
  });

const exists = (key: string): Promise<boolean> =>
  bucket()
    .s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: `backups/${key}` }))
    .then(
      () => true,
      () => false,
    );

async function objectsUnder(path: string): Promise<_Object[]> {
  const listing = new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `backups/${path}` });
  return (await bucket().s3.send(listing)).Contents ?? [];
}

beforeAll(async () => {
  await seed(engine().client);
});

describe('BACKUP and RESTORE', { timeout: 30_000 }, () => {
  it('run in the background, are polled, and bring the data back', async () => {
    const { client } = engine();
    expect(await submit(client, 'round-trip', 'round-trip')).toEqual([
      { id: 'round-trip', status: 'CREATING_BACKUP' },
    ]);
    expect(await finished(client, 'round-trip')).toMatchObject({ status: 'BACKUP_CREATED', error: '' });
    expect(await exists('round-trip/.backup')).toBe(true);
    expect(await exists('round-trip/.lock')).toBe(false);
    await rowsOf(
      client,
      "RESTORE DATABASE shop AS restored FROM S3({url:String}) SETTINGS id = 'restore' ASYNC",
      {
        url: urlOf('round-trip'),
      },
    );
    expect(await finished(client, 'restore')).toMatchObject({ status: 'RESTORED' });
    const fingerprint = (database: string): Promise<unknown> =>
      rowsOf(client, 'SELECT count(), sum(cityHash64(*)) FROM {database:Identifier}.events', { database });
    expect(await fingerprint('restored')).toEqual(await fingerprint('shop'));
    await client.command({ query: 'DROP DATABASE restored' });
  });

  it('write large files in parts, which read back whole', async () => {
    const { client } = engine();
    await client.command({
      query:
        'CREATE TABLE large (s String) ENGINE = MergeTree ORDER BY tuple() SETTINGS min_bytes_for_wide_part = 0',
    });
    await client.command({ query: 'INSERT INTO large SELECT randomString(1000) FROM numbers(50000)' });
    await rowsOf(client, 'BACKUP TABLE large TO S3({url:String})', { url: urlOf('large') });
    const data = (await objectsUnder('large/data/')).find(({ Key }) => Key?.endsWith('/s.bin'));
    expect(data?.Size).toBeGreaterThan(40_000_000);
    expect(data?.ETag).toMatch(/^"[0-9a-f]{32}-\d+"$/);
    await rowsOf(client, 'RESTORE TABLE large AS large_again FROM S3({url:String})', { url: urlOf('large') });
    expect(
      await rowsOf(client, 'CHECK TABLE large_again SETTINGS check_query_single_value_result = 1'),
    ).toEqual([{ result: 1 }]);
  });

  it('refuse an id that was used before', async () => {
    const { client } = engine();
    await submit(client, 'once', 'once');
    await expect(submit(client, 'once', 'twice')).rejects.toMatchObject({
      code: '36',
      message: expect.stringContaining('there is another backup with the same ID'),
    });
    await finished(client, 'once');
  });

  it('show up in system.processes under the query id of system.backups, where KILL QUERY finds them', async () => {
    const { client } = engine();
    await submit(client, 'cancelled', 'cancelled', `, ${SLOW}`);
    const row = await backupRow(client, 'cancelled');
    const running = await rowsOf(client, 'SELECT query FROM system.processes WHERE query_id = {id:String}', {
      id: row?.query_id,
    });
    expect(running).toEqual([{ query: expect.stringContaining('BACKUP DATABASE shop') }]);
    await client.command({
      query: 'KILL QUERY WHERE query_id = {id:String} ASYNC',
      query_params: { id: row?.query_id },
    });
    expect(await finished(client, 'cancelled')).toMatchObject({ status: 'BACKUP_CANCELLED' });
  });
});

describe('an engine that goes away during a backup', { timeout: 30_000 }, () => {
  const cleanups: Array<() => Promise<unknown>> = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function start(dataDirectory: string): Promise<{ server: Engine; client: ClickHouseClient }> {
    const server = await startEngine({ dataDirectory });
    const client = clientOf(server);
    cleanups.push(server.kill, () => client.close());
    return { server, client };
  }

  async function directoryOfItsOwn(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'safehouse-engine-'));
    cleanups.push(() => rm(directory, { recursive: true }));
    return directory;
  }

  it('by SIGKILL leaves a lock and no manifest, and starts again on its data with no memory of the backup', async () => {
    const dataDirectory = await directoryOfItsOwn();
    const first = await start(dataDirectory);
    await seed(first.client);
    await submit(first.client, 'killed', 'killed', `, ${SLOW}`);
    await vi.waitUntil(() => exists('killed/.lock'), { timeout: 10_000 });
    await first.server.kill();

    const second = await start(dataDirectory);
    expect(await exists('killed/.lock')).toBe(true);
    expect(await exists('killed/.backup')).toBe(false);
    expect(await backupRow(second.client, 'killed')).toBeUndefined();
    expect(await rowsOf(second.client, 'SELECT count() AS c FROM shop.events')).toEqual([{ c: 40000 }]);
    await submit(second.client, 'killed', 'killed');
    expect((await finished(second.client, 'killed')).error).toMatch(
      /^Code: 598\..* is being written already/,
    );
    await submit(second.client, 'another', 'another');
    expect(await finished(second.client, 'another')).toMatchObject({ status: 'BACKUP_CREATED' });
  });

  it('by an orderly stop finishes it first', async () => {
    const { server, client } = await start(await directoryOfItsOwn());
    await seed(client);
    await submit(client, 'finished', 'finished', ', max_backup_bandwidth = 5000000');
    await server.stop();
    expect(await exists('finished/.backup')).toBe(true);
    expect(await exists('finished/.lock')).toBe(false);
  });
});

describe('credentials', () => {
  /** What the first request to S3 carries; it is answered with a refusal. */
  async function headersOf(backup: (endpoint: string) => Promise<unknown>): Promise<IncomingHttpHeaders> {
    const { promise, resolve } = Promise.withResolvers<IncomingHttpHeaders>();
    const server = createServer((request, response) => {
      resolve(request.headers);
      response.writeHead(403).end();
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    await backup(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${BUCKET}`).catch(() => {});
    const headers = await promise;
    server.closeAllConnections();
    server.close();
    return headers;
  }

  it('of the environment sign a bare S3(url)', async () => {
    const headers = await headersOf((endpoint) =>
      rowsOf(engine().client, 'BACKUP DATABASE shop TO S3({url:String})', { url: `${endpoint}/bare` }),
    );
    expect(headers.authorization).toContain('Credential=ambient/');
    expect(headers['x-amz-security-token']).toBeUndefined();
  });

  it('given as query parameters over a named collection sign it, the session token included', async () => {
    const { client } = engine();
    const headers = await headersOf(async (endpoint) => {
      await client.command({ query: `CREATE NAMED COLLECTION temporary AS url = '${endpoint}/'` });
      return rowsOf(
        client,
        `BACKUP DATABASE shop TO S3(temporary, filename = {path:String}, access_key_id = {key:String},
          secret_access_key = {secret:String}, session_token = {token:String}) SETTINGS id = 'temporary'`,
        { path: 'x', key: 'TEMPORARY', secret: 's', token: 'TOKEN' },
      );
    });
    expect(headers.authorization).toContain('Credential=TEMPORARY/');
    expect(headers['x-amz-security-token']).toBe('TOKEN');
    const [row] = await rowsOf<{ name: string }>(
      client,
      "SELECT name FROM system.backups WHERE id = 'temporary'",
    );
    expect(row?.name).toContain("session_token = '[HIDDEN]'");
  });

  it('cannot be put into a named collection by query parameter', async () => {
    const { client } = engine();
    const creation = rowsOf(client, 'CREATE NAMED COLLECTION refused AS access_key_id = {key:String}', {
      key: 'k',
    });
    await expect(creation).rejects.toMatchObject({ code: '62' });
  });
});
