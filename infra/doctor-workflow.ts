import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { ENVIRONMENT } from '../core/environment.ts';
import { LEDGER } from '../core/keys.ts';
import { CLICKHOUSE_ANSWERS_WITHIN, handOutCredentials, readPasswords } from './clickhouse-access.ts';
import { commonEnvironment, type DeploymentContext } from './deployment-context.ts';
import { caughtBy } from './failure-states.ts';
import { Machine } from './machine.ts';
import { readSettings } from './permissions.ts';
import { Step } from './step.ts';
import type { NetworkGroup } from './target-network.ts';
import { EXECUTION_AND_INPUT, EXECUTION_AND_RUN, stepTask } from './task.ts';

export interface DoctorWorkflowProps {
  readonly context: DeploymentContext;
  readonly group: NetworkGroup;
  /** What ends every examination, whatever the network. */
  readonly conclude: Step;
}

/**
 * Examine seven times, and Conclude as often: 7 × 3.5 and 7 × 2.5 minutes, and twice the waits between them, come to 49
 * minutes.
 */
const LONGEST_EXAMINATION = Duration.hours(1);

/**
 * Examines a target from where its backups are made: from a desk, neither ClickHouse nor the roles would be the same. When a
 * person asks for it, that person reads the result, or the error with which the execution ends, and nobody is alerted. When
 * the schedule does, what is bad is told, and the execution fails.
 */
export class DoctorWorkflow extends Construct {
  readonly stateMachine: sfn.StateMachine;
  readonly examine: Step;

  constructor(scope: Construct, id: string, { context, group, conclude }: DoctorWorkflowProps) {
    super(scope, id);
    const targets = Object.values(group.targets);
    this.examine = new Step(this, 'Examine', {
      code: context.code,
      step: 'doctor/examine',
      description: 'tries everything that a backup needs',
      permissions: [
        ...readSettings(this, context.settingsPrefix),
        ...readPasswords(this, targets),
        ...handOutCredentials(this, targets),
      ],
      environment: commonEnvironment(context),
      network: group.network,
      timeout: CLICKHOUSE_ANSWERS_WITHIN,
    });
    this.stateMachine = new Machine(this, 'Machine', {
      comment: `Examines ${Object.keys(group.targets).join(', ')}`,
      definition: doctorDefinition(new Construct(this, 'States'), this.examine, conclude),
      steps: [this.examine, conclude],
      timeout: LONGEST_EXAMINATION,
    }).stateMachine;
  }
}

/** Conclude comes after Examine however that ended, and says how the execution ends. */
function doctorDefinition(scope: Construct, examine: Step, conclude: Step): sfn.IChainable {
  const concluded = stepTask(scope, 'Conclude', conclude, {
    parameters: EXECUTION_AND_RUN,
    resultPath: '$',
  });
  concluded.next(
    sfn.Choice.jsonPath(scope, 'IsItGood')
      .when(sfn.Condition.stringEquals('$.outcome', 'examined'), sfn.Succeed.jsonPath(scope, 'Examined'))
      .otherwise(
        sfn.Fail.jsonPath(scope, 'NotGood', {
          comment: 'Whoever asked reads why; where nobody did, a person was told.',
          errorPath: '$.error',
          causePath: '$.cause',
        }),
      ),
  );
  return caughtBy(concluded)(
    stepTask(scope, 'Examine', examine, { parameters: EXECUTION_AND_INPUT, resultPath: '$.examined' }),
  ).next(concluded);
}

/** One for all networks: it asks KMS and tells the topic, and neither is reached from every VPC. */
export const concludingStep = (scope: Construct, context: DeploymentContext): Step =>
  new Step(scope, 'DoctorConclude', {
    code: context.code,
    step: 'doctor/conclude',
    description: 'ends an examination, and tells a person what is bad when nobody asked for it',
    permissions: [
      ...context.bucket.list(LEDGER),
      ...context.bucket.describeKey(),
      { actions: ['sns:Publish'], resources: [context.topic.topicArn] },
    ],
    environment: {
      ...commonEnvironment(context),
      [ENVIRONMENT.topic]: context.topic.topicArn,
      ...(context.encryptionKey !== undefined && {
        [ENVIRONMENT.bucketKey]: context.encryptionKey.keyArn,
      }),
    },
    timeout: Duration.minutes(2),
  });
