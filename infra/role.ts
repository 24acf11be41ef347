import {
  Effect,
  type IPrincipal,
  type Policy,
  PolicyDocument,
  PolicyStatement,
  Role,
} from 'aws-cdk-lib/aws-iam';
import { Stack, Validations } from 'aws-cdk-lib/core';
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference.js';
import type { Construct, IConstruct } from 'constructs';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Permission } from './permissions.ts';

/** IAM's limit on all inline policies of a role together, in characters without white space. */
const INLINE_POLICY_LIMIT = 10_240;
/** For names that are longer in AWS than their references in the template. */
const SPARE = 512;

export interface RoleWithProps {
  readonly assumedBy: IPrincipal;
  readonly description: string;
  /** What it may do, by the name of the inline policy. */
  readonly policies: Readonly<Record<string, readonly Permission[]>>;
}

/**
 * A role that may do what is passed and nothing else. Its policies are inline, so whoever reads the role reads all of
 * it; what CDK would grant by itself (`Resource: function:*`, managed policies of AWS) does not reach it as long as
 * constructs receive `role.withoutPolicyUpdates()`.
 *
 * @throws {SafehouseError} InvalidConfiguration, when the policies are more than IAM lets a role have
 */
export function roleWith(scope: Construct, id: string, props: RoleWithProps): Role {
  const policies = Object.entries(props.policies).filter(([, permissions]) => permissions.length > 0);
  const documents = policies.map(([name, permissions]) => [name, documentOf(permissions)] as const);
  const role = new Role(scope, id, {
    assumedBy: props.assumedBy,
    description: props.description,
    inlinePolicies: Object.fromEntries(documents),
  });
  for (const [, permissions] of policies)
    for (const permission of permissions) acknowledgeWildcards(role, permission);
  refuseTooLong(role, Object.fromEntries(documents));
  return role;
}

const documentOf = (permissions: readonly Permission[]): PolicyDocument =>
  new PolicyDocument({ statements: permissions.map(statementOf), minimize: true });

const statementOf = ({ effect, actions, resources, conditions }: Permission): PolicyStatement =>
  new PolicyStatement({
    effect: effect === 'Deny' ? Effect.DENY : Effect.ALLOW,
    actions: [...actions],
    resources: [...resources],
    ...(conditions !== undefined && { conditions }),
  });

/** Each wildcard by itself: one that is added later, without a reason of its own, still stops the synthesis. */
export function acknowledgeWildcards(
  construct: IConstruct,
  { effect, resources, wildcard }: Permission,
): void {
  if (wildcard !== undefined && effect !== 'Deny') acknowledge(construct, resources, wildcard);
}

/** The same for a policy that CDK has written. */
export function acknowledgePolicy(policy: Policy, wildcard: string): void {
  const { Statement } = Stack.of(policy).resolve(policy.document) as {
    Statement: readonly { readonly Resource: unknown }[];
  };
  for (const { Resource } of Statement) acknowledge(policy, [Resource].flat(), wildcard);
}

function acknowledge(construct: IConstruct, resources: readonly unknown[], reason: string): void {
  for (const resource of resources) {
    const finding = flattenCfnReference(Stack.of(construct).resolve(resource));
    if (finding.includes('*'))
      Validations.of(construct).acknowledge({ id: `AwsSolutions-IAM5[Resource::${finding}]`, reason });
  }
}

function refuseTooLong(role: Role, documents: Readonly<Record<string, PolicyDocument>>): void {
  const length = JSON.stringify(Stack.of(role).resolve(documents), flattened).length;
  if (length > INLINE_POLICY_LIMIT - SPARE)
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `The role ${role.node.path} needs policies of about ${length} characters, and IAM allows ${INLINE_POLICY_LIMIT} in all.`,
      remedy:
        'Let targets share a secret (one secret with a `field` for each), or divide them between two stacks.',
    });
}

/** References as they are counted: `<AWS::Region>` is about as long as a region. */
function flattened(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const [key, ...more] = Object.keys(value);
  const isReference = key !== undefined && more.length === 0 && (key === 'Ref' || key.startsWith('Fn::'));
  return isReference ? flattenCfnReference(value) : value;
}
