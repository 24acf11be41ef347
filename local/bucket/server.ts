/** The process that holds the buckets. `bucket.ts` starts it. */
import { createServer } from 'node:http';
import * as z from 'zod';
import { listenOnLoopback } from '../listen.ts';
import { type RunningServer, StartRefused, serveParent } from '../parent.ts';
import { BucketStore } from './bucket-store.ts';
import { s3Interface } from './s3-interface.ts';

const settingsSchema = z.object({
  directory: z.string(),
  port: z.number().int(),
  buckets: z.array(z.string()),
});

serveParent(async (settings): Promise<RunningServer> => {
  const { directory, port, buckets } = settingsSchema.parse(settings);
  const store = open(directory, buckets);
  const server = createServer(s3Interface(store, console.error));
  // Uploads last as long as they last, and ClickHouse keeps its connections for minutes.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 120_000;
  const listening = await listenOnLoopback(server, port);
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    await closed;
    store.close();
  };
  return { port: listening, stop };
});

function open(directory: string, buckets: readonly string[]): BucketStore {
  try {
    return new BucketStore(directory, buckets);
  } catch (error) {
    if (!/database is locked/.test(String(error))) throw error;
    throw new StartRefused(
      `the directory ${directory} is in use by another bucket; stop that one or choose another directory`,
      { cause: error },
    );
  }
}
