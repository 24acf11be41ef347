/** An S3 of thirty lines in memory that checks nothing and remembers with what credentials each request came. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RecordedRequest {
  readonly method: string;
  readonly key: string;
  /** The access key id in the signature, or null for an unsigned request. */
  readonly accessKeyId: string | null;
  readonly sessionToken: string | null;
}

export interface RecordingBucket {
  /** `http://127.0.0.1:port/bucket` */
  readonly url: string;
  readonly objects: Map<string, Buffer>;
  readonly requests: RecordedRequest[];
  close(): Promise<void>;
}

export async function openRecordingBucket(): Promise<RecordingBucket> {
  const objects = new Map<string, Buffer>();
  const requests: RecordedRequest[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const key = new URL(request.url ?? '', 'http://x').pathname.slice('/bucket/'.length);
    requests.push(record(request, key));
    if (request.method === 'PUT') objects.set(key, body);
    if (request.method === 'DELETE') objects.delete(key);
    answer(request, response, objects.get(key));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket`,
    objects,
    requests,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function record({ method = '', headers }: IncomingMessage, key: string): RecordedRequest {
  const signature = headers.authorization ?? '';
  const token = headers['x-amz-security-token'];
  return {
    method,
    key,
    accessKeyId: /Credential=([^/]+)/.exec(signature)?.[1] ?? null,
    sessionToken: typeof token === 'string' ? token : null,
  };
}

function answer({ method, headers }: IncomingMessage, response: ServerResponse, object?: Buffer): void {
  if (method === 'PUT') response.setHeader('etag', '"0"').end();
  else if (method !== 'GET' && method !== 'HEAD') response.writeHead(204).end();
  else if (object === undefined) response.writeHead(404).end();
  else if (method === 'HEAD') response.setHeader('content-length', object.length).end();
  else {
    const [, first, last] = /bytes=(\d+)-(\d*)/.exec(headers.range ?? '') ?? [];
    if (first === undefined) response.end(object);
    else {
      const end = last ? Number(last) : object.length - 1;
      response.setHeader('content-range', `bytes ${first}-${end}/${object.length}`);
      response.writeHead(206).end(object.subarray(Number(first), end + 1));
    }
  }
}
