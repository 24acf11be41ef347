import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { EventInvokeConfig, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription, LambdaSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Annotations, ArnFormat, Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Config, Secret } from '../core/config.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { deadLetterQueue } from './dead-letter-queue.ts';
import type { FunctionCode } from './function-code.ts';
import { readSecret } from './permissions.ts';
import { Step } from './step.ts';

export interface AlertsProps {
  readonly settings: Config['alerts'];
  readonly code: FunctionCode;
  readonly stackName: string;
  /**
   * A topic of the same CDK app.
   *
   * @default - the one that the configuration names, or a new one
   */
  readonly topic?: ITopic | undefined;
}

/** Where alerts go: a topic, the e-mail addresses subscribed to it, and the webhook. */
export class Alerts extends Construct {
  readonly topic: ITopic;
  /** The webhook's function and what it could not deliver; absent without a webhook. */
  readonly webhook?: { readonly function: IFunction; readonly deadLetters: Queue };

  constructor(scope: Construct, id: string, { settings, code, stackName, topic }: AlertsProps) {
    super(scope, id);
    if (topic !== undefined && settings.topicArn !== undefined)
      throw new SafehouseError(ERROR_NAMES.configuration, {
        what: `A topic is given as a construct, and alerts.topicArn names ${settings.topicArn}.`,
        remedy: 'Leave one of them out.',
      });
    const existing = topic ?? this.importTopic(settings.topicArn);
    this.topic = existing ?? this.createTopic();
    for (const address of settings.email) this.topic.addSubscription(new EmailSubscription(address));
    if (settings.webhook !== undefined) this.webhook = this.addWebhook(settings.webhook, code, stackName);
    if (existing === undefined) this.warnWhenNobodyListens(settings);
  }

  private importTopic(topicArn: string | undefined): ITopic | undefined {
    if (topicArn === undefined) return undefined;
    Annotations.of(this).addInfo(
      `The topic ${topicArn} exists already, so Safehouse does not change its policy: see to it that cloudwatch.amazonaws.com may publish to it, and, when it is encrypted, may use its key. Otherwise alarms are silent.`,
    );
    return Topic.fromTopicArn(this, 'Existing', topicArn);
  }

  private createTopic(): Topic {
    const topic = new Topic(this, 'Topic', { displayName: 'Safehouse', enforceSSL: true });
    const { region, account } = Stack.of(this);
    // A topic with a policy of its own loses the default one, under which the account's alarms could publish. Without
    // this statement every alarm would change its state and tell nobody.
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsOfThisAccount',
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: {
          ArnLike: {
            'aws:SourceArn': Stack.of(this).formatArn({
              service: 'cloudwatch',
              region,
              account,
              resource: 'alarm',
              resourceName: '*',
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          },
        },
      }),
    );
    return topic;
  }

  private addWebhook(secret: Secret, code: FunctionCode, stackName: string) {
    const deadLetters = deadLetterQueue(this, 'WebhookDeadLetters');
    const step = new Step(this, 'Webhook', {
      code,
      step: 'alert/webhook',
      description: 'posts alerts to the webhook',
      permissions: [
        ...readSecret(this, secret),
        { actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] },
      ],
      environment: {
        [ENVIRONMENT.stack]: stackName,
        [ENVIRONMENT.webhook]: JSON.stringify(secret),
      },
    });
    // Two ways to lose an alert: SNS cannot hand it to Lambda, or the function fails each time. Both end in one queue.
    this.topic.addSubscription(new LambdaSubscription(step.function, { deadLetterQueue: deadLetters }));
    new EventInvokeConfig(this, 'WebhookRetries', {
      function: step.function,
      retryAttempts: 2,
      // An alert that is an hour late is told by the alarm on the dead letters better than by the webhook.
      maxEventAge: Duration.hours(1),
      onFailure: new SqsDestination(deadLetters),
    });
    return { function: step.function, deadLetters };
  }

  private warnWhenNobodyListens({ email, webhook }: Config['alerts']): void {
    if (email.length === 0 && webhook === undefined)
      Annotations.of(this).addWarningV2(
        'safehouse:nobody-listens',
        'Alerts go to a new topic that nobody is subscribed to. Set alerts.email, alerts.webhook or alerts.topicArn, or subscribe to it yourself.',
      );
    else if (email.length === 0)
      Annotations.of(this).addWarningV2(
        'safehouse:only-the-webhook-listens',
        'The webhook is the only way for an alert to reach a person, also for the alert that the webhook is broken. Add an address to alerts.email.',
      );
  }
}
