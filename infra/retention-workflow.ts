import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { ENVIRONMENT } from '../core/environment.ts';
import { BACKUPS, LEDGER, ledgerKey, PINS } from '../core/keys.ts';
import { commonEnvironment, type DeploymentContext } from './deployment-context.ts';
import { Machine } from './machine.ts';
import { readSettings } from './permissions.ts';
import { type RetentionSteps, retentionDefinition } from './retention-definition.ts';
import { Step } from './step.ts';

export interface RetentionWorkflowProps {
  readonly context: DeploymentContext;
}

/** Retention for all targets. It never asks ClickHouse, so it stands in no VPC. */
export class RetentionWorkflow extends Construct {
  readonly stateMachine: StateMachine;
  readonly steps: RetentionSteps;
  /** A dimension of AlertsSent. */
  readonly workflow: string;

  constructor(scope: Construct, id: string, { context }: RetentionWorkflowProps) {
    super(scope, id);
    this.workflow = id;
    this.steps = {
      plan: this.plan(context),
      remove: this.remove(context),
      recordFailure: this.recordFailure(context),
    };
    this.stateMachine = new Machine(this, 'Machine', {
      comment: 'Marks and removes what no rule of retention wants any more',
      definition: retentionDefinition(new Construct(this, 'States'), this.steps),
      steps: Object.values(this.steps),
      // A first run over years of backups takes hours, of 15 minutes a step; a day means that it hangs.
      timeout: Duration.days(1),
    }).stateMachine;
  }

  private plan(context: DeploymentContext): Step {
    const { bucket } = context;
    return new Step(this, 'Plan', {
      code: context.code,
      step: 'retention/plan',
      description: 'decides what stays and what goes, and marks it',
      permissions: [
        ...readSettings(this, context.settingsPrefix),
        ...bucket.list(LEDGER, PINS),
        ...bucket.read(`${LEDGER}*`, `${PINS}*`),
        ...bucket.write(ledgerKey('*', '*', 'expiring'), ledgerKey('*', '*', 'failed')),
        // A mark is taken back when a rule wants the backup again. No other state can be undone.
        ...bucket.remove(ledgerKey('*', '*', 'expiring')),
      ],
      environment: commonEnvironment(context),
      // A page of a listing is 1,000 keys and a few tenths of a second: 100,000 backups are about two minutes.
      timeout: Duration.minutes(10),
    });
  }

  /** The one role that can delete a backup. Not what Object Lock holds: it may not bypass that. */
  private remove(context: DeploymentContext): Step {
    const { bucket } = context;
    return new Step(this, 'Remove', {
      code: context.code,
      step: 'retention/remove',
      description: 'removes backups whose grace is over: the one function that can',
      permissions: [
        ...bucket.list(BACKUPS, LEDGER, PINS),
        ...bucket.read(`${LEDGER}*`, `${PINS}*`),
        ...bucket.write(ledgerKey('*', '*', 'removing'), ledgerKey('*', '*', 'removed')),
        ...bucket.removeVersions(`${BACKUPS}*`),
      ],
      environment: commonEnvironment(context),
      timeout: Duration.minutes(15),
    });
  }

  private recordFailure(context: DeploymentContext): Step {
    const { bucket, topic } = context;
    return new Step(this, 'RecordFailure', {
      code: context.code,
      step: 'retention/record-failure',
      description: 'tells a person that retention failed',
      permissions: [...bucket.list(LEDGER), { actions: ['sns:Publish'], resources: [topic.topicArn] }],
      environment: {
        ...commonEnvironment(context),
        [ENVIRONMENT.topic]: topic.topicArn,
        [ENVIRONMENT.workflow]: this.workflow,
      },
      timeout: Duration.minutes(2),
    });
  }
}
