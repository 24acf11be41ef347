import { Alarm, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Stack } from 'aws-cdk-lib/core';
import { describe, expect, test } from 'vitest';
import { parseConfig, parseTarget } from '../../core/config.ts';
import { deploymentSchema } from '../../core/deployment.ts';
import { deploymentParameter, settingsPrefix } from '../../core/environment.ts';
import { Safehouse } from '../../infra/safehouse.ts';
import { textOf } from './references.ts';
import {
  application,
  maximal,
  minimal,
  resourcesOf,
  stubCode,
  synthesise,
  type Template,
  target,
  templateOf,
} from './synthesis.ts';

const parameters = (template: Template) =>
  Object.fromEntries(
    resourcesOf(template, 'AWS::SSM::Parameter').map(([, { Properties }]) => [
      textOf(Properties['Name']),
      { value: textOf(Properties['Value']), tier: Properties['Tier'], type: Properties['Type'] },
    ]),
  );

describe('the settings of a target', () => {
  const written = parameters(synthesise(maximal).template);

  test.each(['events', 'billing'])('are what the functions read: %s', (name) => {
    const { value = '' } = written[`${settingsPrefix('Safehouse')}${name}`] ?? {};
    const read = parseTarget(JSON.parse(value), 'SSM');
    const { staleAfterHours, prove, ...configured } = read;
    const { prove: asConfigured, ...expected } = parseConfig(maximal, 'test').targets[name] ?? {};
    expect(configured).toEqual(expected);
    expect(staleAfterHours).toBe(name === 'events' ? 37 : 38);
    // A day more than the backups', or what the target says.
    expect(prove).toEqual({ ...asConfigured, staleAfterHours: name === 'events' ? 37 + 24 : 30 });
  });

  test('lie under the name of the stack, so that two stacks do not meet', () => {
    const other = parameters(synthesise(minimal, { stackName: 'Other' }).template);
    expect(Object.keys(other).sort()).toEqual([
      '/safehouse/Other/deployment',
      '/safehouse/Other/targets/events',
    ]);
  });

  test('take a larger parameter when they are long, and are refused when they are too long', () => {
    const withTables = (count: number) => ({
      ...minimal,
      targets: {
        events: {
          ...target,
          tables: Array.from({ length: count }, (_, index) => ({
            database: 'analytics',
            table: `events_${index}`,
          })),
        },
      },
    });
    const tierOf = (count: number) =>
      parameters(synthesise(withTables(count)).template)['/safehouse/Safehouse/targets/events']?.tier;
    expect(tierOf(10)).toBe('Standard');
    expect(tierOf(100)).toBe('Advanced');
    expect(() => tierOf(200)).toThrow(
      /targets\.events takes \d+ bytes as JSON, and a parameter of SSM holds at most 8192[\s\S]*two stacks/,
    );
  });

  test('count bytes, not letters', () => {
    const table = { database: 'analytics', table: 'Ω'.repeat(1900) };
    const config = { ...minimal, targets: { events: { ...target, tables: [table] } } };
    expect(parameters(synthesise(config).template)['/safehouse/Safehouse/targets/events']?.tier).toBe(
      'Advanced',
    );
  });
});

/** What CloudFormation calls an alarm to which nobody has given a name. */
const alarmNamesOf = (template: Template, stackName: string): string[] =>
  resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id]) => `${stackName}-${id}-1A2B3C4D5E6F`);

describe('the record of the alarms', () => {
  const recordOf = (template: Template, stackName: string) =>
    deploymentSchema.parse(JSON.parse(parameters(template)[deploymentParameter(stackName)]?.value ?? ''))
      .alarms;
  const [mine, other] = (['Safehouse', 'Safehouse-Test'] as const).map((stackName) => {
    const { template } = synthesise(minimal, { stackName });
    return { record: recordOf(template, stackName), names: alarmNamesOf(template, stackName) };
  });
  if (mine === undefined || other === undefined) throw new Error('two stacks were to be synthesised');

  test('has what the names of all of them begin with, and how many there are', () => {
    expect(mine.names.length).toBeGreaterThan(20);
    for (const { record, names } of [mine, other]) {
      expect(names.filter((name) => name.startsWith(record.namePrefix))).toEqual(names);
      expect(record.count).toBe(names.length);
    }
  });

  test('does not take those of a stack for its own whose name begins like its own', () => {
    expect(other.names.filter((name) => name.startsWith(mine.record.namePrefix))).toEqual([]);
    expect(mine.names.filter((name) => name.startsWith(other.record.namePrefix))).toEqual([]);
  });

  test("leaves out an alarm of the app that is not Safehouse's, whatever the construct is called", () => {
    const app = application();
    const stack = new Stack(app, 'App');
    new Safehouse(stack, 'BackupAlarms', { config: minimal, functions: stubCode });
    const metric = new Metric({ namespace: 'Mine', metricName: 'Errors' });
    new Alarm(stack, 'Mine', { metric, threshold: 1, evaluationPeriods: 1 });
    const template = templateOf(app, 'App');
    const names = alarmNamesOf(template, 'App');
    const { namePrefix, count } = recordOf(template, 'App');
    const own = names.filter((name) => name.startsWith(namePrefix));
    expect(own).toEqual(names.filter((name) => !name.startsWith('App-Mine')));
    expect(own).toHaveLength(count);
  });
});

describe('the record of the deployment', () => {
  const { template } = synthesise(maximal);
  const { value = '' } = parameters(template)[deploymentParameter('Safehouse')] ?? {};
  const deployment = deploymentSchema.parse(JSON.parse(value));

  test('names what the command line needs', () => {
    const inVpc = '[0-9a-f]{8}';
    const machine = (name: string) => expect.stringMatching(new RegExp(`^<Safehouse${name}Machine`));
    expect(deployment).toEqual({
      version: 1,
      bucket: expect.stringMatching(/^<SafehouseBucket/),
      region: '<AWS::Region>',
      topicArn: expect.stringMatching(/^<SafehouseAlertsTopic/),
      alarms: {
        namePrefix: 'Safehouse-SafehouseAlarms',
        count: resourcesOf(template, 'AWS::CloudWatch::Alarm').length,
      },
      retention: machine('Retention'),
      prove: machine('Prove'),
      targets: {
        events: {
          backup: machine('Backup'),
          doctor: machine('Doctor'),
          restore: machine('Restore'),
          cancelRestore: machine('CancelRestore'),
        },
        billing: {
          backup: machine(`Backup${inVpc}`),
          doctor: machine(`Doctor${inVpc}`),
          restore: machine(`Restore${inVpc}`),
          cancelRestore: machine(`CancelRestore${inVpc}`),
        },
      },
    });
  });

  const withTargets = (count: number, own: (index: number) => object) => {
    const targets = Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`target-${index}`, { ...target, ...own(index) }]),
    );
    const written = parameters(synthesise({ ...minimal, targets }).template);
    return written[deploymentParameter('Safehouse')];
  };

  test('takes a larger parameter when there are many networks, whose ARNs are longer than their references', () => {
    const network = (index: number) => ({
      network: { vpcId: `vpc-${index}`, subnetIds: ['subnet-1'], securityGroupIds: ['sg-1'] },
    });
    const many = withTargets(4, network);
    expect(many?.value.length).toBeLessThan(4096);
    expect(many?.tier).toBe('Advanced');
  });

  test('names the state machines of thirty targets once, and each target by itself', () => {
    const { value: text = '', tier } = withTargets(30, () => ({})) ?? {};
    expect(tier).toBe('Standard');
    const { targets } = deploymentSchema.parse(JSON.parse(text));
    expect(Object.keys(targets)).toEqual(Array.from({ length: 30 }, (_, index) => `target-${index}`));
    expect(new Set(Object.values(targets).map((machines) => JSON.stringify(machines))).size).toBe(1);
  });
});
