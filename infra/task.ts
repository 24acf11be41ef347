/** How a state machine calls a step: time limits, and what is tried again. */

import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { ERROR_NAMES } from '../core/errors.ts';
import type { Step } from './step.ts';

/** Lambda did not get to the point of running the step, or its answer was lost on the way. */
const LAMBDA_IS_UNAVAILABLE = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
  'Lambda.ClientExecutionTimeoutException',
];

/** The step ended itself just before its time was up, or was ended from outside: out of time, out of memory, crashed. */
const ENDED_ERRORS = [ERROR_NAMES.outOfTime, 'Lambda.Unknown', 'Sandbox.Timedout'];

/**
 * For what passes by itself. The waits are at most 5, 10, 20, 40, 60 and 60 seconds (jitter only shortens them): 3 min
 * 15 s in all, which outlasts a throttle or a failover. A server that stays away for longer is `poll`'s business, which
 * counts silence instead of failing; elsewhere it is a failure, and a new attempt may follow.
 */
const UNAVAILABLE: sfn.RetryProps = {
  errors: [ERROR_NAMES.unavailable, ...LAMBDA_IS_UNAVAILABLE],
  interval: Duration.seconds(5),
  backoffRate: 2,
  maxDelay: Duration.seconds(60),
  maxAttempts: 6,
  jitterStrategy: sfn.JitterType.FULL,
};

/** Once: a step that needs more time or memory than it has needs it again, and each try takes its whole time limit. */
const ENDED = 1;

/** For Step Functions' own call of itself, whose errors have no names worth telling apart: 5 + 10 + 20 = 35 seconds. */
export const NATIVE_CALL: sfn.RetryProps = {
  errors: [sfn.Errors.TASKS_FAILED],
  interval: Duration.seconds(5),
  backoffRate: 2,
  maxAttempts: 3,
  jitterStrategy: sfn.JitterType.FULL,
};

/** Over the function's own limit, for a cold start in a VPC: the function's own, named error is the one to be seen. */
const SPARE = Duration.seconds(30);

export interface StepTaskProps {
  /** Where the result goes: `$.prepared`. `$` replaces the state. */
  readonly resultPath: string;
  /**
   * What the step receives.
   *
   * @default - the whole state
   */
  readonly parameters?: Parameters;
  /**
   * What goes on to the next state.
   *
   * @default - the whole state, with the result in it
   */
  readonly outputPath?: string;
  /**
   * How often the step is tried again after Lambda ended it.
   *
   * @default 1
   */
  readonly endedRetries?: number;
}

/** What a first step receives: the execution's own input may be anything, so it is passed on whole. */
export const EXECUTION_AND_INPUT = { 'execution.$': '$$.Execution.Id', 'input.$': '$' } as const;

/** The same with the time of the start, which stays when a step is repeated. */
export const EXECUTION_START_AND_INPUT = {
  ...EXECUTION_AND_INPUT,
  'startedAt.$': '$$.Execution.StartTime',
} as const;

export const EXECUTION_AND_RUN = { 'execution.$': '$$.Execution.Id', 'run.$': '$' } as const;

/** Values by the name that the step knows; a name that ends in `.$` has a path. */
export interface Parameters {
  readonly [name: string]: string | Parameters;
}

/**
 * The state that calls a step. It may be tried again because every step is idempotent by what it writes: `begin` by its
 * claim, `prepare` by its attempt's claim, `submit` by the id of the backup or restore, the parts of a proof and the steps of
 * a restore by their objects, the others by the ledger, each of whose objects is written once.
 */
export function stepTask(
  scope: Construct,
  name: string,
  step: Step,
  props: StepTaskProps,
): sfn.TaskStateBase {
  return LambdaInvoke.jsonPath(scope, name, {
    lambdaFunction: step.function,
    payloadResponseOnly: true,
    ...(props.parameters !== undefined && { payload: sfn.TaskInput.fromObject({ ...props.parameters }) }),
    // `$` is what Step Functions does by itself, and aws-local-stepfunctions 3.0.0 takes it for a key of that name.
    ...(props.resultPath !== '$' && { resultPath: props.resultPath }),
    ...(props.outputPath !== undefined && { outputPath: props.outputPath }),
    taskTimeout: sfn.Timeout.duration(step.timeout.plus(SPARE)),
    // CDK's own retries would add six more attempts under other names.
    retryOnServiceExceptions: false,
  })
    .addRetry(UNAVAILABLE)
    .addRetry({
      errors: ENDED_ERRORS,
      interval: Duration.seconds(5),
      maxAttempts: props.endedRetries ?? ENDED,
    });
}
