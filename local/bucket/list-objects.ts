import type { BucketStore } from './bucket-store.ts';
import { after, listPage, type Page, type Position } from './listing.ts';
import { storageClassOf } from './object-headers.ts';
import { S3Error } from './s3-error.ts';
import { type S3Request, wholeNumber } from './s3-request.ts';
import { type S3Response, xmlResponse } from './s3-response.ts';
import type { StoredObject } from './stored-object.ts';
import { document, element, leaf } from './xml.ts';

/** AWS's limit. */
const MOST_KEYS = 1000;

interface Asked {
  readonly prefix: string;
  readonly delimiter: string;
  readonly most: number;
  /** Names as the client wants them: as they are, or percent-encoded. */
  readonly name: (element: string, value: string | undefined) => string;
  readonly encodingType: string | undefined;
}

export function listObjectsV2(store: BucketStore, request: S3Request): S3Response {
  const asked = read(request);
  const token = request.query.get('continuation-token') || undefined;
  const startAfter = request.query.get('start-after') || undefined;
  const from = token === undefined ? following(startAfter, asked) : readToken(token);
  const page = pageOf(store, request, asked, from);
  return xmlResponse(
    document(
      'ListBucketResult',
      ...head(request, asked, page),
      leaf('KeyCount', page.objects.length + page.commonPrefixes.length),
      asked.name('StartAfter', startAfter),
      leaf('ContinuationToken', token),
      leaf('NextContinuationToken', page.next === undefined ? undefined : writeToken(page.next)),
      ...page.objects.map((object) => element('Contents', ...describe(object, asked))),
      ...commonPrefixes(page, asked),
    ),
  );
}

export function listObjectsV1(store: BucketStore, request: S3Request): S3Response {
  const asked = read(request);
  const marker = request.query.get('marker') || undefined;
  const page = pageOf(store, request, asked, following(marker, asked));
  return xmlResponse(
    document(
      'ListBucketResult',
      ...head(request, asked, page),
      asked.name('Marker', marker ?? ''),
      asked.name('NextMarker', page.next === undefined ? undefined : page.last),
      ...page.objects.map((object) => element('Contents', ...describe(object, asked))),
      ...commonPrefixes(page, asked),
    ),
  );
}

/** As AWS answers for a bucket that was never versioned: each object is its own latest version, `null`. */
export function listObjectVersions(store: BucketStore, request: S3Request): S3Response {
  const asked = read(request);
  const marker = request.query.get('key-marker') || undefined;
  const page = pageOf(store, request, asked, following(marker, asked));
  return xmlResponse(
    document(
      'ListVersionsResult',
      ...head(request, asked, page),
      asked.name('KeyMarker', marker ?? ''),
      leaf('VersionIdMarker', request.query.get('version-id-marker') ?? ''),
      asked.name('NextKeyMarker', page.next === undefined ? undefined : page.last),
      leaf('NextVersionIdMarker', page.next === undefined ? undefined : 'null'),
      ...page.objects.map((object) =>
        element('Version', ...describe(object, asked), leaf('VersionId', 'null'), leaf('IsLatest', true)),
      ),
      ...commonPrefixes(page, asked),
    ),
  );
}

function read({ query }: S3Request): Asked {
  const encodingType = query.get('encoding-type') ?? undefined;
  const encode = (value: string): string => encodeURIComponent(value).replaceAll('%2F', '/');
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    most: Math.min(wholeNumber(query, 'max-keys', MOST_KEYS), MOST_KEYS),
    name: (name, value) => leaf(name, value !== undefined && encodingType === 'url' ? encode(value) : value),
    encodingType,
  };
}

const following = (key: string | undefined, { prefix, delimiter }: Asked): Position =>
  key === undefined ? { key: '', including: true } : after(key, prefix, delimiter);

function pageOf(store: BucketStore, { bucket }: S3Request, asked: Asked, from: Position): Page {
  if (asked.most === 0) return { objects: [], commonPrefixes: [], next: undefined, last: undefined };
  return listPage(store.index, bucket, { ...asked, from });
}

const head = ({ bucket }: S3Request, asked: Asked, page: Page): string[] => [
  leaf('Name', bucket),
  asked.name('Prefix', asked.prefix),
  asked.name('Delimiter', asked.delimiter || undefined),
  leaf('MaxKeys', asked.most),
  leaf('EncodingType', asked.encodingType),
  leaf('IsTruncated', page.next !== undefined),
];

const describe = (object: StoredObject, asked: Asked): string[] => [
  asked.name('Key', object.key),
  leaf('LastModified', new Date(object.modified).toISOString()),
  leaf('ETag', `"${object.etag}"`),
  leaf('Size', object.size),
  leaf('StorageClass', storageClassOf(object)),
];

const commonPrefixes = (page: Page, asked: Asked): string[] =>
  page.commonPrefixes.map((prefix) => element('CommonPrefixes', asked.name('Prefix', prefix)));

const writeToken = ({ key, including }: Position): string =>
  Buffer.from(`${including ? '=' : '>'}${key}`).toString('base64url');

function readToken(token: string): Position {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (/^[=>]/.test(text)) return { key: text.slice(1), including: text.startsWith('=') };
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', {
    ArgumentName: 'continuation-token',
  });
}
