/** An address before one ClickHouse or several: it hands requests round, loses answers and refuses. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export type ServerFault =
  /** ClickHouse does it, and nobody hears the answer. */
  | 'answer lost'
  /** Nobody is there. */
  | 'refused';

/** @param query what is asked, wherever in the request it stands */
type Judge = (query: string) => ServerFault | undefined;

export class FaultyServer {
  /** Which server each request went to, by its place in the list. */
  readonly asked: { readonly query: string; readonly server: number }[] = [];
  #judge: Judge = () => undefined;
  #choose: (turn: number) => number = (turn) => turn % this.#servers.length;
  readonly #servers: readonly string[];
  readonly #server = createServer((incoming, response) => void this.#serve(incoming, response));

  private constructor(servers: readonly string[]) {
    this.#servers = servers;
  }

  /** Ended with the test. @param servers asked in turn */
  static async before(...servers: readonly string[]): Promise<FaultyServer> {
    const faulty = new FaultyServer(servers);
    await new Promise<void>((resolve) => faulty.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      faulty.#server.closeAllConnections();
      await new Promise((resolve) => faulty.#server.close(resolve));
    });
    return faulty;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  suffer(judge: Judge): this {
    this.#judge = judge;
    return this;
  }

  /** Which server is asked at each turn, instead of one after the other. */
  choose(choose: (turn: number) => number): this {
    this.#choose = choose;
    return this;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const parameters = new URL(incoming.url ?? '', 'http://server').searchParams;
    const query = `${parameters.get('query') ?? ''}${body.toString()}`;
    const server = this.#choose(this.asked.length);
    this.asked.push({ query, server });
    const fault = this.#judge(query);
    if (fault === 'refused') return void incoming.socket.destroy();
    const answer = await this.#forward(incoming, body, this.#servers[server] ?? '').catch(() => undefined);
    if (answer === undefined || fault === 'answer lost') return void incoming.socket.destroy();
    const { 'content-encoding': _encoding, 'transfer-encoding': _transfer, ...headers } = answer.headers;
    response.writeHead(answer.status, headers).end(answer.body);
  }

  async #forward({ method = 'POST', url = '', headers }: IncomingMessage, body: Buffer, server: string) {
    const sent = new Headers();
    for (const [name, value] of Object.entries(headers))
      if (!['host', 'connection', 'content-length', 'transfer-encoding'].includes(name))
        sent.set(name, String(value));
    const answer = await fetch(`${server}${url}`, {
      method,
      headers: sent,
      ...(method === 'GET' ? {} : { body: new Uint8Array(body) }),
    });
    return {
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: Buffer.from(await answer.arrayBuffer()),
    };
  }
}
