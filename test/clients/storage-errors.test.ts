import { describe, expect, it } from 'vitest';
import { storageError } from '../../clients/storage-errors.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { awsError, networkError } from '../support/aws.ts';

const named = (error: SafehouseError) => [error.name, error.failure.class, error.failure.error];

describe('what an AWS call that failed means', () => {
  it.each([
    awsError('SlowDown', 503),
    awsError('ServiceUnavailable', 503),
    awsError('InternalError', 500),
    awsError('SomethingNew', 502),
    awsError('TooManyRequests', 429),
    awsError('Throttling', 400),
    awsError('ThrottlingException', 400),
    awsError('RequestTimeout', 400),
    awsError('ConditionalRequestConflict', 409),
    Object.assign(new Error('late'), { name: 'TimeoutError' }),
  ])('is that it may be made again: %s', (cause) => {
    const error = storageError(cause, 'list a');
    expect(named(error)).toEqual(['TemporarilyUnavailable', 'retry the same', cause.name]);
    expect(error.cause).toBe(cause);
  });

  it.each([
    ['ECONNRESET', networkError('ECONNRESET')],
    ['ENOTFOUND', networkError('ENOTFOUND')],
    ['ERR_STREAM_PREMATURE_CLOSE', networkError('ERR_STREAM_PREMATURE_CLOSE')],
    ['ECONNREFUSED', Object.assign(new Error('fetch failed'), { cause: networkError('ECONNREFUSED') })],
  ])("is that it may be made again, under the code of Node's own error: %s", (code, cause) => {
    expect(named(storageError(cause, 'list a'))).toEqual(['TemporarilyUnavailable', 'retry the same', code]);
  });

  it.each([
    awsError('AccessDenied', 403),
    awsError('Forbidden', 403),
    awsError('AccessDeniedException', 400),
  ])('is that a permission is missing: %s', (cause) => {
    const error = storageError(cause, 'list a');
    expect(named(error)).toEqual(['Refused', 'fix and stop', 'AccessDenied']);
    expect(error.failure.what).toBe('Was not allowed to list a: said so.');
    expect(error.failure.remedy).toContain('docs/security.md');
  });

  it('is that the bucket is not there', () => {
    expect(storageError(awsError('NoSuchBucket', 404), 'list a').failure).toMatchObject({
      error: 'NoSuchBucket',
      what: 'Could not list a: there is no such bucket.',
    });
  });

  it.each([awsError('NoSuchKey', 404), awsError('InvalidStorageClass', 400), new TypeError('defect')])(
    'is named where it is none of these, and nothing is concluded: %s',
    (cause) => {
      expect(named(storageError(cause, 'list a'))).toEqual(['Refused', 'fix and stop', cause.name]);
    },
  );

  it.each([undefined, null, 'a text', 7])('is said even of %j', (cause) => {
    expect(named(storageError(cause, 'list a'))).toEqual(['Refused', 'fix and stop', 'UnknownError']);
  });

  it('shows one line of a message, by its beginning', () => {
    const { what } = storageError(awsError('Odd', 400, `${'x'.repeat(400)}\nsecond`), 'list a').failure;
    expect(what).toBe(`Could not list a: Odd (${'x'.repeat(300)}).`);
  });

  it('is not said again of what was said already', () => {
    const error = new SafehouseError(ERROR_NAMES.incomplete, { what: 'a', remedy: 'b' });
    expect(storageError(error, 'list a')).toBe(error);
  });
});
