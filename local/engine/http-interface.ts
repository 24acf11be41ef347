import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { authenticate, type Users } from './authentication.ts';
import { ClickHouseException, exceptionFrom, exceptionText, httpStatusOf } from './exception.ts';
import type { OpenEngine } from './execution.ts';
import { readQueryRequest } from './http-request.ts';
import { type Identity, introduce } from './identity.ts';
import { readQueryText } from './query-text.ts';

/** ClickHouse's HTTP interface in front of the embedded engine, which has none. */
export function httpInterface(engine: OpenEngine, users: Users, identity: Identity): RequestListener {
  return (request, response) => {
    const url = URL.parse(`http://127.0.0.1${request.url}`);
    if (url === null) {
      response.writeHead(400).end(`${request.url} is not a path\n`);
    } else if (url.pathname === '/ping' || (url.pathname === '/' && isGreeting(request, url))) {
      response.end('Ok.\n');
    } else if (url.pathname === '/') {
      void answerQuery(request, response, url, { engine, users, identity });
    } else {
      response.writeHead(404).end(`There is no handle ${url.pathname}\n`);
    }
  };
}

const isGreeting = (request: IncomingMessage, url: URL): boolean =>
  request.method === 'GET' && !url.searchParams.has('query');

interface Front {
  readonly engine: OpenEngine;
  readonly users: Users;
  readonly identity: Identity;
}

async function answerQuery(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  { engine, users, identity }: Front,
): Promise<void> {
  response.setHeader('X-ClickHouse-Server-Display-Name', hostname());
  response.setHeader('X-ClickHouse-Timezone', engine.timeZone);
  try {
    authenticate(request, url, users);
    const asked = await readQueryRequest(request, url);
    // For the client's log only: the engine runs the query under an id of its own, and KILL QUERY knows that one.
    response.setHeader('X-ClickHouse-Query-Id', asked.queryId);
    const text = readQueryText(asked.query);
    refuseSecondStatement(asked.query, text.secondStatement);
    const result = await engine.run(asked, introduce(asked.query, text, identity, Date.now()));
    const format = text.format ?? asked.defaultFormat;
    response.setHeader('X-ClickHouse-Format', format);
    response.setHeader('Content-Type', contentType(format));
    response.setHeader('X-ClickHouse-Summary', summary(result));
    response.end(result.bytes());
  } catch (error) {
    answerException(request, response, exceptionFrom(error), engine.version);
  }
}

function refuseSecondStatement(query: string, position: number | undefined): void {
  if (position === undefined) return;
  throw new ClickHouseException(
    62,
    'SYNTAX_ERROR',
    `Syntax error (Multi-statements are not allowed): failed at position ${position}: ${query.slice(position, position + 40)}.`,
  );
}

function answerException(
  request: IncomingMessage,
  response: ServerResponse,
  exception: ClickHouseException,
  version: string,
): void {
  // A client that is still sending would see a broken pipe instead of the answer.
  request.resume();
  response.writeHead(httpStatusOf(exception), {
    'Content-Type': 'text/plain; charset=UTF-8',
    'X-ClickHouse-Exception-Code': exception.code,
  });
  response.end(exceptionText(exception, version));
}

const summary = (result: { rowsRead: number; bytesRead: number; elapsed: number }): string =>
  JSON.stringify({
    read_rows: String(result.rowsRead),
    read_bytes: String(result.bytesRead),
    elapsed_ns: String(Math.round(result.elapsed * 1e9)),
  });

function contentType(format: string): string {
  if (/^JSON.*EachRow/i.test(format)) return 'application/x-ndjson; charset=UTF-8';
  if (/^JSON/i.test(format)) return 'application/json; charset=UTF-8';
  if (/^CSV/i.test(format)) return 'text/csv; charset=UTF-8; header=absent';
  if (/^(?:TSV|TabSeparated)/i.test(format)) return 'text/tab-separated-values; charset=UTF-8';
  if (/^(?:Native|RowBinary|Parquet|Arrow|ORC|Avro)/i.test(format)) return 'application/octet-stream';
  return 'text/plain; charset=UTF-8';
}
