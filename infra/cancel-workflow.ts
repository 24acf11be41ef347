import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { RESTORES } from '../core/keys.ts';
import { commonEnvironment, type DeploymentContext } from './deployment-context.ts';
import { Machine } from './machine.ts';
import { readSettings } from './permissions.ts';
import { type CancelSteps, cancelDefinition, type EndingSteps } from './restore-definition.ts';
import { recordRestoreFailure } from './restore-report.ts';
import { Step } from './step.ts';
import type { NetworkGroup } from './target-network.ts';

export interface CancelWorkflowProps {
  readonly context: DeploymentContext;
  /** The targets that are restored to. */
  readonly group: NetworkGroup;
  /** The steps of the restores that it cancels. */
  readonly ending: EndingSteps;
}

/** An ending takes minutes; a DROP or a KILL that takes a working day hangs. */
const LONGEST_ENDING = Duration.hours(8);

/** Ends the restores whose execution was stopped before it could end them itself. */
export class CancelWorkflow extends Construct {
  readonly stateMachine: StateMachine;
  /** With those that end any restore. */
  readonly steps: CancelSteps & EndingSteps;
  /** A dimension of AlertsSent, other than the restore's: a cancellation that is told must not hide a failure that is not. */
  readonly workflow: string;

  constructor(scope: Construct, id: string, { context, group, ending }: CancelWorkflowProps) {
    super(scope, id);
    this.workflow = id;
    const { bucket } = context;
    const own: CancelSteps = {
      reopen: new Step(this, 'Reopen', {
        code: context.code,
        step: 'restore/reopen',
        description: 'finds the restore that is to be cancelled',
        permissions: [
          ...readSettings(this, context.settingsPrefix),
          ...bucket.list(RESTORES),
          ...bucket.read(`${RESTORES}*`),
        ],
        environment: commonEnvironment(context),
      }),
      recordFailure: recordRestoreFailure(this, context, this.workflow),
    };
    this.steps = { ...own, ...ending };
    this.stateMachine = new Machine(this, 'Machine', {
      comment: `Cancels restores to ${Object.keys(group.targets).join(', ')}`,
      definition: cancelDefinition(new Construct(this, 'States'), own, ending),
      steps: Object.values<Step>({ ...this.steps }),
      timeout: LONGEST_ENDING,
    }).stateMachine;
  }
}
