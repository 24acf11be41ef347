import { randomBytes } from 'node:crypto';
import type { RequestListener, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BucketStore } from './bucket-store.ts';
import { bucketOperation, objectOperation, serviceOperation } from './operations.ts';
import { S3Error } from './s3-error.ts';
import { readS3Request, type S3Request } from './s3-request.ts';
import type { S3Response } from './s3-response.ts';

/**
 * S3 over HTTP, in path style. Takes every request for genuine: it listens on the loopback interface, and whoever can
 * reach it can reach its files.
 *
 * Written for this project because the published servers that run inside Node do not do what it rests on. Of
 * `@20minutes/s3rver` 5 on Node 24: conditional writes are ignored, a second page of a listing is a 500 (its token is
 * encrypted with DES, which OpenSSL 3 has retired), keys come in the order of directories and not of bytes, a delimiter
 * loses folders without files of their own, a broken upload leaves half an object, `a//b` is taken for `a/b`,
 * DeleteObjects fails on keys that look like numbers, and the SDK's streamed checksums are refused.
 */
export function s3Interface(store: BucketStore, log: (line: string) => void): RequestListener {
  return (incoming, outgoing) => {
    const requestId = randomBytes(8).toString('hex').toUpperCase();
    outgoing.setHeader('x-amz-request-id', requestId);
    void (async () => {
      try {
        const request = readS3Request(incoming);
        await send(outgoing, await perform(store, request), request.method === 'HEAD');
      } catch (error) {
        // What broke off half-way is for the client to notice: its connection ends before the length that it was told.
        if (outgoing.headersSent || outgoing.destroyed) return void outgoing.destroy();
        if (!(error instanceof S3Error)) log(`${incoming.method} ${incoming.url}: ${String(error)}`);
        incoming.resume();
        await send(outgoing, errorResponse(error, requestId), incoming.method === 'HEAD');
      }
    })();
  };
}

async function perform(store: BucketStore, request: S3Request): Promise<S3Response> {
  if (request.bucket === '') return serviceOperation(store, request);
  if (!store.buckets.includes(request.bucket)) {
    throw new S3Error('NoSuchBucket', 'The specified bucket does not exist', { BucketName: request.bucket });
  }
  return request.key === '' ? bucketOperation(store, request) : objectOperation(store, request);
}

async function send(outgoing: ServerResponse, response: S3Response, headOnly: boolean): Promise<void> {
  const { status, headers, body } = response;
  if (typeof body === 'string') {
    outgoing.writeHead(status, { 'Content-Length': Buffer.byteLength(body), ...headers });
    outgoing.end(headOnly ? undefined : body);
    return;
  }
  outgoing.writeHead(status, headers);
  if (headOnly) outgoing.end();
  else await pipeline(Readable.from(body, { objectMode: false }), outgoing);
}

function errorResponse(error: unknown, requestId: string): S3Response {
  const known =
    error instanceof S3Error
      ? error
      : new S3Error('InternalError', 'We encountered an internal error. Please try again.');
  return {
    status: known.status,
    headers: { 'Content-Type': 'application/xml' },
    body: known.toXml(requestId),
  };
}
