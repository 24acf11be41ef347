import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { expect, test } from 'vitest';
import { textOf } from './references.ts';
import { build, maximal, only, synthesise, templateOf } from './synthesis.ts';

interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}
const plain = ({ Action, Resource, Condition }: Statement) => ({
  actions: [Action].flat().sort(),
  resource: textOf(Resource).replace(/^<SafehouseBucket\w{8}\.Arn>/, 'bucket'),
  condition: Condition,
});

const WRITER = [
  {
    actions: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:PutObject'],
    resource: 'bucket/backups/*',
  },
  { actions: ['s3:DeleteObject'], resource: 'bucket/backups/*.lock' },
  {
    actions: ['s3:ListBucket'],
    resource: 'bucket',
    condition: { StringLikeIfExists: { 's3:prefix': ['backups/*'] } },
  },
  {
    actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
    resource: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  },
];

test('the managed policy lets ClickHouse write and remove nothing but its lock', () => {
  const { Properties } = only(synthesise(maximal).template, 'AWS::IAM::ManagedPolicy');
  const { Statement: statements } = Properties['PolicyDocument'] as { Statement: Statement[] };
  expect(statements.map(({ Effect }) => Effect)).toEqual(['Allow', 'Allow', 'Allow', 'Allow']);
  expect(statements.map(plain)).toEqual(WRITER);
});

test('the managed policy is attached to the roles that the configuration names, and has no fixed name', () => {
  const { Properties } = only(synthesise(maximal).template, 'AWS::IAM::ManagedPolicy');
  expect(Properties['Roles']).toEqual(['clickhouse-node']);
  expect(Properties).not.toHaveProperty('ManagedPolicyName');
});

test('grantWriter gives a role of the same app the same', () => {
  const { app, stack } = build(maximal);
  const role = new Role(stack, 'ClickHouse', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
  stack.safehouse.grantWriter(role).assertSuccess();
  const template = templateOf(app, 'Safehouse');
  const { Properties } = only(template, 'AWS::IAM::Policy', 'ClickHouse');
  const { Statement: statements } = Properties['PolicyDocument'] as { Statement: Statement[] };
  const byResource = (a: { resource: string }, b: { resource: string }) => (a.resource < b.resource ? -1 : 1);
  expect(statements.map(plain).sort(byResource)).toEqual([...WRITER].sort(byResource));
  expect(Properties['Roles']).toEqual([{ Ref: expect.stringMatching(/^ClickHouse/) }]);
});
