/**
 * Retention of one target: Plan decides and marks, Remove takes away what has waited out its grace, a part at a time
 * until nothing is left. Both can be interrupted anywhere and begin again. A failure is told and ends the execution;
 * the next backup starts retention anew.
 */
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { caughtBy, recordFailureAndEnd } from './failure-states.ts';
import type { Step } from './step.ts';
import { EXECUTION_AND_INPUT, stepTask } from './task.ts';

export interface RetentionSteps {
  readonly plan: Step;
  readonly remove: Step;
  readonly recordFailure: Step;
}

export function retentionDefinition(scope: Construct, steps: RetentionSteps): sfn.IChainable {
  const caught = caughtBy(recordFailureAndEnd(scope, steps.recordFailure));
  const plan = caught(
    stepTask(scope, 'Plan', steps.plan, { parameters: EXECUTION_AND_INPUT, resultPath: '$' }),
  );
  const remove = caught(stepTask(scope, 'Remove', steps.remove, { resultPath: '$' }));
  const isAnythingLeft = sfn.Choice.jsonPath(scope, 'IsAnythingLeft')
    .when(sfn.Condition.booleanEquals('$.done', true), sfn.Succeed.jsonPath(scope, 'Done'))
    .otherwise(remove);
  remove.next(isAnythingLeft);
  return plan.next(isAnythingLeft);
}
