import { resolve } from 'node:path';
import { startServerProcess } from '../server-process.ts';

export interface BucketOptions {
  /** Created when it does not exist; what is in it survives restarts. One server at a time holds it. */
  readonly directory: string;
  /** 0, the default, for any free one. */
  readonly port?: number;
  /** The buckets that exist. ClickHouse takes names of 3 to 63 characters only. */
  readonly buckets: readonly string[];
  readonly log?: (line: string) => void;
}

export interface Bucket {
  /** For `new S3Client({ endpoint, forcePathStyle: true })`; an object lies at `<endpoint>/<bucket>/<key>`. */
  readonly endpoint: string;
  readonly pid: number;
  /** Lets the requests in progress end. */
  stop(): Promise<void>;
  /** SIGKILL: what a crash leaves behind. */
  kill(): Promise<void>;
}

/**
 * Starts an S3 server on 127.0.0.1 in a process of its own, so that hundreds of megabytes of backup do not hold up the
 * process that reports their progress. It answers conditional writes as AWS does and takes any credentials.
 *
 * @throws Error when the directory is in use or the port is taken
 */
export async function startBucket(options: BucketOptions): Promise<Bucket> {
  const server = await startServerProcess({
    name: 'bucket',
    entry: new URL('server.ts', import.meta.url),
    settings: {
      directory: resolve(options.directory),
      port: options.port ?? 0,
      buckets: options.buckets,
    },
    environment: process.env,
    log: options.log,
  });
  return {
    endpoint: `http://127.0.0.1:${server.port}`,
    pid: server.pid,
    stop: server.stop,
    kill: server.kill,
  };
}
