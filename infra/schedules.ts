import { type IRole, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  CfnScheduleGroup,
  ContextAttribute,
  type IScheduleGroup,
  Schedule,
  ScheduleExpression,
  ScheduleGroup,
  ScheduleTargetInput,
} from 'aws-cdk-lib/aws-scheduler';
import {
  LambdaInvoke,
  type ScheduleTargetBaseProps,
  StepFunctionsStartExecution,
  Universal,
} from 'aws-cdk-lib/aws-scheduler-targets';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration, Stack, TimeZone } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Kind } from '../core/backup-id.ts';
import { NEVER_EXAMINED, type Target } from '../core/config.ts';
import { composeTrial } from '../core/trial-alert.ts';
import { deadLetterQueue } from './dead-letter-queue.ts';
import { roleWith } from './role.ts';
import type { Step } from './step.ts';

export interface ScheduledTarget {
  readonly target: Target;
  /** The state machine that backs it up. */
  readonly stateMachine: IStateMachine;
  /**
   * The state machine that restores its drills.
   *
   * @default - none: it is not drilled
   */
  readonly drills?: IStateMachine | undefined;
  /** The state machine that examines it. */
  readonly examines: IStateMachine;
}

export interface ScheduledTrial {
  /** In UTC. */
  readonly schedule: string;
  readonly topic: ITopic;
  /** Where the runbook lies, to which `#section` is added. */
  readonly runbook: string;
}

export interface SchedulesProps {
  readonly targets: Readonly<Record<string, ScheduledTarget>>;
  readonly watch: Step;
  /** Starts the proofs of a day. */
  readonly walk: Step;
  /** Has restores ended whose execution was stopped. */
  readonly sweep: Step;
  /**
   * A message of the topic with which nothing is wrong.
   *
   * @default - none is sent
   */
  readonly trial?: ScheduledTrial | undefined;
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

/** A restore that was stopped holds its databases and its pin until it is ended: an hour is little against a restore. */
const SWEEP_INTERVAL = Duration.hours(1);

/** When backups, drills and examinations begin, when backups are proven again, and when watch and sweep look. */
export class Schedules extends Construct {
  readonly deadLetters: Queue;
  private readonly group: IScheduleGroup;
  private readonly role: IRole;

  constructor(scope: Construct, id: string, props: SchedulesProps) {
    super(scope, id);
    const { targets, watch, walk, sweep, trial } = props;
    this.deadLetters = deadLetterQueue(this, 'DeadLetters');
    this.group = createGroup(this);
    this.role = this.createRole(props);
    for (const [name, { target, stateMachine, drills, examines }] of Object.entries(targets)) {
      for (const [kind, expression] of kindsOf(target))
        this.start(`${name}-${kind}`, `the ${kind} backup of ${name}`, stateMachine, {
          schedule: inZoneOf(target, expression),
          // The time that this start is for, not the time at which it happens: it is the same however often EventBridge
          // delivers, and makes the start run once.
          input: { target: name, kind, scheduledTime: ContextAttribute.scheduledTime },
        });
      if (target.drill !== undefined && drills !== undefined)
        this.start(`${name}-drill`, `the drill of ${name}`, drills, {
          schedule: inZoneOf(target, target.drill.schedule),
          input: { target: name, to: target.drill.to, drill: true },
        });
      if (target.doctor.schedule !== NEVER_EXAMINED)
        this.start(`${name}-doctor`, `the examination of ${name}`, examines, {
          schedule: inZoneOf(target, target.doctor.schedule),
          input: { target: name, scheduled: true },
        });
    }
    this.call('Walk', 'starts the proofs of the day', walk, WALK, {
      ...START,
      deadLetterQueue: this.deadLetters,
    });
    const everyFew = ScheduleExpression.rate(WATCH_INTERVAL);
    this.call('Watch', 'looks how old the newest good backup of each target is', watch, everyFew, LOOK);
    const hourly = ScheduleExpression.rate(SWEEP_INTERVAL);
    this.call('Sweep', 'has restores ended whose execution was stopped', sweep, hourly, LOOK);
    if (trial !== undefined) this.publish(trial);
  }

  private createRole({ targets, watch, walk, sweep, trial }: SchedulesProps): IRole {
    const stateMachines = Object.values(targets).flatMap(({ target, stateMachine, drills, examines }) => [
      stateMachine,
      ...(drills === undefined ? [] : [drills]),
      ...(target.doctor.schedule === NEVER_EXAMINED ? [] : [examines]),
    ]);
    return roleWith(this, 'Role', {
      assumedBy: schedulerOf(this, this.group),
      description:
        'Safehouse: starts backups, drills and examinations on time, the daily proofs, the watch and the sweep',
      policies: {
        Start: [
          {
            actions: ['states:StartExecution'],
            resources: [...new Set(stateMachines)].map(({ stateMachineArn }) => stateMachineArn),
          },
          {
            actions: ['lambda:InvokeFunction'],
            resources: [watch, walk, sweep].map((step) => step.function.functionArn),
          },
          { actions: ['sqs:SendMessage'], resources: [this.deadLetters.queueArn] },
          ...(trial === undefined ? [] : [{ actions: ['sns:Publish'], resources: [trial.topic.topicArn] }]),
        ],
      },
    }).withoutPolicyUpdates();
  }

  private start(
    id: string,
    what: string,
    stateMachine: IStateMachine,
    { schedule, input }: { readonly schedule: ScheduleExpression; readonly input: object },
  ): void {
    new Schedule(this, id, {
      description: `Safehouse: ${what}`,
      scheduleGroup: this.group,
      schedule,
      target: new StepFunctionsStartExecution(stateMachine, {
        ...START,
        role: this.role,
        deadLetterQueue: this.deadLetters,
        input: ScheduleTargetInput.fromObject(input),
      }),
    });
  }

  private call(
    id: string,
    what: string,
    step: Step,
    schedule: ScheduleExpression,
    options: ScheduleTargetBaseProps,
  ): void {
    new Schedule(this, id, {
      description: `Safehouse: ${what}`,
      scheduleGroup: this.group,
      schedule,
      target: new LambdaInvoke(step.function, { ...options, role: this.role }),
    });
  }

  /**
   * Straight to the topic, as few parts as there can be; by Publish's own name, because a target of the topic could not set
   * the subject, and a mail would come as "AWS Notification Message".
   */
  private publish({ schedule, topic, runbook }: ScheduledTrial): void {
    const { subject, text } = composeTrial({
      stack: Stack.of(this).stackName,
      schedule,
      scheduledTime: ContextAttribute.scheduledTime,
      runbook,
    });
    new Schedule(this, 'TrialAlert', {
      description: 'Safehouse: sends the trial alert',
      scheduleGroup: this.group,
      schedule: ScheduleExpression.expression(schedule, TimeZone.ETC_UTC),
      target: new Universal({
        ...START,
        service: 'sns',
        action: 'publish',
        role: this.role,
        deadLetterQueue: this.deadLetters,
        // Without any, CDK warns of the wide ones that it would write; the role takes none but its own.
        policyStatements: [new PolicyStatement({ actions: ['sns:Publish'], resources: [topic.topicArn] })],
        input: ScheduleTargetInput.fromObject({ TopicArn: topic.topicArn, Subject: subject, Message: text }),
      }),
    });
  }
}

const inZoneOf = ({ schedule }: Target, expression: string): ScheduleExpression =>
  ScheduleExpression.expression(expression, TimeZone.of(schedule.timeZone));

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
