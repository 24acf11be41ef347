/** The process that holds the embedded engine. `engine.ts` starts it. */
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { listenOnLoopback } from '../listen.ts';
import { type RunningServer, serveParent } from '../parent.ts';
import { type OpenEngine, openEngine } from './execution.ts';
import { httpInterface } from './http-interface.ts';
import { readIdentity } from './identity.ts';

const settingsSchema = z.object({
  dataDirectory: z.string(),
  port: z.number().int(),
  users: z.record(z.string(), z.string()),
  configuration: z.string().default(fileURLToPath(new URL('config.xml', import.meta.url))),
});

serveParent(async (settings): Promise<RunningServer> => {
  const { dataDirectory, port, users, configuration } = settingsSchema.parse(settings);
  const identity = await readIdentity(dataDirectory);
  const engine = await open(dataDirectory, configuration);
  const server = createServer(httpInterface(engine, users, identity));
  // A BACKUP, a RESTORE or a CHECK TABLE in the foreground takes as long as it takes.
  server.requestTimeout = 0;
  const listening = await listenOnLoopback(server, port);
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    await closed;
    await engine.close();
  };
  return { port: listening, stop };
});

async function open(dataDirectory: string, configuration: string): Promise<OpenEngine> {
  try {
    return await openEngine(dataDirectory, configuration);
  } catch (error) {
    // ClickHouse writes its reason to stderr, from where it reaches the caller's message.
    throw new Error(
      `the data directory ${dataDirectory} cannot be opened; if another engine holds it, stop that one first`,
      { cause: error },
    );
  }
}
