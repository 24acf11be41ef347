import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { Safehouse, type SafehouseProps } from './safehouse.ts';

export interface SafehouseStackProps extends StackProps, SafehouseProps {}

/** Safehouse in a stack of its own, for teams without a CDK app. */
export class SafehouseStack extends Stack {
  readonly safehouse: Safehouse;

  /** @throws {SafehouseError} InvalidConfiguration, with every problem on a line of its own */
  constructor(scope: Construct, id: string, props: SafehouseStackProps) {
    super(scope, id, { description: 'Safehouse: scheduled ClickHouse backups, verified in S3', ...props });
    // CDK writes a DependsOn beside every reference to a role; cfn-lint calls that redundant, and it is.
    this.templateOptions.metadata = { 'cfn-lint': { config: { ignore_checks: ['W3005'] } } };
    this.safehouse = new Safehouse(this, 'Safehouse', props);
    new CfnOutput(this, 'BucketName', {
      description: 'Holds backups, ledger, claims and pins',
      value: this.safehouse.bucket.bucketName,
    });
    new CfnOutput(this, 'WriterPolicyArn', {
      description: 'Attach it to the role under which ClickHouse runs',
      value: this.safehouse.writerPolicy.managedPolicyArn,
    });
    new CfnOutput(this, 'TopicArn', {
      description: 'Where alerts and alarms go',
      value: this.safehouse.topic.topicArn,
    });
  }
}
