import type { IncomingHttpHeaders } from 'node:http';
import { noSuchKey, S3Error } from './s3-error.ts';
import type { StoredObject } from './stored-object.ts';

/** Refuses a change that the current object, or its absence, does not allow. */
export type Condition = (key: string, current: StoredObject | undefined) => void;

/**
 * The condition that comes with PutObject, CopyObject, CompleteMultipartUpload or DeleteObject: `If-None-Match: *`
 * wants no object there, `If-Match` wants this very object there.
 *
 * @throws S3Error NotImplemented for forms that AWS does not take either
 */
export function conditionOf(headers: IncomingHttpHeaders): Condition {
  const ifNoneMatch = headers['if-none-match'];
  const ifMatch = headers['if-match'];
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new S3Error('NotImplemented', 'If-None-Match on a write takes nothing but *.', {
      Header: 'If-None-Match',
    });
  }
  return (key, current) => {
    if (ifNoneMatch !== undefined && current !== undefined) throw unmet('If-None-Match');
    if (ifMatch === undefined) return;
    if (current === undefined) throw noSuchKey(key);
    if (!matches(ifMatch, current.etag)) throw unmet('If-Match');
  };
}

/** Whether a list of ETags, or `*`, holds this one. */
export const matches = (header: string, etag: string): boolean =>
  header.trim() === '*' ||
  header.split(',').some((candidate) => candidate.trim().replace(/^(?:W\/)?"|"$/g, '') === etag);

export const unmet = (condition: string): S3Error =>
  new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    Condition: condition,
  });
