import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { ENVIRONMENT } from '../core/environment.ts';
import { LEDGER, RESTORES } from '../core/keys.ts';
import type { RestoreMachines } from '../core/restore-machines.ts';
import { commonEnvironment, type DeploymentContext } from './deployment-context.ts';
import { followExecutions } from './permissions.ts';
import { Step } from './step.ts';
import type { GroupWorkflows } from './target-workflows.ts';

export interface SweepProps {
  readonly context: DeploymentContext;
  readonly workflows: readonly GroupWorkflows[];
}

/**
 * Has every restore ended whose execution can no longer do it: stopped by a person, or out of time. It is told of each, and
 * looks every hour besides, for EventBridge promises less than every single time.
 */
export class Sweep extends Construct {
  readonly step: Step;

  constructor(scope: Construct, id: string, { context, workflows }: SweepProps) {
    super(scope, id);
    const { bucket } = context;
    this.step = new Step(this, 'Sweep', {
      code: context.code,
      step: 'restore/sweep',
      description: 'has restores ended whose execution was stopped',
      permissions: [
        ...bucket.list(RESTORES, LEDGER),
        ...bucket.read(`${RESTORES}*`, `${LEDGER}*`),
        ...followExecutions(workflows.map(({ restore }) => restore.stateMachine)),
        {
          actions: ['states:StartExecution'],
          resources: workflows.map(({ cancel }) => cancel.stateMachine.stateMachineArn),
        },
      ],
      environment: {
        ...commonEnvironment(context),
        [ENVIRONMENT.restoreMachines]: Stack.of(this).toJsonString(workflows.map(machinesOf)),
      },
      timeout: Duration.minutes(5),
    });
    // One rule for each state machine: a pattern has room for 2,048 characters.
    for (const { group, restore } of workflows)
      new Rule(this, `Stopped${group.mark}`, {
        description: 'Safehouse: a restore was stopped',
        eventPattern: {
          source: ['aws.states'],
          detailType: ['Step Functions Execution Status Change'],
          detail: {
            status: ['ABORTED', 'TIMED_OUT'],
            stateMachineArn: [restore.stateMachine.stateMachineArn],
          },
        },
        // What is lost here is found within the hour.
        targets: [new LambdaFunction(this.step.function, { maxEventAge: Duration.minutes(30) })],
      });
  }
}

const machinesOf = ({ group, restore, cancel }: GroupWorkflows): RestoreMachines => ({
  targets: Object.keys(group.targets),
  restore: restore.stateMachine.stateMachineArn,
  cancelRestore: cancel.stateMachine.stateMachineArn,
});
