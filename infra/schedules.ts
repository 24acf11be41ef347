import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  CfnScheduleGroup,
  ContextAttribute,
  type IScheduleGroup,
  Schedule,
  ScheduleExpression,
  ScheduleGroup,
  ScheduleTargetInput,
} from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke, StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration, Stack, TimeZone } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Kind } from '../core/backup-id.ts';
import type { Target } from '../core/config.ts';
import { deadLetterQueue } from './dead-letter-queue.ts';
import { roleWith } from './role.ts';
import type { Step } from './step.ts';

export interface ScheduledTarget {
  readonly target: Target;
  /** The state machine that backs it up. */
  readonly stateMachine: IStateMachine;
}

export interface SchedulesProps {
  readonly targets: Readonly<Record<string, ScheduledTarget>>;
  readonly watch: Step;
  /** Starts the proofs of a day. */
  readonly walk: Step;
}

/**
 * EventBridge tries for an hour, at most 20 times; its own defaults are a day and 185 times, and a nightly backup would
 * then begin in the middle of the next working day. What is given up lies in the dead letters, which have an alarm.
 */
const START = { retryAttempts: 20, maxEventAge: Duration.hours(1) };

/** No second try: the next look comes by itself before a second try would help. */
const LOOK = { retryAttempts: 0, maxEventAge: Duration.minutes(1) };

export const WATCH_INTERVAL = Duration.minutes(5);

/** Once a day, at an hour at which a person in most of the world is awake when a proof finds something. */
const WALK = ScheduleExpression.cron({ hour: '12', minute: '0', timeZone: TimeZone.ETC_UTC });

/** When backups begin, when they are proven again, and when the watch looks. */
export class Schedules extends Construct {
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { targets, watch, walk }: SchedulesProps) {
    super(scope, id);
    this.deadLetters = deadLetterQueue(this, 'DeadLetters');
    const group = createGroup(this);
    const stateMachines = [...new Set(Object.values(targets).map(({ stateMachine }) => stateMachine))];
    const role = roleWith(this, 'Role', {
      assumedBy: schedulerOf(this, group),
      description: 'Safehouse: starts backups on time, the daily proofs, and the watch',
      policies: {
        Start: [
          {
            actions: ['states:StartExecution'],
            resources: stateMachines.map(({ stateMachineArn }) => stateMachineArn),
          },
          {
            actions: ['lambda:InvokeFunction'],
            resources: [watch, walk].map((step) => step.function.functionArn),
          },
          { actions: ['sqs:SendMessage'], resources: [this.deadLetters.queueArn] },
        ],
      },
    }).withoutPolicyUpdates();

    for (const [name, { target, stateMachine }] of Object.entries(targets))
      for (const [kind, expression] of kindsOf(target))
        new Schedule(this, `${name}-${kind}`, {
          description: `Safehouse: the ${kind} backup of ${name}`,
          scheduleGroup: group,
          schedule: ScheduleExpression.expression(expression, TimeZone.of(target.schedule.timeZone)),
          target: new StepFunctionsStartExecution(stateMachine, {
            ...START,
            role,
            deadLetterQueue: this.deadLetters,
            // The time that this start is for, not the time at which it happens: it is the same however often
            // EventBridge delivers, and makes the start run once.
            input: ScheduleTargetInput.fromObject({
              target: name,
              kind,
              scheduledTime: ContextAttribute.scheduledTime,
            }),
          }),
        });
    new Schedule(this, 'Walk', {
      description: 'Safehouse: starts the proofs of the day',
      scheduleGroup: group,
      schedule: WALK,
      target: new LambdaInvoke(walk.function, { ...START, role, deadLetterQueue: this.deadLetters }),
    });
    new Schedule(this, 'Watch', {
      description: 'Safehouse: looks how old the newest good backup of each target is',
      scheduleGroup: group,
      schedule: ScheduleExpression.rate(WATCH_INTERVAL),
      target: new LambdaInvoke(watch.function, { ...LOOK, role }),
    });
  }
}

function kindsOf({ schedule }: Target): readonly (readonly [Kind, string])[] {
  const full = ['full', schedule.full] as const;
  return schedule.incremental === undefined ? [full] : [full, ['incremental', schedule.incremental]];
}

/**
 * A group of its own, so that the role can be confined to it. CDK's own construct would name it after the stack and keep it
 * when the stack goes, and the next stack of that name could not be deployed; so its name is left to CloudFormation.
 */
function createGroup(scope: Construct): IScheduleGroup {
  const group = new CfnScheduleGroup(scope, 'Group');
  return ScheduleGroup.fromScheduleGroupName(scope, 'GroupByName', group.ref);
}

const schedulerOf = (scope: Construct, group: IScheduleGroup): ServicePrincipal =>
  new ServicePrincipal('scheduler.amazonaws.com', {
    conditions: {
      StringEquals: {
        'aws:SourceAccount': Stack.of(scope).account,
        'aws:SourceArn': group.scheduleGroupArn,
      },
    },
  });
