/** A ClickHouse that answers what a test tells it to, over HTTP, and remembers what it was asked. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll } from 'vitest';

export interface Asked {
  readonly query: string;
  /** Without their `param_`. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, string>>;
  readonly user: string;
  readonly password: string;
  /** The address as it was sent, which everything on the way may write into its log. */
  readonly address: string;
}

type Row = Readonly<Record<string, unknown>>;
export type Answer =
  | readonly Row[]
  /** As ClickHouse refuses. */
  | { readonly code: number; readonly name: string; readonly text: string }
  /** As a server that is going down, or a load balancer without one. */
  | 'connection reset'
  | { readonly status: number; readonly body: string };

interface Rule {
  readonly pattern: RegExp;
  readonly answer: (asked: Asked) => Answer;
}

export class FakeClickHouse {
  readonly asked: Asked[] = [];
  readonly #rules: Rule[] = [];
  readonly #unexpected: string[] = [];
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Answers queries like this; the newest rule that fits decides. */
  on(pattern: RegExp, answer: Answer | ((asked: Asked) => Answer)): this {
    this.#rules.unshift({ pattern, answer: typeof answer === 'function' ? answer : () => answer });
    return this;
  }

  /** What was asked like this. */
  askedFor(pattern: RegExp): Asked[] {
    return this.asked.filter(({ query }) => pattern.test(query));
  }

  /** @throws Error when something was asked that no rule foresaw */
  reset(): void {
    const unexpected = this.#unexpected.splice(0);
    this.asked.length = 0;
    this.#rules.length = 0;
    if (unexpected.length > 0) throw new Error(`nobody expected to be asked:\n${unexpected.join('\n')}`);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = await readRequest(request);
    this.asked.push(asked);
    const rule = this.#rules.find(({ pattern }) => pattern.test(asked.query));
    if (rule === undefined) this.#unexpected.push(asked.query);
    reply(response, rule?.answer(asked) ?? { status: 500, body: 'unexpected query' });
  }
}

function reply(response: ServerResponse, answer: Answer): void {
  if (answer === 'connection reset') response.socket?.resetAndDestroy();
  else if ('status' in answer) response.writeHead(answer.status).end(answer.body);
  else if ('code' in answer)
    response
      .writeHead(500, { 'X-ClickHouse-Exception-Code': String(answer.code) })
      .end(`Code: ${answer.code}. DB::Exception: ${answer.text}. (${answer.name}) (version 26.7.2.1)\n`);
  else response.end(answer.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

async function readRequest(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const type = request.headers['content-type'] ?? 'text/plain';
  const form = type.startsWith('multipart/')
    ? await new Response(Buffer.concat(chunks), { headers: { 'content-type': type } }).formData()
    : undefined;
  const { searchParams } = new URL(request.url ?? '', 'http://clickhouse');
  const fields = [...searchParams, ...(form ?? [])].map(([name, value]) => [name, String(value)] as const);
  const isParameter = ([name]: readonly [string, string]): boolean => name.startsWith('param_');
  const [user = '', password = ''] = credentialsOf(request);
  return {
    query: fields.find(([name]) => name === 'query')?.[1] ?? Buffer.concat(chunks).toString(),
    parameters: Object.fromEntries(
      fields.filter(isParameter).map(([name, value]) => [name.replace('param_', ''), value]),
    ),
    settings: Object.fromEntries(fields.filter((field) => !isParameter(field) && field[0] !== 'query')),
    user,
    password,
    address: request.url ?? '',
  };
}

function credentialsOf({ headers }: IncomingMessage): string[] {
  const { authorization = '' } = headers;
  return Buffer.from(authorization.replace('Basic ', ''), 'base64').toString().split(':');
}

/** One for the tests of a file, empty for each; a test in which something unexpected was asked fails. */
export function fakeClickHouse(): FakeClickHouse {
  const clickhouse = new FakeClickHouse();
  beforeAll(() => clickhouse.start());
  afterAll(() => clickhouse.stop());
  afterEach(() => clickhouse.reset());
  return clickhouse;
}
