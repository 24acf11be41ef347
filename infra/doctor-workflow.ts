import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { CLICKHOUSE_ANSWERS_WITHIN, handOutCredentials, readPasswords } from './clickhouse-access.ts';
import { commonEnvironment, type DeploymentContext } from './deployment-context.ts';
import { Machine } from './machine.ts';
import { readSettings } from './permissions.ts';
import { Step } from './step.ts';
import type { NetworkGroup } from './target-network.ts';
import { EXECUTION_AND_INPUT, stepTask } from './task.ts';

export interface DoctorWorkflowProps {
  readonly context: DeploymentContext;
  readonly group: NetworkGroup;
}

/**
 * Examines a target when a person asks for it, from where its backups are made: from a desk, neither ClickHouse nor the
 * roles would be the same. A state machine of one step, so that the command line speaks to it as to the others. Nobody is
 * alerted: whoever started it reads the result, or the error with which the execution ends.
 */
export class DoctorWorkflow extends Construct {
  readonly stateMachine: sfn.StateMachine;
  readonly examine: Step;

  constructor(scope: Construct, id: string, { context, group }: DoctorWorkflowProps) {
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
    const states = new Construct(this, 'States');
    this.stateMachine = new Machine(this, 'Machine', {
      comment: `Examines ${Object.keys(group.targets).join(', ')}`,
      definition: stepTask(states, 'Examine', this.examine, {
        parameters: EXECUTION_AND_INPUT,
        resultPath: '$',
      }).next(sfn.Succeed.jsonPath(states, 'Examined')),
      steps: [this.examine],
      timeout: Duration.minutes(30),
    }).stateMachine;
  }
}
