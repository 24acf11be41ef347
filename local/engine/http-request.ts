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
 * Parameters come in the URL and, for a form, in the body: `multipart/form-data` is how secrets stay out of addresses, which
 * are written into logs on the way.
 *
 * @throws ClickHouseException for what the front cannot serve: sessions, compressed bodies, binary data, external tables
 */
export async function readQueryRequest(request: IncomingMessage, url: URL): Promise<QueryRequest> {
  const body = await readBody(request);
  const form = await readForm(request, body);
  const given = [...url.searchParams, ...(form ?? [])];
  const parameters = new Map<string, string>();
  const settings = new Map<string, string>();
  for (const [name, value] of given) {
    if (REFUSED.has(name)) throw unserved(`the URL parameter '${name}'`);
    if (name.startsWith('param_')) parameters.set(name.slice('param_'.length), value);
    else if (!NAMED.has(name) && !WITHOUT_EFFECT.has(name)) settings.set(name, value);
  }
  // ClickHouse lets a GET read only.
  if (request.method !== 'POST') settings.set('readonly', '2');
  const named = new Map(given.filter(([name]) => NAMED.has(name)));
  const text = form === undefined ? decoded(body) : (form.get('query') ?? '');
  return {
    query: [url.searchParams.get('query') ?? '', text].filter(Boolean).join('\n'),
    queryId: named.get('query_id') || randomUUID(),
    database: named.get('database') || undefined,
    defaultFormat:
      named.get('default_format') || request.headers['x-clickhouse-format']?.toString() || 'TabSeparated',
    parameters,
    settings,
  };
}

const NAMED = new Set(['query', 'query_id', 'database', 'default_format']);

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw unserved(`a body with Content-Encoding ${encoding}`);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_BODY) throw unserved(`a body of more than ${LONGEST_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decoded(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (error) {
    throw unserved('a body that is not UTF-8 text, such as a binary format', { cause: error });
  }
}

/** The fields of a form; undefined when the body is none. */
async function readForm(
  { headers }: IncomingMessage,
  body: Buffer,
): Promise<ReadonlyMap<string, string> | undefined> {
  const type = headers['content-type'];
  if (type?.startsWith('multipart/') !== true) return undefined;
  const fields = new Map<string, string>();
  for (const [name, value] of await parseForm(body, type)) {
    if (typeof value !== 'string') throw unserved(`a file in a form ('${name}'), which is an external table`);
    fields.set(name, value);
  }
  return fields;
}

async function parseForm(body: Buffer, type: string): Promise<FormData> {
  try {
    return await new Response(body, { headers: { 'content-type': type } }).formData();
  } catch (error) {
    throw unserved(`this body of type ${type}: it is no form`, { cause: error });
  }
}

const unserved = (what: string, options?: ErrorOptions): ClickHouseException =>
  new ClickHouseException(
    48,
    'NOT_IMPLEMENTED',
    `The HTTP front of the embedded engine does not take ${what}.`,
    options,
  );
