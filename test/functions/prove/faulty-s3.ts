/** S3 as it is on a bad day: a server before the real one, that answers some requests itself and remembers all of them. */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from 'vitest';

export interface S3Answer {
  readonly status: number;
  readonly code: string;
}

export interface S3Asked {
  readonly method: string;
  readonly key: string;
  readonly authorization: string;
}

export class FaultyS3 {
  readonly asked: S3Asked[] = [];
  /** What to answer instead; undefined lets the request pass. */
  fault: (asked: S3Asked) => S3Answer | undefined = () => undefined;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server = createServer((incoming, response) => this.#serve(incoming, response));
  #behind = '';

  async start(): Promise<void> {
    this.#behind = process.env['AWS_ENDPOINT_URL_S3'] ?? '';
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    process.env['AWS_ENDPOINT_URL_S3'] = this.url;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #serve(incoming: IncomingMessage, response: ServerResponse): void {
    const asked = {
      method: incoming.method ?? '',
      key: decodeURIComponent(new URL(incoming.url ?? '', this.#behind).pathname),
      authorization: incoming.headers.authorization ?? '',
    };
    this.asked.push(asked);
    const answer = this.fault(asked);
    if (answer === undefined) this.#forward(incoming, response);
    else {
      incoming.resume();
      response
        .writeHead(answer.status, { 'content-type': 'application/xml' })
        .end(`<Error><Code>${answer.code}</Code><Message>${answer.code} said</Message></Error>`);
    }
  }

  #forward(incoming: IncomingMessage, response: ServerResponse): void {
    const { hostname, port } = new URL(this.#behind);
    const { method, url: path, headers } = incoming;
    const forwarded = request({ hostname, port, method, path, headers, agent: this.#agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    incoming.pipe(forwarded);
  }
}

/** For the tests of one file, whose functions reach S3 through it. To be called after the ground was made. */
export function faultyS3(): FaultyS3 {
  const s3 = new FaultyS3();
  beforeAll(() => s3.start());
  afterAll(() => s3.stop());
  return s3;
}
