import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ClickHouseException } from './exception.ts';

/** What one HTTP request asks of ClickHouse. */
export interface QueryRequest {
  readonly query: string;
  readonly queryId: string;
  readonly database: string | undefined;
  readonly defaultFormat: string;
  /** Values of `{name:Type}`, in ClickHouse's escaped form, as `param_<name>` carries them. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly settings: ReadonlyMap<string, string>;
}

/** URL parameters that are neither settings nor anything that the embedded engine could do. */
const WITHOUT_EFFECT = new Set([
  'buffer_size',
  'client_protocol_version',
  'close_session',
  'password',
  'quota_key',
  'role',
  'session_check',
  'session_timeout',
  'stacktrace',
  'user',
  'wait_end_of_query',
]);
/** Parameters that would change what the request means, so that leaving them out would be wrong. */
const REFUSED = new Set(['compress', 'decompress', 'session_id']);

/** One JavaScript string holds the query, and V8 ends those at 512 MiB. */
const LONGEST_BODY = 400 * 1024 * 1024;

/**
 * @throws ClickHouseException for what the front cannot serve: sessions, compressed bodies, binary data
 */
export async function readQueryRequest(request: IncomingMessage, url: URL): Promise<QueryRequest> {
  const parameters = new Map<string, string>();
  const settings = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (REFUSED.has(name)) throw unserved(`the URL parameter '${name}'`);
    if (name.startsWith('param_')) parameters.set(name.slice('param_'.length), value);
    else if (!NAMED.has(name) && !WITHOUT_EFFECT.has(name)) settings.set(name, value);
  }
  // ClickHouse lets a GET read only.
  if (request.method !== 'POST') settings.set('readonly', '2');
  const body = await readBody(request);
  const query = [url.searchParams.get('query') ?? '', body].filter(Boolean).join('\n');
  return {
    query,
    queryId: url.searchParams.get('query_id') || randomUUID(),
    database: url.searchParams.get('database') || undefined,
    defaultFormat:
      url.searchParams.get('default_format') ||
      request.headers['x-clickhouse-format']?.toString() ||
      'TabSeparated',
    parameters,
    settings,
  };
}

const NAMED = new Set(['query', 'query_id', 'database', 'default_format']);

async function readBody(request: IncomingMessage): Promise<string> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw unserved(`a body with Content-Encoding ${encoding}`);
  if (request.headers['content-type']?.startsWith('multipart/') === true) throw unserved('a multipart body');
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_BODY) throw unserved(`a body of more than ${LONGEST_BODY} bytes`);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw unserved('a body that is not UTF-8 text, such as a binary format', { cause: error });
  }
}

const unserved = (what: string, options?: ErrorOptions): ClickHouseException =>
  new ClickHouseException(
    48,
    'NOT_IMPLEMENTED',
    `The HTTP front of the embedded engine does not take ${what}.`,
    options,
  );
