import type { IncomingMessage } from 'node:http';
import { S3Error } from './s3-error.ts';

/** A request in path style: `/<bucket>/<key>`. */
export interface S3Request {
  readonly incoming: IncomingMessage;
  readonly method: string;
  /** Empty for the service itself. */
  readonly bucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query: URLSearchParams;
}

/** AWS's limit, in bytes of UTF-8. */
const LONGEST_KEY = 1024;

/** @throws S3Error InvalidURI or KeyTooLongError */
export function readS3Request(incoming: IncomingMessage): S3Request {
  // Not `new URL`, which would resolve `a/../b` to `b`: in S3 both are keys.
  const [path = '', ...query] = (incoming.url ?? '').split('?');
  const [, bucket = '', ...key] = path.split('/');
  const request = {
    incoming,
    method: incoming.method ?? '',
    bucket: decode(bucket),
    key: decode(key.join('/')),
    query: new URLSearchParams(query.join('?')),
  };
  if (Buffer.byteLength(request.key) > LONGEST_KEY) {
    throw new S3Error('KeyTooLongError', 'Your key is too long', { MaxSizeAllowed: String(LONGEST_KEY) });
  }
  return request;
}

/** @throws S3Error InvalidURI */
export function decode(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (error) {
    throw invalidUri(encoded, error);
  }
}

const invalidUri = (encoded: string, cause: unknown): S3Error =>
  new S3Error('InvalidURI', "Couldn't parse the specified URI.", { URI: encoded }, { cause });

/** @throws S3Error InvalidArgument */
export function wholeNumber(query: URLSearchParams, name: string, fallback: number): number {
  const value = query.get(name);
  if (value === null || value === '') return fallback;
  if (/^\d{1,10}$/.test(value)) return Number(value);
  throw new S3Error('InvalidArgument', `Provided ${name} not an integer or within integer range`, {
    ArgumentName: name,
    ArgumentValue: value,
  });
}
