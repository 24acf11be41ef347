/**
 * The way of a backup, as Step Functions runs it and an operator sees it.
 *
 *   start     Begin claims the scheduled time; if another execution has ended it, nothing is left to do
 *   before    CheckBefore and a wait, until the target's own condition holds
 *   backup    Prepare, Submit, then a wait and Poll for as long as ClickHouse works
 *   after     Verify, and the start of retention
 *
 * Whatever a step throws is caught and goes to RecordFailure, and so does every end of a backup that is not "finished".
 * RecordFailure writes the ledger, and either asks for a new attempt, which begins again at "before" with nothing of
 * the failed one but its number, or has told a person and gives up. Decisions are made in the steps; the choices here
 * only route. The definition is JSONPath: so it runs on one machine as it is deployed.
 */
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Step } from './step.ts';
import { NATIVE_CALL, stepTask } from './task.ts';

export interface BackupSteps {
  readonly begin: Step;
  readonly checkBefore: Step;
  readonly prepare: Step;
  readonly submit: Step;
  readonly poll: Step;
  readonly verify: Step;
  readonly recordFailure: Step;
}

/** What Begin and Plan receive: the execution's own input may be anything, so it is passed on whole. */
export const EXECUTION_AND_INPUT = { 'execution.$': '$$.Execution.Id', 'input.$': '$' } as const;

const EXECUTION_AND_RUN = { 'execution.$': '$$.Execution.Id', 'run.$': '$' } as const;

/** @param retention the state machine that follows each verified backup */
export function backupDefinition(
  scope: Construct,
  steps: BackupSteps,
  retention: sfn.IStateMachine,
): sfn.IChainable {
  const recordFailure = stepTask(scope, 'RecordFailure', steps.recordFailure, {
    parameters: EXECUTION_AND_RUN,
    resultPath: '$.recorded',
  });
  const caught = <State extends sfn.TaskStateBase>(state: State): State => {
    state.addCatch(recordFailure, { errors: [sfn.Errors.ALL], resultPath: '$.error' });
    return state;
  };
  const finish = buildFinish(scope, steps, retention, caught);
  const backup = buildBackup(scope, steps, caught, finish, recordFailure);
  const before = buildBefore(scope, steps, caught, backup);
  buildFailure(scope, recordFailure, before);
  return buildStart(scope, steps, caught, before);
}

/** Sends whatever a task throws to RecordFailure. */
type Caught = <State extends sfn.TaskStateBase>(state: State) => State;

// --- start ---------------------------------------------------------------------------------------------------------

function buildStart(scope: Construct, steps: BackupSteps, caught: Caught, before: sfn.IChainable) {
  const begin = caught(
    stepTask(scope, 'Begin', steps.begin, { parameters: EXECUTION_AND_INPUT, resultPath: '$' }),
  );
  const alreadyRan = sfn.Succeed.jsonPath(scope, 'AlreadyRan', {
    comment: 'Another execution has brought this scheduled time to its end.',
  });
  return begin.next(
    sfn.Choice.jsonPath(scope, 'IsThereWork')
      .when(sfn.Condition.stringEquals('$.outcome', 'already ran'), alreadyRan)
      .otherwise(before),
  );
}

// --- before --------------------------------------------------------------------------------------------------------

function buildBefore(scope: Construct, steps: BackupSteps, caught: Caught, backup: sfn.IChainable) {
  const check = caught(stepTask(scope, 'CheckBefore', steps.checkBefore, { resultPath: '$.before' }));
  const wait = sfn.Wait.jsonPath(scope, 'WaitForCondition', {
    time: sfn.WaitTime.secondsPath('$.before.waitSeconds'),
  });
  check.next(
    sfn.Choice.jsonPath(scope, 'DoesConditionHold')
      .when(sfn.Condition.stringEquals('$.before.outcome', 'waiting'), wait.next(check))
      .otherwise(backup),
  );
  return sfn.Choice.jsonPath(scope, 'HasCondition')
    .when(sfn.Condition.booleanEquals('$.hasBefore', true), check)
    .otherwise(backup);
}

// --- backup --------------------------------------------------------------------------------------------------------

function buildBackup(
  scope: Construct,
  steps: BackupSteps,
  caught: Caught,
  finish: sfn.IChainable,
  recordFailure: sfn.IChainable,
) {
  const prepare = caught(stepTask(scope, 'Prepare', steps.prepare, { resultPath: '$.prepared' }));
  const submit = caught(stepTask(scope, 'Submit', steps.submit, { resultPath: '$.poll' }));
  const wait = sfn.Wait.jsonPath(scope, 'WaitForClickHouse', {
    time: sfn.WaitTime.secondsPath('$.poll.waitSeconds'),
  });
  const poll = caught(stepTask(scope, 'Poll', steps.poll, { resultPath: '$.poll' }));
  const skipped = sfn.Succeed.jsonPath(scope, 'Skipped', {
    comment: 'A backup of this target is still being written, so this scheduled time makes none.',
  });
  prepare.next(
    sfn.Choice.jsonPath(scope, 'IsThereSomethingToSubmit')
      .when(sfn.Condition.stringEquals('$.prepared.outcome', 'skipped'), skipped)
      .otherwise(submit),
  );
  submit.next(wait);
  wait.next(poll);
  poll.next(
    sfn.Choice.jsonPath(scope, 'IsItFinished')
      .when(sfn.Condition.stringEquals('$.poll.outcome', 'running'), wait)
      .when(sfn.Condition.stringEquals('$.poll.outcome', 'finished'), finish)
      // Failed, cancelled, lost, stalled, over time, and whatever word may be added: unknown is never success.
      .otherwise(recordFailure),
  );
  return prepare;
}

// --- after ---------------------------------------------------------------------------------------------------------

function buildFinish(scope: Construct, steps: BackupSteps, retention: sfn.IStateMachine, caught: Caught) {
  const verify = caught(stepTask(scope, 'Verify', steps.verify, { resultPath: '$.verified' }));
  const startRetention = caught(
    StepFunctionsStartExecution.jsonPath(scope, 'StartRetention', {
      comment: 'Retention runs by itself: the backup is good whatever becomes of it.',
      stateMachine: retention,
      input: sfn.TaskInput.fromObject({ target: sfn.JsonPath.stringAt('$.target') }),
      resultPath: sfn.JsonPath.DISCARD,
      taskTimeout: sfn.Timeout.duration(Duration.seconds(60)),
    }).addRetry(NATIVE_CALL),
  );
  verify.next(startRetention).next(sfn.Succeed.jsonPath(scope, 'BackedUp'));
  return verify;
}

// --- failure -------------------------------------------------------------------------------------------------------

function buildFailure(scope: Construct, recordFailure: sfn.TaskStateBase, before: sfn.IChainable): void {
  const nextAttempt = sfn.Pass.jsonPath(scope, 'NextAttempt', {
    comment: 'The same scheduled time under the next number, with nothing of the failed attempt.',
    parameters: {
      'execution.$': '$.execution',
      'target.$': '$.target',
      'kind.$': '$.kind',
      'scheduledTime.$': '$.scheduledTime',
      'slot.$': '$.slot',
      'hasBefore.$': '$.hasBefore',
      'attempt.$': '$.recorded.attempt',
      outcome: 'go',
    },
  });
  const givenUp = sfn.Fail.jsonPath(scope, 'GivenUp', {
    comment: 'The failure is in the ledger, and a person was told.',
    errorPath: '$.recorded.error',
    causePath: '$.recorded.cause',
  });
  recordFailure.addCatch(alertNotSent(scope), { errors: [sfn.Errors.ALL], resultPath: '$.recordError' });
  recordFailure.next(
    sfn.Choice.jsonPath(scope, 'IsThereAnotherAttempt')
      .when(sfn.Condition.stringEquals('$.recorded.outcome', 'new attempt'), nextAttempt.next(before))
      .otherwise(givenUp),
  );
}

/** The end of an execution whose failure could not even be told: the alarm on untold failures takes it up. */
export const alertNotSent = (scope: Construct): sfn.Fail =>
  sfn.Fail.jsonPath(scope, 'AlertNotSent', {
    error: 'AlertNotSent',
    cause:
      'The workflow failed, and so did the step that records a failure and tells it: look at the history of this execution for the failure itself, and at the log of record-failure for why nobody was told.',
  });
