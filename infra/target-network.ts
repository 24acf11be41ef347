/** Which targets share their functions: those that are reached from the same place. */
import { createHash } from 'node:crypto';
import {
  type ISecurityGroup,
  type ISubnet,
  type IVpc,
  SecurityGroup,
  Subnet,
  type SubnetSelection,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Validations } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Network, Target } from '../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { StepNetwork } from './step.ts';

/** A VPC of the same CDK app, from which a target is reached. */
export interface TargetNetwork {
  /** The VPC from which ClickHouse, S3 and SSM are reached. */
  readonly vpc: IVpc;
  /**
   * The subnets in it.
   *
   * @default - the private subnets with a way out, one in each availability zone
   */
  readonly subnets?: SubnetSelection;
  /** The security groups of the functions; ClickHouse's own must let them in at its HTTP port. */
  readonly securityGroups: readonly ISecurityGroup[];
}

/** Targets that share a set of backup functions and a state machine. */
export interface NetworkGroup {
  /** What the ids of its constructs end with: nothing without a network. It stays when targets come and go. */
  readonly mark: string;
  readonly network: StepNetwork | undefined;
  readonly targets: Readonly<Record<string, Target>>;
}

/**
 * @param given networks of the same CDK app, by the name of their target
 * @throws {SafehouseError} InvalidConfiguration, when a network is given for a target that does not exist or has one
 */
export function groupByNetwork(
  scope: Construct,
  targets: Readonly<Record<string, Target>>,
  given: Readonly<Record<string, TargetNetwork>> = {},
): readonly NetworkGroup[] {
  refuseMisplaced(targets, given);
  const groups = new Map<string, { network: StepNetwork | undefined; targets: Record<string, Target> }>();
  for (const [name, target] of Object.entries(targets)) {
    const own = given[name];
    const mark = own === undefined ? markOf(target.network) : markOfGiven(own);
    let group = groups.get(mark);
    if (group === undefined) {
      const network = own === undefined ? importNetwork(scope, mark, target.network) : useGiven(own);
      group = { network, targets: {} };
      groups.set(mark, group);
    }
    group.targets[name] = target;
  }
  return [...groups].map(([mark, group]) => ({ mark, ...group }));
}

function refuseMisplaced(
  targets: Readonly<Record<string, Target>>,
  given: Readonly<Record<string, TargetNetwork>>,
): void {
  for (const name of Object.keys(given)) {
    const target = targets[name];
    if (target === undefined)
      throw new SafehouseError(ERROR_NAMES.configuration, {
        what: `networks names "${name}", and there is no such target.`,
        remedy: `Name one of ${Object.keys(targets).join(', ')}.`,
      });
    if (target.network !== undefined)
      throw new SafehouseError(ERROR_NAMES.configuration, {
        what: `The target "${name}" has a network in its configuration and another one in networks.`,
        remedy: 'Leave one of them out.',
      });
  }
}

const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 8);

const markOf = (network: Network | undefined): string =>
  network === undefined
    ? ''
    : digest(network.vpcId, ...[...network.subnetIds].sort(), ...[...network.securityGroupIds].sort());

/** By the constructs' places in the app: what AWS will call them is not known yet. */
function markOfGiven({ vpc, subnets, securityGroups }: TargetNetwork): string {
  const chosen = vpc.selectSubnets(subnets).subnets.map(({ node }) => node.path);
  return digest(vpc.node.path, ...chosen.sort(), ...securityGroups.map(({ node }) => node.path).sort());
}

const useGiven = ({ vpc, subnets = {}, securityGroups }: TargetNetwork): StepNetwork => ({
  vpc,
  subnets,
  securityGroups,
});

function importNetwork(
  scope: Construct,
  mark: string,
  network: Network | undefined,
): StepNetwork | undefined {
  if (network === undefined) return undefined;
  const within = `Network${mark}`;
  return {
    // Lambda asks only for the subnets' ids, so nothing is looked up, no account is needed to synthesise, and the zone,
    // which CDK wants to be named, is read by nobody.
    vpc: Vpc.fromVpcAttributes(scope, within, { vpcId: network.vpcId, availabilityZones: ['any'] }),
    subnets: { subnets: network.subnetIds.map((subnetId) => importSubnet(scope, within, subnetId)) },
    securityGroups: network.securityGroupIds.map((groupId) =>
      SecurityGroup.fromSecurityGroupId(scope, `${within}${groupId}`, groupId, { mutable: false }),
    ),
  };
}

function importSubnet(scope: Construct, within: string, subnetId: string): ISubnet {
  const subnet = Subnet.fromSubnetId(scope, `${within}${subnetId}`, subnetId);
  Validations.of(subnet).acknowledge({
    id: '@aws-cdk/aws-ec2:noSubnetRouteTableId',
    reason: 'Functions are placed into the subnet; nothing reads or changes its routes.',
  });
  return subnet;
}
