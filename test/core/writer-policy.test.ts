import { describe, expect, it } from 'vitest';
import { writerPolicy } from '../../core/writer-policy.ts';

const BUCKET = 'arn:aws:s3:::backups-of-ours';

describe("the writer's policy", () => {
  it('for one target allows what BACKUP needs below its prefix, and of deletes only that of the lock', () => {
    expect(writerPolicy(BUCKET, 'logs')).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'WriteAndReadBackups',
          Effect: 'Allow',
          Action: ['s3:PutObject', 's3:GetObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
          Resource: `${BUCKET}/backups/logs/*`,
        },
        {
          Sid: 'RemoveLocks',
          Effect: 'Allow',
          Action: ['s3:DeleteObject'],
          Resource: `${BUCKET}/backups/logs/*.lock`,
        },
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
    const narrowed = JSON.stringify(writerPolicy(BUCKET, 'logs'));
    expect(JSON.stringify(writerPolicy(BUCKET))).toBe(narrowed.replaceAll('backups/logs/', 'backups/'));
  });

  it('never allows a delete of anything but locks', () => {
    for (const policy of [writerPolicy(BUCKET), writerPolicy(BUCKET, 'logs', 'arn:aws:kms:::key/1')])
      for (const { Action, Resource } of policy.Statement)
        if (Action.some((action) => /Delete|\*/.test(action))) expect(Resource).toMatch(/\*\.lock$/);
  });

  it("allows the use of the user's key, where there is one", () => {
    expect(
      writerPolicy(BUCKET, 'logs', 'arn:aws:kms:eu-central-1:123456789012:key/1').Statement.at(-1),
    ).toEqual({
      Sid: 'UseTheKey',
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Resource: 'arn:aws:kms:eu-central-1:123456789012:key/1',
    });
  });
});
