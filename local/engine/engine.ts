import { resolve } from 'node:path';
import { startServerProcess } from '../server-process.ts';

export interface EngineOptions {
  /** Created when it does not exist. One engine at a time holds it. */
  readonly dataDirectory: string;
  /** 0, the default, for any free one. */
  readonly port?: number;
  /** A server's configuration file, in place of the engine's own. */
  readonly configuration?: string;
  /** Passwords by name; by default the user `default` with an empty password. */
  readonly users?: Readonly<Record<string, string>>;
  /**
   * Added to the engine's environment. A bare `S3('url')` signs with `AWS_ACCESS_KEY_ID` and its kin; the caller's own
   * `AWS_…` variables do not reach the engine.
   */
  readonly environment?: Readonly<Record<string, string>>;
  readonly log?: (line: string) => void;
}

export interface Engine {
  /** For `createClient({ url })` of `@clickhouse/client`. */
  readonly url: string;
  readonly pid: number;
  /** Waits for what is running, a BACKUP or RESTORE in the background included, as a server does. */
  stop(): Promise<void>;
  /** SIGKILL: what a crash leaves behind. */
  kill(): Promise<void>;
}

/**
 * Starts a ClickHouse of one's own: the embedded engine in its own process, behind ClickHouse's HTTP interface on
 * 127.0.0.1.
 *
 * @throws Error when the data directory is in use or cannot be opened, or the port is taken
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const server = await startServerProcess({
    name: 'engine',
    entry: new URL('server.ts', import.meta.url),
    settings: {
      dataDirectory: resolve(options.dataDirectory),
      port: options.port ?? 0,
      users: options.users ?? { default: '' },
      ...(options.configuration !== undefined && { configuration: resolve(options.configuration) }),
    },
    environment: { ...inherited(), ...options.environment },
    log: options.log,
  });
  return { url: `http://127.0.0.1:${server.port}`, pid: server.pid, stop: server.stop, kill: server.kill };
}

function inherited(): NodeJS.ProcessEnv {
  const withoutAws = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  return {
    ...Object.fromEntries(withoutAws),
    // Every query that runs holds a thread of libuv's pool, of which there are four by default.
    UV_THREADPOOL_SIZE: '64',
    // Looking for an instance's credentials where there is no instance costs seconds.
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}
