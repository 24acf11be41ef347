/**
 * What ClickHouse's own credentials may do in the bucket, for one target or for all. Delete is confined to `.lock`, which
 * ClickHouse removes when it has finished: without that it calls a complete backup BACKUP_FAILED. The pattern has no
 * slash before `.lock`: with one it matches on AWS but not on Ceph.
 */
import { BACKUPS, LOCK, targetPrefix } from './keys.ts';

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

/**
 * @param bucketArn `arn:aws:s3:::name`, or a token that becomes one
 * @param target only this target's prefix; every target's when left out
 * @param kmsKeyArn the key that the bucket is encrypted with, when it is the user's own
 */
export function writerPolicy(bucketArn: string, target?: string, kmsKeyArn?: string): PolicyDocument {
  const prefix = target === undefined ? BACKUPS : targetPrefix(target);
  const statements: PolicyStatement[] = [
    {
      Sid: 'WriteAndReadBackups',
      Effect: 'Allow',
      Action: ['s3:PutObject', 's3:GetObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
      Resource: `${bucketArn}/${prefix}*`,
    },
    {
      Sid: 'RemoveLocks',
      Effect: 'Allow',
      Action: ['s3:DeleteObject'],
      Resource: `${bucketArn}/${prefix}*${LOCK}`,
    },
    {
      // Without ListBucket, S3 answers 403 instead of 404 and ClickHouse cannot tell that the place is free. A HEAD
      // carries no prefix, so a plain StringLike would never match it: hence IfExists.
      Sid: 'TellAbsentFromForbidden',
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: bucketArn,
      Condition: { StringLikeIfExists: { 's3:prefix': [`${prefix}*`] } },
    },
  ];
  if (kmsKeyArn !== undefined)
    statements.push({
      Sid: 'UseTheKey',
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Resource: kmsKeyArn,
    });
  return { Version: '2012-10-17', Statement: statements };
}
