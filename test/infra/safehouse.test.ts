import { NestedStack, Stack } from 'aws-cdk-lib/core';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../clients/configuration-file.ts';
import { Safehouse } from '../../infra/safehouse.ts';
import {
  application,
  build,
  maximal,
  minimal,
  resourcesOf,
  stubCode,
  synthesise,
  type Template,
} from './synthesis.ts';

const example = await loadConfig('safehouse.config.ts');

describe.each([
  ['the example', example],
  ['the smallest configuration', minimal],
  ['everything that can be configured', maximal],
])('%s', (_, config) => {
  const { template } = synthesise(config);

  test('passes cdk-nag and the validation of CloudFormation templates', () => {
    expect(() => synthesise(config, { validated: true })).not.toThrow();
  });

  test('gives the same template each time', () => {
    expect(synthesise(config).template).toEqual(template);
  });

  test('has no name that would stop a second deployment', () => {
    expect(namesIn(template)).toEqual([]);
  });
});

/** Names of resources that are not made from the stack's own. */
function namesIn(template: Template): string[] {
  return Object.entries(template.Resources).flatMap(([id, { Type, Properties = {} }]) =>
    Object.entries(Properties).flatMap(([property, value]) => {
      const isName = NAME_PROPERTIES.includes(property) && typeof value === 'string';
      const isOfTheStack =
        Type === 'AWS::SSM::Parameter' && String(value).startsWith('/safehouse/Safehouse/');
      // A metric is named, not a resource.
      const isMetric = Type === 'AWS::CloudWatch::Alarm' && property === 'MetricName';
      // Names a part of its role, not something of the account.
      const isInline = Type === 'AWS::IAM::Policy';
      return isName && !isOfTheStack && !isMetric && !isInline ? [`${id}.${property}: ${value}`] : [];
    }),
  );
}

const NAME_PROPERTIES = [
  ...[
    'Name',
    'FunctionName',
    'RoleName',
    'BucketName',
    'TopicName',
    'QueueName',
    'AlarmName',
    'DashboardName',
  ],
  ...['StateMachineName', 'LogGroupName', 'ManagedPolicyName', 'PolicyName', 'GroupName', 'MetricName'],
];

test('two deployments in one app have nothing in common', () => {
  const app = application();
  const names = ['One', 'Two'].map((name) => {
    const stack = new Stack(app, name);
    new Safehouse(stack, 'Safehouse', { config: minimal, functions: stubCode });
    return stack;
  });
  const assembly = app.synth();
  const [one, two] = names.map(({ stackName }) => {
    const template = assembly.getStackByName(stackName).template as Template;
    return resourcesOf(template, 'AWS::SSM::Parameter').map(([, { Properties }]) => Properties['Name']);
  });
  expect(one).toEqual(['/safehouse/One/targets/events', '/safehouse/One/deployment']);
  expect(two).toEqual(['/safehouse/Two/targets/events', '/safehouse/Two/deployment']);
});

describe('a second Safehouse', () => {
  test('in the same stack is refused', () => {
    const stack = new Stack(application(), 'Both');
    new Safehouse(stack, 'First', { config: minimal, functions: stubCode });
    expect(() => new Safehouse(stack, 'Second', { config: minimal, functions: stubCode })).toThrow(
      /The stack Both has two Safehouse constructs, Both\/First and Both\/Second/,
    );
  });

  test('in a nested stack is another deployment', () => {
    const stack = new Stack(application(), 'Outer');
    new Safehouse(stack, 'First', { config: minimal, functions: stubCode });
    const nested = new NestedStack(stack, 'Inner');
    expect(() => new Safehouse(nested, 'Second', { config: minimal, functions: stubCode })).not.toThrow();
  });
});

test('a wrong configuration is refused with every problem', () => {
  const wrong = { targets: { events: { url: 'tcp://host', schedule: { full: 'daily' } } } };
  expect(() => build(wrong)).toThrow(/targets\.events\.url[\s\S]*targets\.events\.schedule\.full/);
});

test('a complete configuration may be given again', () => {
  const { stack } = build(minimal);
  expect(synthesise(stack.safehouse.config).template).toEqual(synthesise(minimal).template);
});

describe('what is acknowledged of cdk-nag', () => {
  const acknowledged = build(maximal)
    .stack.node.findAll()
    .flatMap(({ node }) =>
      node.metadata
        .filter(({ type }) => type === 'aws:cdk:acknowledged-rules')
        .flatMap(({ data }) => Object.entries(data as Record<string, string>))
        .map(([rule, reason]) => ({ path: node.path, rule: rule.replace(/^annotation::/i, ''), reason })),
    );

  test('is wildcards in roles, each by itself, and queues that are dead letters themselves', () => {
    const rules = acknowledged.map(({ rule }) => rule.replace(/\[Resource::.+\]$/, '[one resource]'));
    expect([...new Set(rules)].sort()).toEqual([
      '@aws-cdk/aws-ec2:noSubnetRouteTableId',
      'AwsSolutions-IAM5[one resource]',
      'AwsSolutions-SQS3',
    ]);
  });

  test('is acknowledged where it is and nowhere above', () => {
    for (const { path, rule } of acknowledged) {
      if (rule.startsWith('AwsSolutions-IAM5')) expect(path).toMatch(/\/(Role|Policy|DistributedMapPolicy)$/);
      if (rule === 'AwsSolutions-SQS3') expect(path).toMatch(/DeadLetters$/);
    }
  });

  test('has a reason in whole sentences', () => {
    expect(acknowledged.length).toBeGreaterThan(50);
    for (const { reason } of acknowledged) {
      expect(reason.length).toBeGreaterThan(40);
      expect(reason).toMatch(/\.$/);
    }
  });
});

test('the stack says where backups and alerts go, and which policy ClickHouse needs', () => {
  expect(Object.keys(synthesise(minimal).template.Outputs).sort()).toEqual([
    'BucketName',
    'TopicArn',
    'WriterPolicyArn',
  ]);
});
