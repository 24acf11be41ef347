import { Topic } from 'aws-cdk-lib/aws-sns';
import { Stack } from 'aws-cdk-lib/core';
import { describe, expect, test } from 'vitest';
import { Safehouse } from '../../infra/safehouse.ts';
import { textOf } from './references.ts';
import {
  application,
  maximal,
  messagesOf,
  minimal,
  only,
  resourcesOf,
  stubCode,
  synthesise,
  target,
  templateOf,
} from './synthesis.ts';

const { template } = synthesise(maximal);
const EXISTING = 'arn:aws:sns:eu-central-1:111122223333:on-call';

describe('a new topic', () => {
  const policy = only(template, 'AWS::SNS::TopicPolicy');
  const statements = (policy.Properties['PolicyDocument'] as { Statement: Record<string, unknown>[] })
    .Statement;

  test("lets this account's alarms publish, which the policy of its own would otherwise forbid", () => {
    const allowed = statements.filter(({ Effect }) => Effect === 'Allow');
    expect(allowed).toHaveLength(1);
    const [{ Action, Principal, Condition } = {}] = allowed;
    expect({ Action, Principal }).toEqual({
      Action: 'sns:Publish',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
    });
    const { ArnLike } = Condition as { ArnLike: Record<string, unknown> };
    expect(textOf(ArnLike['aws:SourceArn'])).toBe(
      'arn:aws:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:*',
    );
  });

  test('takes alerts over TLS only', () => {
    expect(statements).toContainEqual(
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    );
  });

  test('has the addresses and the webhook subscribed', () => {
    const subscriptions = resourcesOf(template, 'AWS::SNS::Subscription').map(
      ([, { Properties }]) => Properties,
    );
    expect(subscriptions).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ Protocol: 'email', Endpoint: 'oncall@example.com' }),
        expect.objectContaining({ Protocol: 'lambda' }),
      ]),
    );
    expect(subscriptions).toHaveLength(2);
  });
});

test('an alert that the webhook does not take is kept, whichever way it was lost', () => {
  const [[queue] = []] = resourcesOf(template, 'AWS::SQS::Queue').filter(([id]) =>
    id.includes('WebhookDeadLetters'),
  );
  const dead = { 'Fn::GetAtt': [queue, 'Arn'] };
  const [[, lambda] = []] = resourcesOf(template, 'AWS::SNS::Subscription').filter(
    ([, { Properties }]) => Properties['Protocol'] === 'lambda',
  );
  expect(lambda?.Properties['RedrivePolicy']).toEqual({ deadLetterTargetArn: dead });
  const [[, invocations] = []] = resourcesOf(template, 'AWS::Lambda::EventInvokeConfig');
  expect(invocations?.Properties).toMatchObject({
    DestinationConfig: { OnFailure: { Destination: dead } },
    MaximumRetryAttempts: 2,
    MaximumEventAgeInSeconds: 3600,
  });
});

describe('when nobody would hear an alert', () => {
  test('it is said', () => {
    expect(messagesOf(synthesise({ targets: { events: target } }))).toEqual([
      expect.stringContaining('a new topic that nobody is subscribed to'),
    ]);
  });

  test('a webhook alone is said to be one way only', () => {
    const messages = messagesOf(
      synthesise({ targets: { events: target }, alerts: { webhook: { ssm: '/hook' } } }),
    );
    expect(messages).toEqual([expect.stringContaining('also for the alert that the webhook is broken')]);
  });

  test('an address is enough', () => {
    expect(messagesOf(synthesise(minimal))).toEqual([]);
  });
});

describe('an existing topic', () => {
  const existing = synthesise({ ...minimal, alerts: { topicArn: EXISTING } });

  test('gets every alarm', () => {
    expect(resourcesOf(existing.template, 'AWS::SNS::Topic')).toEqual([]);
    const alarms = resourcesOf(existing.template, 'AWS::CloudWatch::Alarm');
    expect(alarms.length).toBeGreaterThan(10);
    for (const [, { Properties }] of alarms) expect(Properties['AlarmActions']).toEqual([EXISTING]);
  });

  test('comes with what its policy must allow', () => {
    expect(messagesOf(existing)).toEqual([
      expect.stringContaining('cloudwatch.amazonaws.com may publish to it'),
    ]);
  });

  test('cannot be given twice', () => {
    const app = application();
    const stack = new Stack(app, 'App');
    const topic = new Topic(stack, 'Topic', { enforceSSL: true });
    const config = { ...minimal, alerts: { topicArn: EXISTING } };
    expect(() => new Safehouse(stack, 'Safehouse', { config, topic, functions: stubCode })).toThrow(
      `A topic is given as a construct, and alerts.topicArn names ${EXISTING}`,
    );
  });

  test('can be one of the same app', () => {
    const app = application();
    const stack = new Stack(app, 'App');
    const topic = new Topic(stack, 'Mine', { enforceSSL: true });
    new Safehouse(stack, 'Safehouse', {
      config: { targets: { events: target } },
      topic,
      functions: stubCode,
    });
    expect(resourcesOf(templateOf(app, 'App'), 'AWS::SNS::Topic').map(([id]) => id)).toEqual([
      expect.stringMatching(/^Mine/),
    ]);
  });
});
