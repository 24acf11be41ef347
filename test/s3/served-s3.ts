/** The S3 under test: buckets of a test's own, and sessions that may do what a policy says and nothing else. */
import { randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, inject } from 'vitest';
import type { Bucket } from '../../clients/bucket.ts';
import { emptyAndDelete } from './bucket-removal.ts';
import type { Policy } from './deployed.ts';
import { callIam } from './iam.ts';

export const reach = inject('s3');

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** S3 as whoever has these keys. What is refused is refused at once: nothing is tried again. */
export const clientOf = (credentials: Keys): S3Client =>
  new S3Client({
    endpoint: reach.endpoint,
    region: reach.region,
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
  });

/** S3 as its owner, whom nothing is refused. */
export const owner = clientOf(reach.owner);

const sts = new STSClient({ endpoint: reach.stsEndpoint, region: reach.region, credentials: reach.owner });

/** What another server than this run's own would keep. */
const endings: (() => Promise<void>)[] = [];
afterAll(async () => {
  if (!reach.own) for (const end of endings) await end();
});

export interface SessionOptions {
  /** How long, where the server lets sessions be so short; an hour by default. */
  readonly seconds?: number;
  /** A policy that takes away from what the role may do. */
  readonly confinedTo?: Policy;
}

/** Keys of a new role that may do what the policy says. */
export async function sessionWith(
  policy: Policy,
  { seconds = 3600, confinedTo }: SessionOptions = {},
): Promise<Required<Keys>> {
  const { Credentials } = await sts.send(
    new AssumeRoleCommand({
      RoleArn: await makeRole(policy),
      RoleSessionName: 'safehouse',
      DurationSeconds: seconds,
      ...(confinedTo !== undefined && { Policy: JSON.stringify(confinedTo) }),
    }),
  );
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {};
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

/** The ARN of a new role that the owner may assume. */
async function makeRole(policy: Policy): Promise<string> {
  const RoleName = `safehouse-test-${randomBytes(6).toString('hex')}`;
  const iam = { ...reach.owner, endpoint: reach.iamEndpoint, region: reach.region };
  await callIam(iam, { Action: 'CreateRole', RoleName, AssumeRolePolicyDocument: JSON.stringify(TRUST) });
  endings.push(async () => {
    await callIam(iam, { Action: 'DeleteRolePolicy', RoleName, PolicyName: 'all' });
    await callIam(iam, { Action: 'DeleteRole', RoleName });
  });
  await callIam(iam, {
    Action: 'PutRolePolicy',
    RoleName,
    PolicyName: 'all',
    PolicyDocument: JSON.stringify(policy),
  });
  return `${reach.owner.arn.replace(/:user\/.*/, '')}:role/${RoleName}`;
}

const TRUST = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: [reach.owner.arn] }, Action: ['sts:AssumeRole'] }],
};

/**
 * The policy of a role that calls DeleteObjects. Ceph 16 asks whether the call is allowed on the bucket before it asks for each
 * of the objects; AWS asks for the objects alone, and what is added here is about none of them.
 */
export const forDeleteObjects = (policy: Policy, bucket: string): Policy => ({
  ...policy,
  Statement: [
    ...policy.Statement,
    {
      Effect: 'Allow',
      Action: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
      Resource: `arn:aws:s3:::${bucket}`,
    },
  ],
});

/** Lets the user of the gateway, who has long-lived keys, do in a bucket what the policy says, and gives the keys. */
export async function userWith(policy: Policy, Bucket: string): Promise<Keys> {
  const { arn, ...keys } = reach.user;
  const Statement = policy.Statement.map((statement) => ({ ...statement, Principal: { AWS: [arn] } }));
  await owner.send(
    new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: policy.Version, Statement }) }),
  );
  return keys;
}

/** As an engine or a function finds them in its environment. */
export const variablesOf = ({
  accessKeyId,
  secretAccessKey,
  sessionToken,
}: Keys): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  ...(sessionToken !== undefined && { AWS_SESSION_TOKEN: sessionToken }),
});

export interface BucketOptions {
  readonly versioned?: boolean;
  /** Governance, a day: the least there is. */
  readonly objectLock?: boolean;
}

/** A bucket for one test file, gone with it. */
export async function makeBucket({ versioned, objectLock }: BucketOptions = {}): Promise<Bucket> {
  const name = `safehouse-${randomBytes(6).toString('hex')}`;
  const Bucket = name;
  await owner.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: objectLock === true }));
  endings.push(() => emptyAndDelete(owner, name));
  if (versioned === true)
    await owner.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
  if (objectLock === true)
    await owner.send(
      new PutObjectLockConfigurationCommand({
        Bucket,
        ObjectLockConfiguration: {
          ObjectLockEnabled: 'Enabled',
          Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } },
        },
      }),
    );
  return { name, client: owner };
}
