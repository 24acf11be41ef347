/** An HTTP server that passes every request on, and lets somebody look at it, or at the answer, on the way. */
import { createServer, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { listenOnLoopback } from '../../local/listen.ts';

export interface Forwarder {
  readonly url: string;
  stop(): Promise<void>;
}

export interface ForwarderOptions {
  /** The server behind it. */
  readonly to: string;
  /** Called with each request before it goes on. */
  readonly onRequest?: (incoming: IncomingMessage) => void;
  /** Another body in place of the answer's; undefined lets the answer pass as it comes. */
  readonly rewrite?: (incoming: IncomingMessage, answer: string) => string;
}

export async function startForwarder({ to, onRequest, rewrite }: ForwarderOptions): Promise<Forwarder> {
  const { hostname, port } = new URL(to);
  const server = createServer((incoming, outgoing) => {
    onRequest?.(incoming);
    const { method, url, headers } = incoming;
    const onward = request({ hostname, port, method, path: url, headers }, (answer) => {
      void (async () => {
        const { statusCode = 502, headers: answered } = answer;
        if (rewrite === undefined) {
          outgoing.writeHead(statusCode, answered);
          await pipeline(answer, outgoing);
          return;
        }
        const body = rewrite(incoming, (await buffer(answer)).toString('utf8'));
        const { 'content-length': _, 'transfer-encoding': __, ...kept } = answered;
        outgoing.writeHead(statusCode, { ...kept, 'content-length': Buffer.byteLength(body) }).end(body);
      })().catch(() => outgoing.destroy());
    });
    onward.once('error', () => outgoing.destroy());
    pipeline(incoming, onward).catch(() => onward.destroy());
  });
  server.requestTimeout = 0;
  const listening = await listenOnLoopback(server, 0);
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return { url: `http://127.0.0.1:${listening}`, stop };
}
