import { describe, expect, test } from 'vitest';
import { classifyClickHouseError, parseClickHouseError } from '../../core/clickhouse-errors.ts';
import type { FailureClass } from '../../core/failure.ts';

const LOCK = 'backups/shop/20260402T020000Z-full-k3f9/.lock';
const MANIFEST = 'backups/shop/20260402T020000Z-full-k3f9/.backup';
const DATA = 'backups/shop/20260402T020000Z-full-k3f9/data/shop/orders/all_1_1_0/data.bin';
const WRITER = 'arn:aws:sts::123456789012:assumed-role/clickhouse/i-0abc';

/** ClickHouse's words around S3's, for a small object and for a larger one. */
const small = (words: string): string => `Message: ${words}, bucket b, key ${LOCK}, object size 36`;
const large = (words: string): string => `Message: ${words}, Key: ${DATA}, Bucket: b, Object size: 200`;
const head = (rest: string): string => `Failed to check existence of key ${MANIFEST} in bucket b: ${rest}`;

type Operation = 'backup' | 'restore';
type Case = [
  cause: string,
  text: string,
  operation: Operation,
  expected: FailureClass,
  what: string | readonly string[],
  remedy: string | readonly string[],
];

/** Classes are those of a row in system.backups: what may pass by itself needs a new id. */
const CASES: readonly Case[] = [
  [
    'a HEAD that is forbidden',
    head(
      'No response body.. HTTP response code: 403, error type: ACCESS_DENIED. Please check your AWS credentials and permissions.',
    ),
    'backup',
    'fix and stop',
    [MANIFEST, 'bucket b', '403'],
    ['s3:ListBucket', 's3_allow_server_credentials_in_user_queries = 1', 'unsigned'],
  ],
  [
    'a HEAD that is sent elsewhere',
    head('No response body.. HTTP response code: 301, error type: UNKNOWN'),
    'backup',
    'fix and stop',
    ['bucket b', 'region'],
    'region',
  ],
  [
    'a HEAD that is faulty',
    head('No response body.. HTTP response code: 400, error type: UNKNOWN'),
    'backup',
    'fix and stop',
    [MANIFEST, '400'],
    'region',
  ],
  [
    'a HEAD that S3 is too busy for',
    head('No response body.. HTTP response code: 503, error type: UNKNOWN'),
    'backup',
    'new attempt',
    'slow down',
    'backup_restore_s3_retry_attempts',
  ],
  [
    'a HEAD that fails within S3',
    head('No response body.. HTTP response code: 500, error type: UNKNOWN'),
    'backup',
    'new attempt',
    'failed within itself',
    'health',
  ],
  [
    'a PUT that is forbidden',
    large('AccessDenied'),
    'backup',
    'fix and stop',
    [DATA, 'bucket b'],
    ['s3:PutObject', `arn:aws:s3:::b/${DATA}`],
  ],
  [
    'a PUT of the lock that is forbidden',
    small('Access Denied'),
    'backup',
    'fix and stop',
    [LOCK, 'bucket b'],
    ['s3:PutObject', `arn:aws:s3:::b/${LOCK}`],
  ],
  [
    'a PUT that IAM explains',
    small(
      `User: ${WRITER} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::b/${LOCK}" because no identity-based policy allows the s3:PutObject action`,
    ),
    'backup',
    'fix and stop',
    [WRITER, 's3:PutObject', 'no identity-based policy'],
    `Allow s3:PutObject on arn:aws:s3:::b/${LOCK} to ${WRITER}`,
  ],
  [
    'a PUT that a policy denies',
    small(
      `User: ${WRITER} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::b/${LOCK}" with an explicit deny in a resource-based policy`,
    ),
    'backup',
    'fix and stop',
    'explicit deny in a resource-based policy',
    'Take the Deny on s3:PutObject away',
  ],
  [
    'a KMS key that may not be used',
    small(
      `User: ${WRITER} is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:123456789012:key/1234 because no identity-based policy allows the kms:GenerateDataKey action`,
    ),
    'backup',
    'fix and stop',
    [WRITER, 'kms:GenerateDataKey', 'key/1234'],
    ['kms:Decrypt', 'arn:aws:kms:eu-west-1:123456789012:key/1234', WRITER],
  ],
  [
    'a KMS key that is disabled',
    small(
      'Unable to parse ExceptionName: KMS.DisabledException Message: arn:aws:kms:eu-west-1:1:key/1 is disabled.',
    ),
    'backup',
    'fix and stop',
    ['DisabledException', 'key/1 is disabled'],
    'enable it',
  ],
  [
    'a part of a large object that is forbidden',
    'AccessDenied: while uploading part #3',
    'backup',
    'fix and stop',
    'access denied',
    's3:PutObject',
  ],
  [
    'a GET that is forbidden',
    `Access Denied: while reading key: ${MANIFEST}, from bucket: b`,
    'restore',
    'fix and stop',
    [MANIFEST, 'bucket b'],
    ['s3:GetObject', `arn:aws:s3:::b/${MANIFEST}`],
  ],
  [
    'a lock that may not be removed',
    `AccessDenied (Code: 15) while removing object with path ${LOCK} from S3`,
    'backup',
    'already done',
    LOCK,
    's3:DeleteObject',
  ],
  [
    'an object that may not be removed',
    `Access Denied (Code: 15) while removing object with path ${DATA} from S3`,
    'backup',
    'fix and stop',
    DATA,
    's3:DeleteObject',
  ],
  [
    'a bucket that is missing',
    'Message: The specified bucket does not exist, bucket nobucket, key x/.lock, object size 36',
    'backup',
    'fix and stop',
    'There is no bucket nobucket',
    'region',
  ],
  [
    'an expired token',
    small('Unable to parse ExceptionName: ExpiredToken Message: The provided token has expired.'),
    'backup',
    'new attempt',
    'expired',
    '`durationSeconds`',
  ],
  [
    'a token that is none',
    small(
      'Unable to parse ExceptionName: InvalidToken Message: The provided token is malformed or otherwise invalid.',
    ),
    'backup',
    'fix and stop',
    'session token',
    'same call to STS',
  ],
  [
    'a key that is unknown',
    small('The AWS Access Key Id you provided does not exist in our records.'),
    'backup',
    'fix and stop',
    ['access key', 'bucket b'],
    'deleted or mistyped',
  ],
  [
    'a secret that is wrong',
    small(
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    ),
    'backup',
    'fix and stop',
    'secret access key',
    'line breaks',
  ],
  [
    'a clock that is wrong',
    small('The difference between the request time and the current time is too large.'),
    'backup',
    'fix and stop',
    'clock',
    'chrony',
  ],
  [
    'throttling by its code',
    large('SlowDown'),
    'backup',
    'new attempt',
    ['slow down', DATA],
    'backup_restore_s3_retry_attempts',
  ],
  [
    'throttling by its words',
    large('Please reduce your request rate.'),
    'backup',
    'new attempt',
    'slow down',
    'data_file_name_generator',
  ],
  [
    'an error within S3',
    large('InternalError'),
    'backup',
    'new attempt',
    ['failed within itself', DATA],
    'health',
  ],
  [
    'an error within S3 by its words',
    large('We encountered an internal error. Please try again.'),
    'backup',
    'new attempt',
    'failed within itself',
    'health',
  ],
  [
    'a refused connection',
    head(
      'Poco::Exception. Code: 1000, e.code() = 111, Connection refused. HTTP response code: 18446744073709551615, error type: NETWORK_CONNECTION',
    ),
    'backup',
    'new attempt',
    ['connection refused', MANIFEST],
    'endpoint',
  ],
  [
    'a connection that does not answer',
    head(
      'Poco::Exception. Code: 1000, e.code() = 0, Timeout. HTTP response code: 18446744073709551615, error type: NETWORK_CONNECTION',
    ),
    'backup',
    'new attempt',
    'connection',
    'security groups',
  ],
  [
    'a reset connection',
    large('Poco::Exception. Code: 1000, e.code() = 104, Connection reset by peer'),
    'backup',
    'new attempt',
    'connection',
    'security groups',
  ],
  [
    'a name that is not in DNS',
    head('Code: 198. DB::NetException: Not found address of host: nosuch.invalid'),
    'backup',
    'new attempt',
    'nosuch.invalid',
    'DNS',
  ],
  [
    'a certificate that is not known',
    head('Poco::Exception. Code: 1000, SSL Exception: certificate verify failed'),
    'backup',
    'fix and stop',
    'certificate verify failed',
    '<openSSL>',
  ],
  [
    'an object that is missing',
    `The specified key does not exist: while reading key: ${DATA}, from bucket: b`,
    'restore',
    'fix and stop',
    [DATA, 'bucket b', 'missing'],
    'another backup',
  ],
  [
    'an object of the base that is missing',
    `The specified key does not exist: while reading key: ${DATA}, from bucket: b`,
    'backup',
    'fix and stop',
    ['base', DATA],
    '--kind full',
  ],
  [
    'a storage class that is none',
    small(
      'Unable to parse ExceptionName: InvalidStorageClass Message: The storage class you specified is not valid',
    ),
    'backup',
    'fix and stop',
    'storage class',
    '`s3_storage_class`',
  ],
  [
    'an object in the archive',
    `Unable to parse ExceptionName: InvalidObjectState Message: The operation is not valid for the object's storage class: while reading key: ${DATA}, from bucket: b`,
    'restore',
    'fix and stop',
    ['archived', DATA],
    'RestoreObject',
  ],
  [
    'a bucket in another region',
    small(
      'Unable to parse ExceptionName: PermanentRedirect Message: The bucket you are attempting to access must be addressed using the specified endpoint.',
    ),
    'backup',
    'fix and stop',
    ['bucket b', 'region'],
    'region',
  ],
  [
    'a conditional PUT that came too late',
    small(
      'Unable to parse ExceptionName: PreconditionFailed Message: At least one of the pre-conditions you specified did not hold',
    ),
    'backup',
    'new attempt',
    [LOCK, 'ClickHouse#116376'],
    'prefix of its own',
  ],
  [
    'access that AWS has disabled',
    small(
      'Unable to parse ExceptionName: AllAccessDisabled Message: All access to this object has been disabled',
    ),
    'backup',
    'fix and stop',
    'bucket b',
    'AWS support',
  ],
  [
    'a gateway with a limit',
    small(
      'Unable to parse ExceptionName: EntityTooLarge Message: Your proposed upload exceeds the maximum allowed size',
    ),
    'backup',
    'fix and stop',
    'EntityTooLarge',
    'quota',
  ],
  [
    'words that nobody knows',
    small('Unable to parse ExceptionName: Mystery Message: Hm'),
    'backup',
    'new attempt',
    'ExceptionName: Mystery',
    'documentation',
  ],
];

test.each(CASES)('%s', (_, text, operation, expected, what, remedy) => {
  const error = parseClickHouseError(
    `Code: 499. DB::Exception: ${text}. (S3_ERROR), Stack trace (when copying this message, always include the lines below):\n\n0. ? @ 0x1`,
  );
  expect(error).toMatchObject({ code: 499, name: 'S3_ERROR' });
  const failure = classifyClickHouseError(error ?? { code: 0, name: '', text: '' }, {
    operation,
    seenIn: 'system.backups',
  });
  expect(failure).toMatchObject({ class: expected, error: 'S3_ERROR' });
  for (const part of [what].flat()) expect(failure.what).toContain(part);
  for (const part of [remedy].flat()) expect(failure.remedy).toContain(part);
  expect(`${failure.what} ${failure.remedy}`).not.toMatch(/undefined| {2}|\.\.|…$|\[redacted\]/);
});

describe('what somebody called a table', () => {
  test.each(['SlowDown', 'NoSuchBucket', 'ExpiredToken', 'KMS.Key', 'SSL', 'InternalError'])(
    '%s in a key does not change the cause',
    (name) => {
      const text = `Message: Access Denied, Key: backups/shop/x/data/${name}/t/data.bin, Bucket: b, Object size: 200`;
      const failure = classifyClickHouseError({ code: 499, name: 'S3_ERROR', text }, { operation: 'backup' });
      expect(failure.what).toBe(
        `S3 refused ClickHouse the object backups/shop/x/data/${name}/t/data.bin in the bucket b: access denied.`,
      );
    },
  );
});

test('a passing failure of S3 ends a restore, and says what to drop', () => {
  const error = { code: 499, name: 'S3_ERROR', text: large('SlowDown') };
  const failure = classifyClickHouseError(error, { operation: 'restore', seenIn: 'system.backups' });
  expect(failure.class).toBe('fix and stop');
  expect(failure.remedy).toContain('DROP DATABASE');
});
