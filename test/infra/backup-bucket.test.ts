import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Stack } from 'aws-cdk-lib/core';
import { describe, expect, test } from 'vitest';
import { Safehouse } from '../../infra/safehouse.ts';
import { functionsOf } from './functions.ts';
import {
  application,
  maximal,
  messagesOf,
  minimal,
  type Resource,
  resourcesOf,
  stubCode,
  synthesise,
  type Template,
  templateOf,
} from './synthesis.ts';

function bucketOf(template: Template, prefix: string): Resource {
  const [[, found] = []] = resourcesOf(template, 'AWS::S3::Bucket').filter(([id]) =>
    new RegExp(`^${prefix}[0-9A-F]{8}$`).test(id),
  );
  if (found === undefined) throw new Error(`no bucket ${prefix}`);
  return found;
}

const { template } = synthesise(minimal);
const bucket = bucketOf(template, 'SafehouseBucket');
const accessLog = bucketOf(template, 'SafehouseBucketAccessLog');

const policyOf = (bucketId: string) =>
  resourcesOf(template, 'AWS::S3::BucketPolicy')
    .filter(([, { Properties }]) => JSON.stringify(Properties['Bucket']).includes(bucketId))
    .flatMap(([, { Properties }]) => (Properties['PolicyDocument'] as { Statement: object[] }).Statement);

describe.each([
  ['the bucket', bucket, 'SafehouseBucketFA2DA50D'],
  ['its access log', accessLog, 'SafehouseBucketAccessLog'],
])('%s', (_, { Properties, DeletionPolicy }, id) => {
  test('stays when the stack goes', () => {
    expect(DeletionPolicy).toBe('Retain');
  });

  test('is private, without ACLs, encrypted', () => {
    expect(Properties).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
    });
    expect(Properties).not.toHaveProperty('AccessControl');
  });

  test('refuses whatever is older than TLS 1.2', () => {
    const denials = policyOf(id).filter((statement) => 'Effect' in statement && statement.Effect === 'Deny');
    expect(denials).toEqual([
      expect.objectContaining({ Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      expect.objectContaining({ Action: 's3:*', Condition: { NumericLessThan: { 's3:TlsVersion': 1.2 } } }),
    ]);
  });
});

describe('a new bucket', () => {
  test('keeps versions for a week and clears what uploads leave behind after two', () => {
    expect(bucket.Properties['VersioningConfiguration']).toEqual({ Status: 'Enabled' });
    expect(bucket.Properties['LifecycleConfiguration']).toEqual({
      Rules: [
        {
          Id: 'leftovers',
          Status: 'Enabled',
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 14 },
          NoncurrentVersionExpiration: { NoncurrentDays: 7 },
          ExpiredObjectDeleteMarker: true,
        },
        { Id: 'pins', Status: 'Enabled', Prefix: 'pins/', ExpirationInDays: 30 },
        { Id: 'proofs', Status: 'Enabled', Prefix: 'proofs/', ExpirationInDays: 90 },
        { Id: 'restores', Status: 'Enabled', Prefix: 'restores/', ExpirationInDays: 90 },
        { Id: 'canary-events', Status: 'Enabled', Prefix: 'backups/events/canary/', ExpirationInDays: 1 },
      ],
    });
  });

  test('has its accesses logged, by a policy and not by an ACL', () => {
    expect(bucket.Properties['LoggingConfiguration']).toMatchObject({
      DestinationBucketName: { Ref: expect.stringMatching(/^SafehouseBucketAccessLog/) },
    });
    expect(policyOf('SafehouseBucketAccessLog')).toContainEqual(
      expect.objectContaining({ Effect: 'Allow', Principal: { Service: 'logging.s3.amazonaws.com' } }),
    );
  });

  test('has its accesses logged by a policy in an app without feature flags too', () => {
    const app = application({ context: { '@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy': false } });
    const stack = new Stack(app, 'Old');
    new Safehouse(stack, 'Safehouse', { config: minimal, functions: stubCode });
    const own = bucketOf(templateOf(app, 'Old'), 'SafehouseBucketAccessLog');
    expect(own.Properties).not.toHaveProperty('AccessControl');
  });

  test('has no lock unless it is asked for', () => {
    expect(bucket.Properties).not.toHaveProperty('ObjectLockEnabled');
  });

  test.each(['governance', 'compliance'] as const)('locks objects in the mode %s', (mode) => {
    const config = { ...maximal, bucket: { objectLock: { mode, days: 30 } } };
    expect(bucketOf(synthesise(config).template, 'SafehouseBucket').Properties).toMatchObject({
      ObjectLockEnabled: true,
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: mode.toUpperCase(), Days: 30 } },
      },
    });
  });

  test("is encrypted with the user's key, asked for once and not for every object", () => {
    expect(bucketOf(synthesise(maximal).template, 'SafehouseBucket').Properties['BucketEncryption']).toEqual({
      ServerSideEncryptionConfiguration: [
        {
          BucketKeyEnabled: true,
          ServerSideEncryptionByDefault: {
            SSEAlgorithm: 'aws:kms',
            KMSMasterKeyID: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
          },
        },
      ],
    });
  });
});

describe('an existing bucket', () => {
  const existing = synthesise({ ...minimal, bucket: { existing: 'my-backups' } });

  test('is used as it is', () => {
    expect(resourcesOf(existing.template, 'AWS::S3::Bucket')).toEqual([]);
    expect(resourcesOf(existing.template, 'AWS::S3::BucketPolicy')).toEqual([]);
    for (const { step, resource } of functionsOf(existing.template))
      if (step !== 'alert/webhook')
        expect(resource.Properties['Environment']).toMatchObject({
          Variables: { SAFEHOUSE_BUCKET: 'my-backups' },
        });
  });

  test('comes with the list of what Safehouse would have set', () => {
    const [message] = messagesOf(existing);
    for (const word of [
      'versioning',
      'public access',
      'TLS 1.2',
      'multipart',
      'noncurrent',
      'canary',
      'kmsKeyArn',
    ])
      expect(message).toContain(word);
  });

  test('cannot be given a lock', () => {
    expect(() =>
      synthesise({ ...minimal, bucket: { existing: 'mine', objectLock: { mode: 'governance', days: 1 } } }),
    ).toThrow('bucket.objectLock is set for a bucket that exists already');
  });
});

describe('a bucket of the same app', () => {
  const inApp = (config: typeof minimal & { bucket?: object }, withKey = false) => {
    const app = application();
    const stack = new Stack(app, 'App');
    const own = Bucket.fromBucketName(stack, 'Own', 'own-bucket');
    new Safehouse(stack, 'Safehouse', {
      config,
      functions: stubCode,
      bucket: own,
      ...(withKey && {
        encryptionKey: Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/own'),
      }),
    });
    return templateOf(app, 'App');
  };

  test('is used with its key', () => {
    const own = inApp(minimal, true);
    expect(resourcesOf(own, 'AWS::S3::Bucket')).toEqual([]);
    expect(JSON.stringify(own)).toContain('arn:aws:kms:eu-central-1:111122223333:key/own');
  });

  test('cannot be given together with another one', () => {
    expect(() => inApp({ ...minimal, bucket: { existing: 'another' } })).toThrow(
      'A bucket is given as a construct, and bucket.existing names "another"',
    );
    const kmsKeyArn = 'arn:aws:kms:eu-central-1:111122223333:key/other';
    expect(() => inApp({ ...minimal, bucket: { kmsKeyArn } }, true)).toThrow(
      `A key is given as a construct, and bucket.kmsKeyArn names "${kmsKeyArn}"`,
    );
  });
});
