import { expect, it } from 'vitest';
import { readerPolicy } from '../../core/reader-policy.ts';

const BUCKET = 'arn:aws:s3:::backups-of-ours';

it('allows a server that restores to read the backups of one target, and nothing else', () => {
  expect(readerPolicy(BUCKET, 'logs')).toEqual({
    Version: '2012-10-17',
    Statement: [
      { Sid: 'ReadBackups', Effect: 'Allow', Action: ['s3:GetObject'], Resource: `${BUCKET}/backups/logs/*` },
      {
        Sid: 'TellAbsentFromForbidden',
        Effect: 'Allow',
        Action: ['s3:ListBucket'],
        Resource: BUCKET,
        Condition: { StringLikeIfExists: { 's3:prefix': ['backups/logs/*'] } },
      },
    ],
  });
});

it('for all targets differs in the prefix alone', () => {
  const narrowed = JSON.stringify(readerPolicy(BUCKET, 'logs'));
  expect(JSON.stringify(readerPolicy(BUCKET))).toBe(narrowed.replaceAll('backups/logs/', 'backups/'));
});

it('allows to use the key of the bucket, where it has one', () => {
  expect(readerPolicy(BUCKET, 'logs', 'arn:aws:kms:::key/1').Statement.at(-1)).toEqual({
    Sid: 'UseTheKey',
    Effect: 'Allow',
    Action: ['kms:Decrypt'],
    Resource: 'arn:aws:kms:::key/1',
  });
});

it('never allows to write or to delete', () => {
  for (const { Action } of readerPolicy(BUCKET, undefined, 'arn:aws:kms:::key/1').Statement)
    for (const action of Action) expect(action).toMatch(/^(?:s3:GetObject|s3:ListBucket|kms:Decrypt)$/);
});
