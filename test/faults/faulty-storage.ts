/** S3 on a bad day: a server before the real one that refuses, delays, breaks off or rewrites what a test tells it to. */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const ACTIONS = [
  'ListObjects',
  'GetObject',
  'HeadObject',
  'PutObject',
  'DeleteObject',
  'DeleteObjects',
  'CreateMultipartUpload',
  'UploadPart',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
  'Other',
] as const;
export type Action = (typeof ACTIONS)[number];

export interface S3Request {
  readonly action: Action;
  /** Without the bucket. */
  readonly key: string;
  /** The prefix of a listing. */
  readonly prefix: string;
  /** Whose SDK sent it. */
  readonly by: 'ClickHouse' | 'functions';
  readonly isWithToken: boolean;
}

interface ErrorAnswer {
  readonly status: number;
  readonly code: string;
  readonly message?: string;
}

export type Fault =
  /** An error of S3 instead of the answer. */
  | { readonly answer: ErrorAnswer }
  /** The connection is cut before anything was done. */
  | 'reset'
  /** It is done, and the connection is cut before the answer. */
  | 'answer lost'
  /** The connection is cut after so many bytes of the body. */
  | { readonly cutAfter: number }
  /** Nothing is ever answered. */
  | 'silence'
  | { readonly delay: number }
  /** Held back until then. */
  | { readonly until: Promise<unknown> }
  /** The real answer, with another body. */
  | { readonly rewrite: (body: string) => string }
  /** An answer in place of the real one. */
  | { readonly body: string };

export const SLOW_DOWN: Fault = {
  answer: { status: 503, code: 'SlowDown', message: 'Please reduce your request rate.' },
};
export const INTERNAL_ERROR: Fault = { answer: { status: 500, code: 'InternalError' } };
export const DENIED: Fault = { answer: { status: 403, code: 'AccessDenied', message: 'Access Denied' } };
export const EXPIRED: Fault = {
  answer: { status: 400, code: 'ExpiredToken', message: 'The provided token has expired.' },
};

type Judge = (asked: S3Request) => Fault | undefined;

export class FaultyStorage {
  readonly asked: S3Request[] = [];
  /** How many requests were not answered as they should have been. */
  faults = 0;
  #judge: Judge = () => undefined;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server = createServer((incoming, response) => this.#serve(incoming, response));
  #behind = '';

  /** Stands before the S3 that the functions would reach, and in its place for them and for ClickHouse. */
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

  /** From now on each request is judged like this; undefined lets it pass. */
  suffer(judge: Judge): void {
    this.#judge = judge;
  }

  /** From now on all is well; what is held in silence stays so. */
  heal(): void {
    this.#judge = () => undefined;
    this.asked.length = 0;
    this.faults = 0;
  }

  askedFor(action: Action): S3Request[] {
    return this.asked.filter((asked) => asked.action === action);
  }

  #serve(incoming: IncomingMessage, response: ServerResponse): void {
    const asked = readRequest(incoming);
    this.asked.push(asked);
    const fault = this.#judge(asked);
    if (fault !== undefined) this.faults += 1;
    if (fault === undefined || fault === 'answer lost') this.#forward(incoming, response, fault);
    else if (fault === 'silence') incoming.resume();
    else if (fault === 'reset') incoming.socket.destroy();
    else if ('answer' in fault) refuse(incoming, response, fault.answer);
    else if ('body' in fault) say(incoming, response, fault.body);
    else if ('until' in fault) void fault.until.then(() => this.#forward(incoming, response));
    else if ('delay' in fault) setTimeout(() => this.#forward(incoming, response), fault.delay);
    else this.#forward(incoming, response, fault);
  }

  #forward(incoming: IncomingMessage, response: ServerResponse, fault?: Fault): void {
    const { hostname, port } = new URL(this.#behind);
    const { method, url: path, headers } = incoming;
    const forwarded = request({ hostname, port, method, path, headers, agent: this.#agent }, (answer) => {
      if (fault === undefined) {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      } else void spoil(answer, response, fault);
    });
    forwarded.on('error', () => response.destroy());
    incoming.on('error', () => forwarded.destroy());
    incoming.pipe(forwarded);
  }
}

async function spoil(answer: IncomingMessage, response: ServerResponse, fault: Fault): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  if (typeof fault === 'object' && 'rewrite' in fault) {
    const text = fault.rewrite(body.toString());
    const headers = { ...answer.headers, 'content-length': String(Buffer.byteLength(text)) };
    response.writeHead(answer.statusCode ?? 500, headers).end(text);
    return;
  }
  if (typeof fault !== 'object' || !('cutAfter' in fault)) return void response.destroy();
  response.writeHead(answer.statusCode ?? 500, answer.headers);
  // With its end missing the body is shorter than its length, which every client must notice.
  response.write(body.subarray(0, Math.min(fault.cutAfter, body.length - 1)), () => response.destroy());
}

function refuse(
  incoming: IncomingMessage,
  response: ServerResponse,
  { status, code, message = `${code}, said the storage` }: ErrorAnswer,
): void {
  incoming.resume();
  response
    .writeHead(status, { 'content-type': 'application/xml' })
    .end(
      `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
    );
}

function say(incoming: IncomingMessage, response: ServerResponse, body: string): void {
  incoming.resume();
  response.writeHead(200, { 'content-type': 'application/xml' }).end(body);
}

function readRequest({ method = '', url = '', headers }: IncomingMessage): S3Request {
  const { pathname, searchParams } = new URL(url, 'http://storage');
  const [, , ...rest] = pathname.split('/');
  const key = decodeURIComponent(rest.join('/'));
  return {
    action: actionOf(method, key, searchParams),
    key,
    prefix: searchParams.get('prefix') ?? '',
    by: /aws-sdk-js/.test(headers['user-agent'] ?? '') ? 'functions' : 'ClickHouse',
    isWithToken: headers['x-amz-security-token'] !== undefined,
  };
}

function actionOf(method: string, key: string, parameters: URLSearchParams): Action {
  if (parameters.has('uploadId')) return uploadAction(method);
  if (method === 'POST' && parameters.has('uploads')) return 'CreateMultipartUpload';
  if (method === 'POST' && parameters.has('delete')) return 'DeleteObjects';
  if (method === 'GET' && key === '') return parameters.has('versioning') ? 'Other' : 'ListObjects';
  const actions: Readonly<Record<string, Action>> = {
    GET: 'GetObject',
    HEAD: 'HeadObject',
    PUT: 'PutObject',
    DELETE: 'DeleteObject',
  };
  return actions[method] ?? 'Other';
}

const uploadAction = (method: string): Action =>
  method === 'PUT'
    ? 'UploadPart'
    : method === 'POST'
      ? 'CompleteMultipartUpload'
      : method === 'DELETE'
        ? 'AbortMultipartUpload'
        : 'Other';
