/**
 * Retention of one target: Plan decides and marks, Remove takes away what has waited out its grace, a part at a time
 * until nothing is left. Both can be interrupted anywhere and begin again. A failure is told and ends the execution;
 * the next backup starts retention anew.
 */
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { alertNotSent, EXECUTION_AND_INPUT } from './backup-definition.ts';
import type { Step } from './step.ts';
import { stepTask } from './task.ts';

export interface RetentionSteps {
  readonly plan: Step;
  readonly remove: Step;
  readonly recordFailure: Step;
}

export function retentionDefinition(scope: Construct, steps: RetentionSteps): sfn.IChainable {
  const plan = stepTask(scope, 'Plan', steps.plan, { parameters: EXECUTION_AND_INPUT, resultPath: '$' });
  const remove = stepTask(scope, 'Remove', steps.remove, { resultPath: '$' });
  const recordFailure = stepTask(scope, 'RecordFailure', steps.recordFailure, {
    parameters: { 'execution.$': '$$.Execution.Id', 'run.$': '$' },
    resultPath: '$.recorded',
  });
  for (const task of [plan, remove])
    task.addCatch(recordFailure, { errors: [sfn.Errors.ALL], resultPath: '$.error' });
  recordFailure.addCatch(alertNotSent(scope), { errors: [sfn.Errors.ALL], resultPath: '$.recordError' });
  recordFailure.next(
    sfn.Fail.jsonPath(scope, 'GivenUp', {
      comment: 'A person was told.',
      errorPath: '$.recorded.error',
      causePath: '$.recorded.cause',
    }),
  );
  const isAnythingLeft = sfn.Choice.jsonPath(scope, 'IsAnythingLeft')
    .when(sfn.Condition.booleanEquals('$.done', true), sfn.Succeed.jsonPath(scope, 'Done'))
    .otherwise(remove);
  remove.next(isAnythingLeft);
  return plan.next(isAnythingLeft);
}
