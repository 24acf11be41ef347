import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import type { Alert } from '../core/alert.ts';
import { storageError } from './storage-errors.ts';

/** Hands an alert to the topic, from where it goes to every subscriber. */
export async function publishAlert(topicArn: string, alert: Alert): Promise<void> {
  await new SNSClient({ maxAttempts: 5 })
    .send(new PublishCommand({ TopicArn: topicArn, Subject: alert.subject, Message: alert.text }))
    .catch((cause: unknown) => {
      throw storageError(cause, `publish the alert to ${topicArn}`);
    });
}
