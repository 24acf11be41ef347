/** The servers of a home: ClickHouse, S3 and the topic. This process runs them, or uses those that `local up` runs. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { type Bucket, startBucket } from './bucket/bucket.ts';
import { EMBEDDED_PASSWORD, EMBEDDED_USER } from './configuration.ts';
import { type Engine, startEngine } from './engine/engine.ts';
import { type Addresses, leaveHome, shareHome, takeHome } from './holder.ts';
import { type Home, readPorts, readSecrets, rememberPorts } from './home.ts';
import type { LoopbackServer } from './loopback-server.ts';
import { startTopic, type TopicMessage } from './topic.ts';

/** An S3 as the SDK and ClickHouse are told to reach it. */
export interface S3Place {
  readonly endpoint: string;
  readonly bucketName: string;
  readonly region: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** False when it is the one that `AWS_ENDPOINT_URL_S3` names. */
  readonly embedded: boolean;
}

export interface Servers {
  readonly s3: S3Place;
  readonly topicUrl: string;
  /** False when `local up` runs them. */
  readonly own: boolean;
  /** The engine's address. It is started when it is asked for. */
  engineUrl(): Promise<string>;
  /** Ends the engine as a crash would; the next question for its address starts it again, at the same one. */
  killEngine(): Promise<void>;
  /** Lets other commands use them. */
  share(): Promise<Addresses>;
  /** @param patience milliseconds for what runs in the engine to end */
  close(patience?: number): Promise<void>;
}

export interface ServersOptions {
  readonly home: Home;
  readonly bucketName: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly onMessage?: (message: TopicMessage) => void;
}

const REGION = 'us-east-1';
/** What runs in the engine at the end is a backup whose execution is over. */
const PATIENCE_MILLISECONDS = 10_000;

/** @throws {SafehouseError} RefusedForSafety, when another command works in the home */
export async function openServers(options: ServersOptions): Promise<Servers> {
  const { home, bucketName } = options;
  const external = externalS3(options.environment ?? process.env);
  const running = takeHome(home);
  if (running !== undefined) return joined(running, external ?? embeddedS3(running.bucket, bucketName));
  try {
    return await OwnServers.open(options, external);
  } catch (error) {
    leaveHome(home);
    throw error;
  }
}

/** The S3 of the environment, when it names endpoint and bucket. */
function externalS3(environment: NodeJS.ProcessEnv): S3Place | undefined {
  const {
    AWS_ENDPOINT_URL_S3: endpoint,
    SAFEHOUSE_BUCKET: bucketName,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = environment;
  if (!endpoint || !bucketName) return undefined;
  if (!accessKeyId || !secretAccessKey)
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `AWS_ENDPOINT_URL_S3 and SAFEHOUSE_BUCKET name another S3 (${endpoint}), and there are no keys for it.`,
      remedy:
        'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or leave SAFEHOUSE_BUCKET unset to use the embedded one.',
    });
  return {
    endpoint,
    bucketName,
    region: environment['AWS_REGION'] || REGION,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
    embedded: false,
  };
}

/** The embedded bucket takes any keys; without some, the SDK would look for them on the network. */
const embeddedS3 = (endpoint: string, bucketName: string): S3Place => ({
  endpoint,
  bucketName,
  region: REGION,
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  embedded: true,
});

const joined = (addresses: Addresses, s3: S3Place): Servers => ({
  s3,
  topicUrl: addresses.topic,
  own: false,
  engineUrl: async () => addresses.engine,
  killEngine: async () => {
    throw new Error('the engine belongs to another process');
  },
  share: async () => addresses,
  close: async () => {},
});

class OwnServers implements Servers {
  readonly s3: S3Place;
  readonly own = true;
  readonly #home: Home;
  readonly #bucket: Bucket | undefined;
  readonly #topic: LoopbackServer;
  #engine: Promise<Engine> | undefined;

  private constructor(home: Home, s3: S3Place, bucket: Bucket | undefined, topic: LoopbackServer) {
    this.#home = home;
    this.s3 = s3;
    this.#bucket = bucket;
    this.#topic = topic;
  }

  static async open(
    { home, bucketName, onMessage }: ServersOptions,
    external: S3Place | undefined,
  ): Promise<OwnServers> {
    const bucket = external === undefined ? await openBucketServer(home, bucketName) : undefined;
    try {
      const topic = await startTopic({ file: home.topic, ...(onMessage && { onMessage }) });
      const s3 = external ?? embeddedS3(bucket?.endpoint ?? '', bucketName);
      return new OwnServers(home, s3, bucket, topic);
    } catch (error) {
      await bucket?.stop();
      throw error;
    }
  }

  get topicUrl(): string {
    return this.#topic.url;
  }

  async engineUrl(): Promise<string> {
    this.#engine ??= openEngineServer(this.#home, this.s3);
    // A start that failed may be tried again.
    this.#engine.catch(() => {
      this.#engine = undefined;
    });
    return (await this.#engine).url;
  }

  async killEngine(): Promise<void> {
    const engine = await this.#engine;
    this.#engine = undefined;
    await engine?.kill();
  }

  async share(): Promise<Addresses> {
    const addresses = {
      engine: await this.engineUrl(),
      bucket: this.s3.endpoint,
      topic: this.topicUrl,
    };
    shareHome(this.#home, addresses);
    return addresses;
  }

  async close(patience = PATIENCE_MILLISECONDS): Promise<void> {
    const engine = await this.#engine?.catch(() => undefined);
    await stopWithin(engine, patience);
    await stopWithin(this.#bucket, patience);
    await this.#topic.stop();
    leaveHome(this.#home);
  }
}

/** What is killed here would survive a crash just as well. */
async function stopWithin(server: Engine | Bucket | undefined, milliseconds: number): Promise<void> {
  if (server === undefined) return;
  const overdue = new AbortController();
  const stopped = server.stop().catch(() => {});
  const timer = wait(milliseconds, 'overdue', { signal: overdue.signal }).catch(() => {});
  if ((await Promise.race([stopped, timer])) === 'overdue') await server.kill();
  overdue.abort();
}

async function openBucketServer(home: Home, bucketName: string): Promise<Bucket> {
  const port = await freePort(readPorts(home).bucket);
  const bucket = await afterTheLastOne(() =>
    startBucket({ directory: home.bucket, port, buckets: [bucketName], log: logTo(home, 'bucket') }),
  );
  rememberPorts(home, { bucket: portOf(bucket.endpoint) });
  return bucket;
}

async function openEngineServer(home: Home, { credentials }: S3Place): Promise<Engine> {
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
