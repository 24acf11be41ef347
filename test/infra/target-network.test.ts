import { type IVpc, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Stack } from 'aws-cdk-lib/core';
import { describe, expect, test } from 'vitest';
import type { ConfigInput } from '../../core/config.ts';
import { Safehouse } from '../../infra/safehouse.ts';
import { functionsOf } from './functions.ts';
import { machinesOf } from './state-machines.ts';
import {
  application,
  minimal,
  stubCode,
  synthesise,
  type Template,
  target,
  templateOf,
} from './synthesis.ts';

const one = {
  vpcId: 'vpc-0a1b2c3d',
  subnetIds: ['subnet-0a1b2c3d', 'subnet-1a2b3c4d'],
  securityGroupIds: ['sg-0a1b2c3d'],
};
const two = { ...one, vpcId: 'vpc-1a2b3c4d' };

const machineIds = (template: Template) =>
  machinesOf(template)
    .map(({ logicalId }) => logicalId.split('Machine')[0])
    .sort();

/** What there is without a network, and in so many of them. */
const machinesIn = (networks: number): unknown[] => [
  ...['Backup', 'CancelRestore', 'Doctor'].flatMap((name) => inEach(name, networks)),
  'SafehouseProve',
  ...inEach('Restore', networks),
  'SafehouseRetention',
];
const inEach = (name: string, networks: number): unknown[] => [
  `Safehouse${name}`,
  ...Array<unknown>(networks).fill(expect.stringMatching(new RegExp(`^Safehouse${name}[0-9a-f]{8}$`))),
];

const withNetworks = (networks: Readonly<Record<string, typeof one | undefined>>): ConfigInput => ({
  ...minimal,
  targets: Object.fromEntries(
    Object.entries(networks).map(([name, network]) => [name, { ...target, ...(network && { network }) }]),
  ),
});

test('targets in the same network share one set of functions, and every other network has its own', () => {
  const { template } = synthesise(withNetworks({ a: undefined, b: one, c: undefined, d: one, e: two }));
  expect(machineIds(template)).toEqual(machinesIn(2));
  // Backup, doctor, restore and cancel in each network; proofs, retention, watch, sweep and the end of examinations in none.
  expect(functionsOf(template)).toHaveLength(3 * (7 + 1 + 11 + 2) + 5 + 3 + 1 + 1 + 1);
});

test('the order in which subnets are written does not make another network', () => {
  const turned = { ...one, subnetIds: [...one.subnetIds].reverse() };
  expect(machineIds(synthesise(withNetworks({ a: one, b: turned })).template)).toHaveLength(6);
});

test('a state machine keeps its identity when targets come and go', () => {
  const before = machineIds(synthesise(withNetworks({ a: undefined, b: one })).template);
  const after = machineIds(synthesise(withNetworks({ z: one, c: undefined })).template);
  expect(after).toEqual(before);
});

test('functions are put into the subnets and groups that the target names', () => {
  const { template } = synthesise(withNetworks({ b: one }));
  const placed = functionsOf(template).flatMap(({ step, resource }) =>
    'VpcConfig' in resource.Properties ? [[step, resource.Properties['VpcConfig']]] : [],
  );
  expect(placed.map(([step]) => step).sort()).toEqual([
    'backup/check-before',
    'backup/poll',
    'backup/prepare',
    'backup/submit',
    'doctor/examine',
    'restore/clean-up',
    'restore/compare',
    'restore/make-room',
    'restore/poll',
    'restore/preflight',
    'restore/stop',
    'restore/submit',
  ]);
  for (const [, config] of placed)
    expect(config).toEqual({ SubnetIds: one.subnetIds, SecurityGroupIds: one.securityGroupIds });
});

describe('a network of the same app', () => {
  function inApp(config: ConfigInput, names: readonly string[]) {
    const app = application();
    const stack = new Stack(app, 'App');
    // CDK's classes do not say to a compiler with exactOptionalPropertyTypes that they are what they are.
    const vpc = new Vpc(stack, 'Vpc', { flowLogs: { all: {} }, restrictDefaultSecurityGroup: false }) as IVpc;
    const network = { vpc, securityGroups: [new SecurityGroup(stack, 'Group', { vpc })] };
    new Safehouse(stack, 'Safehouse', {
      config,
      functions: stubCode,
      networks: Object.fromEntries(names.map((name) => [name, network])),
    });
    return templateOf(app, 'App');
  }

  test('is given by the name of the target', () => {
    const template = inApp(withNetworks({ a: undefined, b: undefined, c: undefined }), ['b', 'c']);
    expect(machineIds(template)).toEqual(machinesIn(1));
    const placed = functionsOf(template).filter(({ resource }) => 'VpcConfig' in resource.Properties);
    expect(placed).toHaveLength(5 + 7);
    for (const { resource } of placed)
      expect(JSON.stringify(resource.Properties['VpcConfig'])).toMatch(
        /VpcPrivateSubnet1.*VpcPrivateSubnet2/,
      );
  });

  test('must belong to a target that exists and has no other', () => {
    expect(() => inApp(withNetworks({ a: undefined }), ['tarmac'])).toThrow(
      /networks names "tarmac", and there is no such target\.[\s\S]*Name one of a\./,
    );
    expect(() => inApp(withNetworks({ a: one }), ['a'])).toThrow(
      'The target "a" has a network in its configuration and another one in networks.',
    );
  });
});

test('an execution may take as long as all attempts of its slowest target, a day for the proof, and two hours more', () => {
  const { template } = synthesise({
    ...minimal,
    targets: {
      quick: { ...target, maxHours: 1, attempts: 5, restore: { maxHours: 30.5 } },
      slow: { ...target, maxHours: 10, attempts: 3, before: { query: 'SELECT 0', limitMinutes: 90 } },
    },
  });
  const timeouts = machinesOf(template).map(({ logicalId, definition }) => [
    logicalId.split('Machine')[0],
    definition.TimeoutSeconds,
  ]);
  expect(Object.fromEntries(timeouts)).toEqual({
    SafehouseBackup: (3 * (10 + 1.5) + 24 + 2) * 3600,
    SafehouseCancelRestore: 8 * 3600,
    SafehouseDoctor: 3600,
    SafehouseProve: 86_400,
    // Of the restores: the longest, and six hours.
    SafehouseRestore: (30.5 + 6) * 3600,
    SafehouseRetention: 86_400,
  });
});
