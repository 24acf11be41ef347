/** A small HTTP server on 127.0.0.1, for the AWS services whose answer fits on a screen. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { listenOnLoopback } from './listen.ts';

export interface LoopbackRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface LoopbackAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface LoopbackServer {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** @param port 0 for any free one */
export async function startLoopbackServer(
  answer: (request: LoopbackRequest) => LoopbackAnswer,
  port = 0,
): Promise<LoopbackServer> {
  const server = createServer((request, response) => {
    void readBody(request)
      .then((body) => {
        const { method = 'GET', url = '/', headers } = request;
        return answer({ method, path: url, headers, body });
      })
      .catch((error: unknown) => ({ status: 500, contentType: 'text/plain', body: String(error) }))
      .then(({ status, contentType, body }) =>
        response.writeHead(status, { 'content-type': contentType }).end(body),
      );
  });
  const listening = await listenOnLoopback(server, port);
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return { url: `http://127.0.0.1:${listening}`, port: listening, stop };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
