import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll } from 'vitest';
import { type Engine, type EngineOptions, startEngine } from '../../../local/engine/engine.ts';

export interface ServedEngine {
  readonly server: Engine;
  readonly client: ClickHouseClient;
}

/** An engine for the tests of one file, on a directory of its own, and a client for it. */
export function serveEngine(options: Omit<EngineOptions, 'dataDirectory'> = {}): () => ServedEngine {
  let served: (ServedEngine & { readonly directory: string }) | undefined;
  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'safehouse-engine-'));
    const server = await startEngine({ dataDirectory: directory, ...options });
    served = { directory, server, client: clientOf(server) };
  });
  afterAll(async () => {
    await served?.client.close();
    await served?.server.stop();
    if (served !== undefined) await rm(served.directory, { recursive: true });
  });
  return () => {
    if (served === undefined) throw new Error('the engine has not been started');
    return served;
  };
}

export const clientOf = (
  server: Engine,
  credentials: { username?: string; password?: string } = {},
): ClickHouseClient =>
  createClient({ url: server.url, ...credentials, log: { level: ClickHouseLogLevel.OFF } });

export async function rowsOf<Row>(
  client: ClickHouseClient,
  query: string,
  query_params: Record<string, unknown> = {},
): Promise<Row[]> {
  const result = await client.query({ query, query_params, format: 'JSONEachRow' });
  return result.json<Row>();
}
