import {
  type Grant,
  Grant as Grants,
  type IGrantable,
  type IPrincipal,
  ManagedPolicy,
  PolicyDocument,
  Role,
} from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct, type IConstruct } from 'constructs';
import { type PolicyStatement, writerPolicy } from '../core/writer-policy.ts';
import { acknowledgeWildcards } from './role.ts';

export interface WriterProps {
  readonly bucket: IBucket;
  readonly encryptionKey?: IKey | undefined;
  /** Names of the roles under which ClickHouse runs. */
  readonly roles: readonly string[];
}

const CONFINED =
  'ClickHouse writes below backups/ under names that it makes itself. What it may do there is confined: it reads, writes and adds, and removes nothing but its own .lock, so its credentials cannot destroy a backup.';

/** What ClickHouse may do in the bucket, as a managed policy that every role of a server can have. */
export class Writer extends Construct {
  readonly policy: ManagedPolicy;
  private readonly statements: readonly PolicyStatement[];

  constructor(scope: Construct, id: string, { bucket, encryptionKey, roles }: WriterProps) {
    super(scope, id);
    const document = writerPolicy(bucket.bucketArn, undefined, encryptionKey?.keyArn);
    this.statements = document.Statement;
    this.policy = new ManagedPolicy(this, 'Policy', {
      description: 'Lets ClickHouse write backups for Safehouse, and remove none',
      document: PolicyDocument.fromJson(document),
      roles: roles.map((name) => Role.fromRoleName(this, name, name)),
    });
    this.acknowledge(this.policy);
  }

  /** Gives a principal of the same app what the managed policy has. */
  grant(grantee: IGrantable): Grant {
    const { grantPrincipal } = grantee;
    if (isConstruct(grantPrincipal)) this.acknowledge(grantPrincipal);
    const grants = this.statements.map(({ Action, Resource, Condition }) =>
      Grants.addToPrincipal({
        grantee,
        actions: [...Action],
        resourceArns: [Resource].flat(),
        ...(Condition !== undefined && { conditions: { ...Condition } }),
      }),
    );
    return grants.reduce((all, grant) => all.combine(grant));
  }

  private acknowledge(construct: IConstruct): void {
    for (const { Action, Resource } of this.statements)
      acknowledgeWildcards(construct, {
        actions: Action,
        resources: [Resource].flat(),
        wildcard: CONFINED,
      });
  }
}

const isConstruct = (principal: IPrincipal | IConstruct): principal is IConstruct =>
  Construct.isConstruct(principal);
