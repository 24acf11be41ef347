import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Duration, Validations } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';

/** A queue for what could not be delivered. Its messages stay for SQS's longest time, 14 days: a holiday is no loss. */
export function deadLetterQueue(scope: Construct, id: string): Queue {
  const queue = new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  });
  Validations.of(queue).acknowledge({
    id: 'AwsSolutions-SQS3',
    reason:
      'This is itself a dead-letter queue: nothing consumes it, an alarm watches it, and a person reads it. The rule does not see that, because the sender is not another queue.',
  });
  return queue;
}
