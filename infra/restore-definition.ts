/**
 * The way of a restore, as Step Functions runs it and an operator sees it.
 *
 *   before    Plan reads the bucket, Pin keeps retention away from the chain, Preflight asks the server
 *   restore   MakeRoom, Submit, then a wait and Poll for as long as ClickHouse works
 *   after     Compare, again until everything was read; a drill is dropped; Finish writes the report
 *   ending    Stop, again until ClickHouse has let go; CleanUp drops what is half made; RecordFailure
 *
 * Whatever goes wrong after Plan goes to "ending", whether it was thrown or is a word that means no success: a restore leaves
 * nothing half-filled behind. RecordFailure is always the last: it also takes the pin away. Decisions are made in the steps;
 * the choices here only route. `cancelDefinition` is the same ending for a restore whose own execution was stopped.
 */
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { caughtBy, givenUp, recordFailureState } from './failure-states.ts';
import type { Step } from './step.ts';
import { EXECUTION_AND_INPUT, EXECUTION_START_AND_INPUT, stepTask } from './task.ts';

/** The steps that end a restore, however it came to that. */
export interface EndingSteps {
  readonly stop: Step;
  readonly cleanUp: Step;
}

export interface RestoreSteps {
  readonly plan: Step;
  readonly pin: Step;
  readonly preflight: Step;
  readonly makeRoom: Step;
  readonly submit: Step;
  readonly poll: Step;
  readonly compare: Step;
  readonly finish: Step;
  readonly recordFailure: Step;
}

export interface CancelSteps {
  readonly reopen: Step;
  readonly recordFailure: Step;
}

export function restoreDefinition(
  scope: Construct,
  steps: RestoreSteps,
  endingSteps: EndingSteps,
): sfn.IChainable {
  const recordFailure = recordFailureState(scope, steps.recordFailure);
  recordFailure.next(givenUp(scope, 'The restore is ended and cleaned up, and a person was told.'));
  const ending = buildEnding(scope, endingSteps, recordFailure);
  const finish = buildFinish(scope, steps, ending);
  const after = buildAfter(scope, steps, endingSteps, ending, finish);
  const restore = buildRestore(scope, steps, ending, after);
  const before = buildBefore(scope, steps, ending, { restore, finish });
  // Until there is a plan, nothing was begun that could be ended.
  return caughtBy(recordFailure)(
    stepTask(scope, 'Plan', steps.plan, { parameters: EXECUTION_START_AND_INPUT, resultPath: '$' }),
  ).next(before);
}

// --- before --------------------------------------------------------------------------------------------------------

function buildBefore(
  scope: Construct,
  steps: RestoreSteps,
  ending: sfn.TaskStateBase,
  { restore, finish }: { readonly restore: sfn.IChainable; readonly finish: sfn.IChainable },
) {
  const caught = caughtBy(ending);
  const pin = caught(stepTask(scope, 'Pin', steps.pin, { resultPath: '$.pinned' }));
  const preflight = caught(stepTask(scope, 'Preflight', steps.preflight, { resultPath: '$.preflight' }));
  pin.next(preflight);
  preflight.next(
    sfn.Choice.jsonPath(scope, 'IsItToBeDone')
      .when(sfn.Condition.stringEquals('$.preflight.outcome', 'go'), restore)
      .when(sfn.Condition.stringEquals('$.preflight.outcome', 'dry run'), finish)
      // What follows drops databases where that was asked for: no other word leads there.
      .otherwise(ending),
  );
  return pin;
}

// --- restore -------------------------------------------------------------------------------------------------------

function buildRestore(
  scope: Construct,
  steps: RestoreSteps,
  ending: sfn.TaskStateBase,
  after: sfn.IChainable,
) {
  const caught = caughtBy(ending);
  const makeRoom = caught(stepTask(scope, 'MakeRoom', steps.makeRoom, { resultPath: '$.room' }));
  const submit = caught(stepTask(scope, 'Submit', steps.submit, { resultPath: '$.poll' }));
  const wait = sfn.Wait.jsonPath(scope, 'WaitForClickHouse', {
    time: sfn.WaitTime.secondsPath('$.poll.waitSeconds'),
  });
  const poll = caught(stepTask(scope, 'Poll', steps.poll, { resultPath: '$.poll' }));
  makeRoom.next(submit);
  submit.next(wait);
  wait.next(poll);
  poll.next(
    sfn.Choice.jsonPath(scope, 'IsItFinished')
      .when(sfn.Condition.stringEquals('$.poll.outcome', 'running'), wait)
      .when(sfn.Condition.stringEquals('$.poll.outcome', 'finished'), after)
      // Failed, cancelled, lost, stalled, over time, and whatever word may be added: unknown is never success.
      .otherwise(ending),
  );
  return makeRoom;
}

// --- after ---------------------------------------------------------------------------------------------------------

function buildAfter(
  scope: Construct,
  { compare: compareStep }: RestoreSteps,
  { cleanUp }: EndingSteps,
  ending: sfn.TaskStateBase,
  finish: sfn.IChainable,
) {
  const caught = caughtBy(ending);
  const compare = caught(stepTask(scope, 'Compare', compareStep, { resultPath: '$.compared' }));
  const dropDrill = caught(stepTask(scope, 'DropDrill', cleanUp, { resultPath: '$.cleaned' }));
  dropDrill.next(finish);
  const isItADrill = sfn.Choice.jsonPath(scope, 'IsItADrill')
    .when(sfn.Condition.booleanEquals('$.drill', true), dropDrill)
    .otherwise(finish);
  compare.next(
    sfn.Choice.jsonPath(scope, 'IsItEqual')
      .when(sfn.Condition.booleanEquals('$.compared.done', false), compare)
      .when(sfn.Condition.stringEquals('$.compared.outcome', 'equal'), isItADrill)
      .otherwise(ending),
  );
  return compare;
}

function buildFinish(scope: Construct, { finish: step }: RestoreSteps, ending: sfn.TaskStateBase) {
  const finish = caughtBy(ending)(stepTask(scope, 'Finish', step, { resultPath: '$' }));
  finish.next(
    sfn.Choice.jsonPath(scope, 'WasItDone')
      .when(sfn.Condition.stringEquals('$.outcome', 'restored'), sfn.Succeed.jsonPath(scope, 'Restored'))
      .otherwise(
        sfn.Succeed.jsonPath(scope, 'OnlyPlanned', {
          comment: 'A dry run: the report says what would be done, and nothing was.',
        }),
      ),
  );
  return finish;
}

// --- ending --------------------------------------------------------------------------------------------------------

function buildEnding(
  scope: Construct,
  steps: EndingSteps,
  recordFailure: sfn.TaskStateBase,
): sfn.TaskStateBase {
  // Beside the error that led here, which is what the person wants to know first.
  const caught = caughtBy(recordFailure, '$.cleanUpError');
  const stop = caught(stepTask(scope, 'Stop', steps.stop, { resultPath: '$.stopped' }));
  const wait = sfn.Wait.jsonPath(scope, 'WaitUntilStopped', {
    time: sfn.WaitTime.secondsPath('$.stopped.waitSeconds'),
  });
  const cleanUp = caught(stepTask(scope, 'CleanUp', steps.cleanUp, { resultPath: '$.cleaned' }));
  stop.next(
    sfn.Choice.jsonPath(scope, 'HasItStopped')
      // Dropping what ClickHouse still fills would leave what it fills in afterwards.
      .when(sfn.Condition.booleanEquals('$.stopped.stopped', true), cleanUp)
      .otherwise(wait.next(stop)),
  );
  cleanUp.next(recordFailure);
  return stop;
}

export function cancelDefinition(
  scope: Construct,
  steps: CancelSteps,
  endingSteps: EndingSteps,
): sfn.IChainable {
  const recordFailure = recordFailureState(scope, steps.recordFailure);
  const wrong = ['$.error', '$.cleanUpError'].map((path) => sfn.Condition.isPresent(path));
  recordFailure.next(
    sfn.Choice.jsonPath(scope, 'IsItCleanedUp')
      .when(
        sfn.Condition.or(...wrong),
        givenUp(scope, 'What the restore had created may still be there; a person was told.'),
      )
      .otherwise(sfn.Succeed.jsonPath(scope, 'Cancelled')),
  );
  const hasEnded = sfn.Succeed.jsonPath(scope, 'HasEnded', {
    comment: 'It came to its end by itself, or another cancellation was faster.',
  });
  return caughtBy(recordFailure)(
    stepTask(scope, 'Reopen', steps.reopen, { parameters: EXECUTION_AND_INPUT, resultPath: '$' }),
  ).next(
    sfn.Choice.jsonPath(scope, 'IsItOpen')
      .when(sfn.Condition.isPresent('$.ended'), hasEnded)
      .otherwise(buildEnding(scope, endingSteps, recordFailure)),
  );
}
