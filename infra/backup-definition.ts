/**
 * The way of a backup, as Step Functions runs it and an operator sees it.
 *
 *   start     Begin claims the scheduled time; if another execution has ended it, nothing is left to do
 *   before    CheckBefore and a wait, until the target's own condition holds
 *   backup    Prepare, Submit, then a wait and Poll for as long as ClickHouse works
 *   after     Verify, the proof, and the start of retention
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
import { type Caught, caughtBy, givenUp, recordFailureState } from './failure-states.ts';
import { type ProofSteps, proofStates } from './proof-definition.ts';
import type { Step } from './step.ts';
import { EXECUTION_AND_INPUT, NATIVE_CALL, stepTask } from './task.ts';

export interface BackupSteps {
  readonly begin: Step;
  readonly checkBefore: Step;
  readonly prepare: Step;
  readonly submit: Step;
  readonly poll: Step;
  readonly verify: Step;
  readonly recordFailure: Step;
}

/** What follows each verified backup. */
export interface AfterBackup {
  readonly proof: ProofSteps;
  /** How many items of one proof are read at the same time. */
  readonly atOnce: number;
  readonly retention: sfn.IStateMachine;
}

export function backupDefinition(scope: Construct, steps: BackupSteps, after: AfterBackup): sfn.IChainable {
  const recordFailure = recordFailureState(scope, steps.recordFailure);
  const caught = caughtBy(recordFailure);
  const finish = buildFinish(scope, steps, after, caught);
  const backup = buildBackup(scope, steps, caught, finish, recordFailure);
  const before = buildBefore(scope, steps, caught, backup);
  buildFailure(scope, recordFailure, before);
  return buildStart(scope, steps, caught, before);
}

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

function buildFinish(scope: Construct, steps: BackupSteps, after: AfterBackup, caught: Caught) {
  const verify = caught(stepTask(scope, 'Verify', steps.verify, { resultPath: '$.verified' }));
  const startRetention = caught(
    StepFunctionsStartExecution.jsonPath(scope, 'StartRetention', {
      comment: 'Retention runs by itself: the backup is good whatever becomes of it.',
      stateMachine: after.retention,
      input: sfn.TaskInput.fromObject({ target: sfn.JsonPath.stringAt('$.target') }),
      resultPath: sfn.JsonPath.DISCARD,
      taskTimeout: sfn.Timeout.duration(Duration.seconds(60)),
    }).addRetry(NATIVE_CALL),
  );
  const proof = proofStates(scope, {
    steps: after.proof,
    parameters: {
      'execution.$': '$$.Execution.Id',
      input: { 'target.$': '$.target', 'backup.$': '$.prepared.backup.id' },
    },
    atOnce: after.atOnce,
    caught,
    next: startRetention,
  });
  verify.next(proof);
  startRetention.next(sfn.Succeed.jsonPath(scope, 'BackedUp'));
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
  recordFailure.next(
    sfn.Choice.jsonPath(scope, 'IsThereAnotherAttempt')
      .when(sfn.Condition.stringEquals('$.recorded.outcome', 'new attempt'), nextAttempt.next(before))
      .otherwise(givenUp(scope, 'The failure is in the ledger, and a person was told.')),
  );
}
