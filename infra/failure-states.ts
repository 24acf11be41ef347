/** How a workflow ends when a step fails: recorded, told, and failed. */
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Step } from './step.ts';
import { EXECUTION_AND_RUN, stepTask } from './task.ts';

type Catching = sfn.TaskStateBase | sfn.DistributedMap;

/** Sends whatever a state throws to where it is taken up: RecordFailure, or what has to come before it. */
export type Caught = <State extends Catching>(state: State) => State;

/**
 * @param next what takes it up
 * @param resultPath where the error goes
 */
export const caughtBy =
  (next: sfn.TaskStateBase, resultPath = '$.error'): Caught =>
  (state) => {
    state.addCatch(next, { errors: [sfn.Errors.ALL], resultPath });
    return state;
  };

/** Receives the state as it stood when a step failed, and leaves `$.recorded`. What follows is the caller's. */
export const recordFailureState = (scope: Construct, step: Step): sfn.TaskStateBase =>
  stepTask(scope, 'RecordFailure', step, {
    parameters: EXECUTION_AND_RUN,
    resultPath: '$.recorded',
  }).addCatch(alertNotSent(scope), { errors: [sfn.Errors.ALL], resultPath: '$.recordError' });

/** The same where nothing but the end follows. */
export function recordFailureAndEnd(scope: Construct, step: Step): sfn.TaskStateBase {
  const recordFailure = recordFailureState(scope, step);
  recordFailure.next(givenUp(scope, 'A person was told.'));
  return recordFailure;
}

export const givenUp = (scope: Construct, comment: string): sfn.Fail =>
  sfn.Fail.jsonPath(scope, 'GivenUp', {
    comment,
    errorPath: '$.recorded.error',
    causePath: '$.recorded.cause',
  });

/** The end of an execution whose failure could not even be told: the alarm on untold failures takes it up. */
const alertNotSent = (scope: Construct): sfn.Fail =>
  sfn.Fail.jsonPath(scope, 'AlertNotSent', {
    error: 'AlertNotSent',
    cause:
      'The workflow failed, and so did the step that records a failure and tells it: look at the history of this execution for the failure itself, and at the log of record-failure for why nobody was told.',
  });
