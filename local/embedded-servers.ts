/** Starts the embedded engine and bucket of a home, each where it was the last time, and ends them. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Bucket, startBucket } from './bucket/bucket.ts';
import { EMBEDDED_PASSWORD, EMBEDDED_USER } from './configuration.ts';
import { type Engine, startEngine } from './engine/engine.ts';
import { type Home, readPorts, readSecrets, rememberPorts } from './home.ts';
import type { S3Place } from './s3-place.ts';

/** What is killed here would survive a crash just as well. */
export async function stopWithin(server: Engine | Bucket | undefined, milliseconds: number): Promise<void> {
  if (server === undefined) return;
  const overdue = new AbortController();
  const stopped = server.stop().catch(() => {});
  const timer = wait(milliseconds, 'overdue', { signal: overdue.signal }).catch(() => {});
  if ((await Promise.race([stopped, timer])) === 'overdue') await server.kill();
  overdue.abort();
}

export async function openBucketServer(home: Home, bucketName: string): Promise<Bucket> {
  const port = await freePort(readPorts(home).bucket);
  const bucket = await afterTheLastOne(() =>
    startBucket({ directory: home.bucket, port, buckets: [bucketName], log: logTo(home, 'bucket') }),
  );
  rememberPorts(home, { bucket: portOf(bucket.endpoint) });
  return bucket;
}

export async function openEngineServer(home: Home, { credentials }: S3Place): Promise<Engine> {
  const port = await freePort(readPorts(home).engine);
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const engine = await afterTheLastOne(() =>
    startEngine({
      dataDirectory: home.engine,
      port,
      users: { default: '', [EMBEDDED_USER]: readSecrets(home)[EMBEDDED_PASSWORD] ?? '' },
      environment: {
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        ...(sessionToken && { AWS_SESSION_TOKEN: sessionToken }),
      },
      log: logTo(home, 'engine'),
    }),
  );
  rememberPorts(home, { engine: portOf(engine.url) });
  return engine;
}

const IN_USE = /in use|cannot be opened/;
const AGAIN_MILLISECONDS = 250;
const TRIES = 20;

/** After a kill -9, engine and bucket of the killed process need a moment to notice and to end. */
async function afterTheLastOne<Server>(start: () => Promise<Server>): Promise<Server> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await start();
    } catch (error) {
      if (attempt === TRIES || !(error instanceof Error && IN_USE.test(error.message))) throw error;
      await wait(AGAIN_MILLISECONDS);
    }
}

const portOf = (url: string): number => Number(new URL(url).port);

/** The port, or 0 (any) when something else has taken it since. */
async function freePort(port: number | undefined): Promise<number> {
  if (port === undefined) return 0;
  const probe = createServer();
  const free = await new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (!free) return 0;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function logTo(home: Home, name: string): (line: string) => void {
  mkdirSync(home.logs, { recursive: true });
  const file = join(home.logs, `${name}.log`);
  return (line) => appendFileSync(file, `${line}\n`);
}
