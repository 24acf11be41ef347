/**
 * The proof of one backup: by itself, and as a part of every backup.
 *
 *   plan      PlanProof mounts the backup and divides the reading into items
 *   read      ProveItems, a map: each item is read by a function of its own
 *   judge     JudgeProof, over all items together
 *
 * The map is distributed: each item is an execution with a history of its own, so thousands of them do not fill that of the
 * backup, and more than the 40 of an inline map run at once. One item that fails ends the map: a part that nobody has read
 * is never a pass. Plan and results lie in the bucket; what travels is their numbers.
 */
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { type Caught, caughtBy, recordFailureAndEnd } from './failure-states.ts';
import type { Step } from './step.ts';
import { EXECUTION_AND_INPUT, type Parameters, stepTask } from './task.ts';

export interface ProofSteps {
  readonly plan: Step;
  readonly item: Step;
  readonly judge: Step;
}

export interface ProofStatesProps {
  readonly steps: ProofSteps;
  /** What PlanProof receives. */
  readonly parameters: Parameters;
  /** How many items are read at the same time. */
  readonly atOnce: number;
  readonly caught: Caught;
  /** What follows, whether or not a proof was wanted. */
  readonly next: sfn.IChainable;
}

/** The states of a proof. It leaves `$.proof` behind, and, when it was judged, `$.judged`. */
export function proofStates(scope: Construct, props: ProofStatesProps): sfn.TaskStateBase {
  const { steps, parameters, caught, next } = props;
  const plan = caught(stepTask(scope, 'PlanProof', steps.plan, { parameters, resultPath: '$.proof' }));
  const judge = caught(
    stepTask(scope, 'JudgeProof', steps.judge, {
      parameters: { 'execution.$': '$$.Execution.Id', ...PROOF },
      resultPath: '$.judged',
    }),
  );
  const items = caught(proveItems(scope, props));
  plan.next(
    sfn.Choice.jsonPath(scope, 'IsProofWanted')
      .when(sfn.Condition.stringEquals('$.proof.outcome', 'not wanted'), next)
      .otherwise(items),
  );
  items.next(judge).next(next);
  return plan;
}

const PROOF = {
  'target.$': '$.proof.target',
  'backup.$': '$.proof.backup',
  'proof.$': '$.proof.proof',
} as const;

function proveItems(scope: Construct, { steps, atOnce }: ProofStatesProps): sfn.DistributedMap {
  const item = stepTask(scope, 'ProveItem', steps.item, {
    resultPath: '$',
    // The results are in the bucket. Here they would be one array, and Step Functions carries 256 KiB.
    outputPath: sfn.JsonPath.DISCARD,
    endedRetries: 2,
  });
  return sfn.DistributedMap.jsonPath(scope, 'ProveItems', {
    // Part of the ARNs of its executions, so that the role can be confined to them.
    label: 'ProveItems',
    itemsPath: '$.proof.items',
    itemSelector: {
      // The execution of the item is another one: what its result says is which proof it belongs to.
      'execution.$': '$$.Execution.Id',
      ...PROOF,
      'index.$': '$$.Map.Item.Value',
    },
    maxConcurrency: atOnce,
    mapExecutionType: sfn.StateMachineType.STANDARD,
    resultPath: sfn.JsonPath.DISCARD,
  }).itemProcessor(item);
}

export interface ProveSteps extends ProofSteps {
  readonly recordFailure: Step;
}

/** A proof by itself. A failure is told, and ends the execution. */
export const proveDefinition = (scope: Construct, steps: ProveSteps, atOnce: number): sfn.IChainable =>
  proofStates(scope, {
    steps,
    parameters: EXECUTION_AND_INPUT,
    atOnce,
    caught: caughtBy(recordFailureAndEnd(scope, steps.recordFailure)),
    next: sfn.Succeed.jsonPath(scope, 'Done'),
  });
