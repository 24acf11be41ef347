import { ListSubscriptionsByTopicCommand } from '@aws-sdk/client-sns';
import { describe, expect, it } from 'vitest';
import { readListeners } from '../../clients/listeners.ts';
import { awsError, mockSns } from '../support/aws.ts';
import { failureOf } from '../support/failures.ts';

const sns = mockSns();
const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:alerts';
const arnOf = (id: string): string => `${TOPIC}:${id}`;

describe('the subscriptions of a topic', () => {
  it('are read to their end, and those that nobody has confirmed are known', async () => {
    sns()
      .on(ListSubscriptionsByTopicCommand, { TopicArn: TOPIC, NextToken: undefined })
      .resolves({
        Subscriptions: [
          { Protocol: 'email', Endpoint: 'a@example.com', SubscriptionArn: arnOf('1') },
          { Protocol: 'email', Endpoint: 'b@example.com', SubscriptionArn: 'PendingConfirmation' },
        ],
        NextToken: 'more',
      })
      .on(ListSubscriptionsByTopicCommand, { TopicArn: TOPIC, NextToken: 'more' })
      .resolves({
        Subscriptions: [{ Protocol: 'lambda', Endpoint: 'arn:aws:lambda:f', SubscriptionArn: 'Deleted' }],
      });
    expect(await readListeners(TOPIC)).toEqual([
      { protocol: 'email', endpoint: 'a@example.com', confirmed: true },
      { protocol: 'email', endpoint: 'b@example.com', confirmed: false },
      { protocol: 'lambda', endpoint: 'arn:aws:lambda:f', confirmed: false },
    ]);
  });

  it('that may not be listed are not none', async () => {
    sns().on(ListSubscriptionsByTopicCommand).rejects(awsError('AuthorizationError', 403));
    const failure = await failureOf('Refused', readListeners(TOPIC));
    expect(failure.what).toContain(`Was not allowed to list the subscriptions of ${TOPIC}`);
  });
});
