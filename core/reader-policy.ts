/** What a server needs that restores from the bucket and never writes to it: to read one target's backups, or all. */
import { BACKUPS, targetPrefix } from './keys.ts';
import type { PolicyDocument, PolicyStatement } from './writer-policy.ts';

/** The parameters are those of `writerPolicy`. */
export function readerPolicy(bucketArn: string, target?: string, kmsKeyArn?: string): PolicyDocument {
  const prefix = target === undefined ? BACKUPS : targetPrefix(target);
  const statements: PolicyStatement[] = [
    {
      Sid: 'ReadBackups',
      Effect: 'Allow',
      Action: ['s3:GetObject'],
      Resource: `${bucketArn}/${prefix}*`,
    },
    {
      // A HEAD carries no prefix, so a plain StringLike would never match it: hence IfExists.
      Sid: 'TellAbsentFromForbidden',
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: bucketArn,
      Condition: { StringLikeIfExists: { 's3:prefix': [`${prefix}*`] } },
    },
  ];
  if (kmsKeyArn !== undefined)
    statements.push({ Sid: 'UseTheKey', Effect: 'Allow', Action: ['kms:Decrypt'], Resource: kmsKeyArn });
  return { Version: '2012-10-17', Statement: statements };
}
