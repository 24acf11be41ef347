import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from './s3-error.ts';
import type { StoredObject } from './stored-object.ts';

const KEPT = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
  'x-amz-storage-class',
];

const STORAGE_CLASSES = new Set([
  'DEEP_ARCHIVE',
  'GLACIER',
  'GLACIER_IR',
  'INTELLIGENT_TIERING',
  'ONEZONE_IA',
  'REDUCED_REDUNDANCY',
  'STANDARD',
  'STANDARD_IA',
]);

/**
 * The headers that stay with an object.
 *
 * @throws S3Error InvalidStorageClass
 */
export function headersToKeep(headers: IncomingHttpHeaders): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (KEPT.includes(name) || name.startsWith('x-amz-meta-')) kept[name] = String(value);
  }
  // aws-chunked is how the bytes travelled, not what they are.
  const encoding = kept['content-encoding']?.replace(/\baws-chunked\b,?\s*/, '');
  if (encoding === '') delete kept['content-encoding'];
  else if (encoding !== undefined) kept['content-encoding'] = encoding;
  if (!STORAGE_CLASSES.has(kept['x-amz-storage-class'] ?? 'STANDARD')) {
    throw new S3Error('InvalidStorageClass', 'The storage class you specified is not valid');
  }
  return kept;
}

export const storageClassOf = (object: { readonly headers: StoredObject['headers'] }): string =>
  object.headers['x-amz-storage-class'] ?? 'STANDARD';

/** What GET and HEAD say of an object, whatever part of it goes out. */
export function describe(object: StoredObject, withChecksum: boolean): Record<string, string> {
  const headers = Object.entries(object.headers).filter(
    ([name, value]) =>
      (withChecksum || !name.startsWith('x-amz-checksum-')) &&
      // AWS names every class but the usual one.
      !(name === 'x-amz-storage-class' && value === 'STANDARD'),
  );
  return {
    'content-type': 'binary/octet-stream',
    ...Object.fromEntries(headers),
    'accept-ranges': 'bytes',
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.modified).toUTCString(),
  };
}
