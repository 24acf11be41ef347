import { ListSubscriptionsByTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import type { Listener } from '../core/listeners.ts';
import { storageError } from './storage-errors.ts';

/**
 * Who is subscribed to a topic, with the credentials of whoever asks.
 *
 * @throws {SafehouseError} Refused, without `sns:ListSubscriptionsByTopic` on the topic
 */
export async function readListeners(topicArn: string): Promise<Listener[]> {
  // The topic may lie in another region than the one that the person works in.
  const region = topicArn.split(':')[3];
  const client = new SNSClient({ maxAttempts: 3, ...(region && { region }) });
  const listeners: Listener[] = [];
  let token: string | undefined;
  try {
    do {
      const page = await client
        .send(new ListSubscriptionsByTopicCommand({ TopicArn: topicArn, NextToken: token }))
        .catch((cause: unknown) => {
          throw storageError(cause, `list the subscriptions of ${topicArn}`);
        });
      // SNS writes `PendingConfirmation` and `Deleted` where the ARN would stand.
      for (const { Protocol = '', Endpoint = '', SubscriptionArn = '' } of page.Subscriptions ?? [])
        listeners.push({
          protocol: Protocol,
          endpoint: Endpoint,
          confirmed: SubscriptionArn.startsWith('arn:'),
        });
      token = page.NextToken;
    } while (token !== undefined);
  } finally {
    client.destroy();
  }
  return listeners;
}
