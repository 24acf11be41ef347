/** Engines whose own credentials are those of a session, as a server's are those of its role. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll } from 'vitest';
import type { Bucket } from '../../clients/bucket.ts';
import { startEngine } from '../../local/engine/engine.ts';
import { rowsOf } from '../local/engine/served-engine.ts';
import { type Keys, reach, variablesOf } from './served-s3.ts';

/** A statement that makes twenty thousand files, on a machine that has other things to do. */
const STATEMENT_MILLISECONDS = 110_000;

export interface KeyedEngine {
  readonly url: string;
  tell(...statements: readonly string[]): Promise<void>;
  ask<Row>(query: string): Promise<Row[]>;
}

/** Registered once for the file: a hook that a test registered would never run. */
const endings: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of endings) await end();
});

/** Runs until the end of the test file. */
export async function engineWith(keys: Keys): Promise<KeyedEngine> {
  const directory = await mkdtemp(join(tmpdir(), 'safehouse-s3-engine-'));
  const server = await startEngine({
    dataDirectory: directory,
    environment: { ...variablesOf(keys), AWS_REGION: reach.region },
  });
  const client = createClient({
    url: server.url,
    request_timeout: STATEMENT_MILLISECONDS,
    log: { level: ClickHouseLogLevel.OFF },
  });
  endings.push(async () => {
    await client.close();
    await server.kill();
    await rm(directory, { recursive: true });
  });
  return {
    url: server.url,
    tell: async (...statements) => {
      for (const query of statements) await client.command({ query });
    },
    ask: (query) => rowsOf(client, query),
  };
}

/** What the targets of the configuration back up, `rows` rows in three partitions. */
export const makeShop = (engine: KeyedEngine, rows = 3000): Promise<void> =>
  engine.tell(
    'CREATE DATABASE shop',
    'CREATE TABLE shop.orders (id UInt64, at DateTime, note String) ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY id',
    `INSERT INTO shop.orders SELECT number, toDateTime('2026-01-01 00:00:00') + number * 2592, hex(cityHash64(number)) FROM numbers(${rows})`,
    'CREATE VIEW shop.recent AS SELECT * FROM shop.orders WHERE id > 100',
  );

/** A destination as the functions write it: the server's own credentials, the bucket in the path. */
export const destination = ({ name }: Bucket, prefix: string): string =>
  `S3('${reach.endpoint}/${name}/${prefix}')`;
