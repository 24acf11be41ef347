/** How ClickHouse is told to reach a backup in S3, with the secrets that this needs. */
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { Target } from '../core/config.ts';
import { backupPrefix, targetPrefix } from '../core/keys.ts';
import { type BucketAddress, objectUrl } from '../core/location.ts';
import { readerPolicy } from '../core/reader-policy.ts';
import type { S3Location } from '../core/statements.ts';
import { writerPolicy } from '../core/writer-policy.ts';
import { readSecret } from './parameters.ts';
import { storageError } from './storage-errors.ts';

/** Whether a statement with such a location has secrets among its parameters. */
export const carriesSecrets = ({ access }: Target['s3']): boolean => access === 'keys' || access === 'sts';

/** Gives the location of each backup of a target; secrets and temporary credentials are fetched once for all of them. */
export async function s3Locations(
  address: BucketAddress,
  target: string,
  access: Target['s3'],
): Promise<(id: string) => S3Location> {
  const locate = await s3Locator(address, target, access);
  return (id) => locate(backupPrefix(target, id).slice(0, -1));
}

/** The same for a server that restores and needs to read only. */
export async function restoreLocations(
  address: BucketAddress,
  target: string,
  access: Target['s3'],
): Promise<(id: string) => S3Location> {
  const locate = await s3Locator(address, target, access, readerPolicy);
  return (id) => locate(backupPrefix(target, id).slice(0, -1));
}

/** Gives the location of a key under the target's prefix, without a slash at the end: ClickHouse adds one. */
export async function s3Locator(
  address: BucketAddress,
  target: string,
  access: Target['s3'],
  policy: typeof writerPolicy = writerPolicy,
): Promise<(path: string) => S3Location> {
  const url = (path: string): string => objectUrl(address, path);
  switch (access.access) {
    case 'server':
      return (path) => ({ access: 'server', url: url(path) });
    case 'role': {
      const { roleArn, externalId } = access;
      return (path) => ({ access: 'role', url: url(path), roleArn, ...(externalId && { externalId }) });
    }
    case 'namedCollection':
      return (path) => ({ access: 'namedCollection', name: access.name, path });
    case 'keys': {
      const accessKeyId = await readSecret(access.accessKeyId);
      const secretAccessKey = await readSecret(access.secretAccessKey);
      return (path) => ({ access: 'keys', url: url(path), accessKeyId, secretAccessKey });
    }
    case 'sts': {
      const credentials = await assumeConfined(address, target, access, policy);
      return (path) => ({ access: 'sts', name: access.namedCollection, path, ...credentials });
    }
  }
}

/** Temporary credentials that can do no more than write or read this target's backups, whatever the role itself may do. */
async function assumeConfined(
  { bucket }: BucketAddress,
  target: string,
  { roleArn, durationSeconds }: Extract<Target['s3'], { access: 'sts' }>,
  policy: typeof writerPolicy,
): Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken: string }> {
  const doing = `assume ${roleArn} for ${targetPrefix(target)}`;
  const answer = await new STSClient({})
    .send(
      new AssumeRoleCommand({
        RoleArn: roleArn,
        RoleSessionName: `safehouse-${target}`.slice(0, 64),
        DurationSeconds: durationSeconds,
        // Which key, is for the role to say: this policy only takes away from what the role may do.
        Policy: JSON.stringify(policy(`arn:${partitionOf(roleArn)}:s3:::${bucket}`, target, '*')),
      }),
    )
    .catch((cause: unknown) => {
      throw storageError(cause, doing);
    });
  const { AccessKeyId, SecretAccessKey, SessionToken } = answer.Credentials ?? {};
  if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined)
    throw storageError(new Error('STS answered without credentials'), doing);
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

/** `aws`, `aws-cn`, `aws-us-gov`: the bucket lies where the role does. */
const partitionOf = (arn: string): string => arn.split(':')[1] ?? 'aws';
