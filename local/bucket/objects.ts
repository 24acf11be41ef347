import type { BucketStore } from './bucket-store.ts';
import { conditionOf, matches, unmet } from './conditional-writes.ts';
import { IncomingBody } from './incoming-body.ts';
import { describe, headersToKeep } from './object-headers.ts';
import { noSuchKey, S3Error } from './s3-error.ts';
import { decode, type S3Request } from './s3-request.ts';
import { emptyResponse, type S3Response, xmlResponse } from './s3-response.ts';
import { type StoredObject, wholeSeconds } from './stored-object.ts';
import { document, leaf } from './xml.ts';

export async function putObject(store: BucketStore, request: S3Request): Promise<S3Response> {
  const { bucket, key, incoming } = request;
  const condition = conditionOf(incoming.headers);
  const kept = headersToKeep(incoming.headers);
  const body = new IncomingBody(incoming);
  const segment = await store.files.write(body.bytes());
  try {
    const { md5, checksum } = body.verify();
    const modified = wholeSeconds(Date.now());
    const headers = { ...kept, ...checksum };
    const object = { key, size: segment.size, etag: md5, modified, headers, segments: [segment] };
    store.commit(bucket, object, condition);
    return emptyResponse(200, { ETag: `"${md5}"`, ...checksum });
  } catch (error) {
    store.files.remove([segment]);
    throw error;
  }
}

/** Serves HEAD too: the response then goes out without its body. */
export function getObject(store: BucketStore, { bucket, key, incoming }: S3Request): S3Response {
  const object = existing(store, bucket, key);
  const { headers } = incoming;
  const withChecksum = headers['x-amz-checksum-mode'] === 'ENABLED' && headers.range === undefined;
  const description = describe(object, withChecksum);
  if (judgeRead(object, headers) === 'not modified') return emptyResponse(304, description);
  const range = readRange(headers.range, object.size);
  const { first, last } = range ?? { first: 0, last: object.size - 1 };
  const extent = {
    'Content-Length': last - first + 1,
    ...(range === undefined ? {} : { 'Content-Range': `bytes ${first}-${last}/${object.size}` }),
  };
  return {
    status: range === undefined ? 200 : 206,
    headers: { ...description, ...extent },
    body: store.files.read(object.segments, first, last),
  };
}

export function deleteObject(store: BucketStore, { bucket, key, incoming }: S3Request): S3Response {
  conditionOf(incoming.headers)(key, store.index.object(bucket, key));
  store.files.remove(store.index.remove(bucket, key));
  return emptyResponse(204);
}

export async function copyObject(store: BucketStore, request: S3Request): Promise<S3Response> {
  const { bucket, key, incoming } = request;
  const condition = conditionOf(incoming.headers);
  const source = sourceOf(store, request);
  const replaces = incoming.headers['x-amz-metadata-directive'] === 'REPLACE';
  if (source.bucket === bucket && source.object.key === key && !replaces) {
    throw new S3Error('InvalidRequest', 'An object may be copied to itself only to change its metadata.');
  }
  const segments = await Promise.all(source.object.segments.map((segment) => store.files.copy(segment)));
  const headers = replaces ? headersToKeep(incoming.headers) : source.object.headers;
  const copy = { ...source.object, key, headers, segments, modified: wholeSeconds(Date.now()) };
  try {
    store.commit(bucket, copy, condition);
  } catch (error) {
    store.files.remove(segments);
    throw error;
  }
  return xmlResponse(
    document(
      'CopyObjectResult',
      leaf('LastModified', new Date(copy.modified).toISOString()),
      leaf('ETag', `"${copy.etag}"`),
    ),
  );
}

/**
 * The object that `x-amz-copy-source` names.
 *
 * @throws S3Error NoSuchBucket, NoSuchKey, NoSuchVersion or PreconditionFailed
 */
export function sourceOf(
  store: BucketStore,
  { incoming }: S3Request,
): { readonly bucket: string; readonly object: StoredObject } {
  const [path = '', query = ''] = String(incoming.headers['x-amz-copy-source']).split('?');
  const [bucket = '', ...key] = path.replace(/^\//, '').split('/').map(decode);
  refuseVersion(new URLSearchParams(query).get('versionId'));
  const object = existing(store, bucket, key.join('/'));
  const ifMatch = incoming.headers['x-amz-copy-source-if-match'];
  if (ifMatch !== undefined && !matches(String(ifMatch), object.etag)) {
    throw unmet('x-amz-copy-source-If-Match');
  }
  return { bucket, object };
}

/** The buckets are not versioned; AWS then calls the one version of an object `null`. */
export function refuseVersion(versionId: string | null | undefined): void {
  if (versionId === null || versionId === undefined || versionId === 'null') return;
  throw new S3Error('NoSuchVersion', 'The specified version does not exist.', { VersionId: versionId });
}

function existing(store: BucketStore, bucket: string, key: string): StoredObject {
  const object = store.index.object(bucket, key);
  if (object === undefined) throw noSuchKey(key);
  return object;
}

function judgeRead(
  object: StoredObject,
  headers: S3Request['incoming']['headers'],
): 'modified' | 'not modified' {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  const since = Date.parse(headers['if-modified-since'] ?? '');
  const until = Date.parse(headers['if-unmodified-since'] ?? '');
  if (ifMatch !== undefined && !matches(ifMatch, object.etag)) throw unmet('If-Match');
  if (ifMatch === undefined && object.modified > until) throw unmet('If-Unmodified-Since');
  const unchanged = ifNoneMatch === undefined ? object.modified <= since : matches(ifNoneMatch, object.etag);
  return unchanged ? 'not modified' : 'modified';
}

/** Undefined for the whole object, which is also what AWS sends for a range that it does not understand. */
function readRange(
  header: string | undefined,
  size: number,
): { readonly first: number; readonly last: number } | undefined {
  const { start, end } = /^bytes=(?<start>\d*)-(?<end>\d*)$/.exec(header ?? '')?.groups ?? {};
  if (start === undefined || end === undefined || (start === '' && end === '')) return undefined;
  const first = start === '' ? Math.max(size - Number(end), 0) : Number(start);
  const last = start === '' || end === '' ? size - 1 : Math.min(Number(end), size - 1);
  if (first <= last) return { first, last };
  throw new S3Error('InvalidRange', 'The requested range is not satisfiable', {
    RangeRequested: String(header),
    ActualObjectSize: String(size),
  });
}
