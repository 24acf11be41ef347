/** What a role may do, in the words of what it is for. Every wildcard carries the reason why it cannot be narrower. */
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { ArnFormat, Stack } from 'aws-cdk-lib/core';
import type { IConstruct } from 'constructs';
import type { Secret } from '../core/config.ts';
import { BACKUPS } from '../core/keys.ts';

export interface Permission {
  readonly effect?: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
  /** Why its resources have wildcards, for whoever reviews the roles. Required when they do. */
  readonly wildcard?: string;
}

const KEYS_ARE_MADE_LATER =
  'The keys below this prefix carry the names of targets and backups, which are made after the deployment. The prefix and the end of the name confine it as far as a policy can.';

const DEFINITIONS_LIE_ANYWHERE =
  'The definitions of tables are read out of a backup. ClickHouse stores one that is equal to another file under the name of that file, in this backup or in its base, and may be told to make names up: no pattern holds them all.';

/** Permissions on the bucket, and on its key where it has one of the user's. */
export class BucketAccess {
  private readonly bucket: IBucket;
  private readonly key: IKey | undefined;

  constructor(bucket: IBucket, key?: IKey) {
    this.bucket = bucket;
    this.key = key;
  }

  /** @param keys patterns such as `ledger/*` */
  read(...keys: readonly string[]): readonly Permission[] {
    return [this.onObjects('s3:GetObject', keys), ...this.withKey('kms:Decrypt')];
  }

  /** Reading what ClickHouse wrote under `backups/`, for the definitions of the tables in it. */
  readDefinitions(): readonly Permission[] {
    const read = this.onObjects('s3:GetObject', [`${BACKUPS}*`]);
    return [{ ...read, wildcard: DEFINITIONS_LIE_ANYWHERE }, ...this.withKey('kms:Decrypt')];
  }

  /** @param keys patterns such as `ledger/*` */
  write(...keys: readonly string[]): readonly Permission[] {
    return [this.onObjects('s3:PutObject', keys), ...this.withKey('kms:GenerateDataKey')];
  }

  /**
   * Listing below prefixes. It also makes S3 answer 404 for an object that does not exist, where it would say 403
   * otherwise, and absent could not be told from forbidden. That question carries no prefix, so a plain StringLike
   * would never match it: hence IfExists.
   *
   * @param prefixes such as `ledger/`
   */
  list(...prefixes: readonly string[]): readonly Permission[] {
    return [
      {
        actions: ['s3:ListBucket'],
        resources: [this.bucket.bucketArn],
        conditions: { StringLikeIfExists: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) } },
      },
    ];
  }

  /**
   * Listing multipart uploads that were begun and not completed, and their parts. S3 knows no condition on the prefix of such a
   * listing.
   *
   * @param keys patterns such as `backups/*`
   */
  listUploads(...keys: readonly string[]): readonly Permission[] {
    return [
      { actions: ['s3:ListBucketMultipartUploads'], resources: [this.bucket.bucketArn] },
      this.onObjects('s3:ListMultipartUploadParts', keys),
    ];
  }

  /** Removes objects of Safehouse's own; on a versioned bucket that leaves their versions in place. */
  remove(...keys: readonly string[]): readonly Permission[] {
    return [this.onObjects('s3:DeleteObject', keys)];
  }

  /** Removes objects with all their versions. */
  removeVersions(...keys: readonly string[]): readonly Permission[] {
    return [
      {
        ...this.onObjects('s3:DeleteObject', keys),
        actions: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
      },
      { actions: ['s3:ListBucketVersions', 's3:GetBucketVersioning'], resources: [this.bucket.bucketArn] },
    ];
  }

  /** Asking how the key stands, for whoever says so before it fails. */
  describeKey(): readonly Permission[] {
    return this.withKey('kms:DescribeKey');
  }

  private onObjects(action: string, keys: readonly string[]): Permission {
    return {
      actions: [action],
      resources: keys.map((key) => this.bucket.arnForObjects(key)),
      wildcard: KEYS_ARE_MADE_LATER,
    };
  }

  private withKey(action: string): readonly Permission[] {
    return this.key === undefined ? [] : [{ actions: [action], resources: [this.key.keyArn] }];
  }
}

/** Reading one secret. Those of Secrets Manager are read through SSM, which asks for both permissions. */
export function readSecret(scope: IConstruct, secret: Secret): readonly Permission[] {
  const stack = Stack.of(scope);
  const parameter = (name: string): string =>
    stack.formatArn({ service: 'ssm', resource: 'parameter', resourceName: name.replace(/^\//, '') });
  if ('ssm' in secret) return [{ actions: ['ssm:GetParameter'], resources: [parameter(secret.ssm)] }];
  return [
    { actions: ['ssm:GetParameter'], resources: [parameter(`aws/secretsmanager/${secret.secretsManager}`)] },
    {
      actions: ['secretsmanager:GetSecretValue'],
      // Secrets Manager appends a hyphen and six characters of its own to the name.
      resources: [
        stack.formatArn({
          service: 'secretsmanager',
          resource: 'secret',
          resourceName: `${secret.secretsManager}-??????`,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
    },
  ];
}

/** @param prefix `/safehouse/<stack>/targets/` */
export function readSettings(scope: IConstruct, prefix: string): readonly Permission[] {
  return [
    {
      actions: ['ssm:GetParameter'],
      resources: [
        Stack.of(scope).formatArn({
          service: 'ssm',
          resource: 'parameter',
          resourceName: `${prefix.replace(/^\//, '')}*`,
        }),
      ],
      wildcard:
        "One parameter for each target of this stack. They hold settings and the names of secrets, never a secret, and a list of all of them would outgrow a role's policies.",
    },
  ];
}

/** Looking at the executions of state machines. */
export const followExecutions = (stateMachines: readonly IStateMachine[]): readonly Permission[] => [
  {
    actions: ['states:DescribeExecution'],
    resources: stateMachines.map((stateMachine) => executionsOf(stateMachine)),
    wildcard: 'The executions of these state machines alone; each is named when it is started.',
  },
];

function executionsOf(stateMachine: IStateMachine): string {
  const stack = Stack.of(stateMachine);
  const { resourceName = '' } = stack.splitArn(stateMachine.stateMachineArn, ArnFormat.COLON_RESOURCE_NAME);
  return stack.formatArn({
    service: 'states',
    resource: 'execution',
    resourceName: `${resourceName}:*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

/** Sending trace segments; X-Ray has no resources that a policy could name. */
export const SEND_TRACES: Permission = {
  actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
  resources: ['*'],
  wildcard: 'X-Ray supports no resource in a policy: sending a trace is allowed everywhere or nowhere.',
};

/**
 * What Lambda needs in order to attach a function to a VPC. It acts with the function's role, so the code in the
 * function would be allowed the same: the second statement takes it away from the code, which alone carries
 * `lambda:SourceFunctionArn`.
 */
export function attachToVpc(scope: IConstruct): readonly Permission[] {
  const actions = [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ];
  return [
    {
      actions,
      resources: ['*'],
      wildcard:
        'Lambda checks for these actions on every resource before it attaches a function to a VPC. The code of the function is denied them.',
    },
    {
      effect: 'Deny',
      actions,
      resources: ['*'],
      conditions: {
        ArnLike: {
          'lambda:SourceFunctionArn': Stack.of(scope).formatArn({
            service: 'lambda',
            resource: 'function',
            resourceName: '*',
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        },
      },
    },
  ];
}
