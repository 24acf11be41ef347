/** The servers of a home: ClickHouse, S3 and the topic. This process runs them, or uses those that `local up` runs. */
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Bucket } from './bucket/bucket.ts';
import { openBucketServer, openEngineServer, stopWithin } from './embedded-servers.ts';
import type { Engine } from './engine/engine.ts';
import { type Addresses, leaveHome, shareHome, takeHome } from './holder.ts';
import type { Home } from './home.ts';
import type { LoopbackServer } from './loopback-server.ts';
import { embeddedS3, externalS3, type S3Place } from './s3-place.ts';
import { startTopic, type TopicMessage } from './topic.ts';

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

/** What runs in the engine at the end is a backup whose execution is over. */
const PATIENCE_MILLISECONDS = 10_000;

/** @throws {SafehouseError} RefusedForSafety, when another command works in the home */
export async function openServers(options: ServersOptions): Promise<Servers> {
  const { home, bucketName } = options;
  const external = externalS3(options.environment ?? process.env);
  const running = takeHome(home);
  if (running !== undefined) {
    refuseAnotherS3(running, external);
    return joined(running, external ?? embeddedS3(running.s3, bucketName));
  }
  try {
    return await OwnServers.open(options, external);
  } catch (error) {
    leaveHome(home);
    throw error;
  }
}

/** The engine signs with the keys that it was started with. */
function refuseAnotherS3(running: Addresses, external: S3Place | undefined): void {
  const theirs = running.s3Embedded ? undefined : running.s3;
  if (external?.endpoint === theirs) return;
  throw new SafehouseError(ERROR_NAMES.configuration, {
    what: `\`local up\` uses ${theirs ?? 'the embedded S3'}, and this command was told to use ${external?.endpoint ?? 'the embedded one'}.`,
    remedy: 'Set AWS_ENDPOINT_URL_S3 and SAFEHOUSE_BUCKET for both in the same way, or for neither.',
  });
}

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
      s3: this.s3.endpoint,
      s3Embedded: this.s3.embedded,
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
