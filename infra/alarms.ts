/**
 * Every alarm, with what it means and where to read on. Two kinds: those on what the watch publishes, for which silence
 * is the alarm, and those on events, for which silence is health.
 */
import {
  Alarm,
  CfnAlarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { writeAlarmDescription } from '../core/alarm-description.ts';
import { METRICS } from '../core/metrics.ts';
import { targetMetric, workflowMetric } from './metrics.ts';
import { WATCH_INTERVAL } from './schedules.ts';
import type { Step } from './step.ts';

/** The sections of the runbook, one for each alarm. */
export const RUNBOOK_SECTIONS = {
  late: 'alarm-late',
  neverRan: 'alarm-never-ran',
  notVerified: 'alarm-not-verified',
  skipped: 'alarm-skipped',
  proofTooOld: 'alarm-proof-too-old',
  notExamined: 'alarm-not-examined',
  failedUntold: 'alarm-failed-without-an-alert',
  timedOut: 'alarm-timed-out',
  aborted: 'alarm-aborted',
  throttled: 'alarm-throttled',
  stepsThrottled: 'alarm-functions-throttled',
  watchFails: 'alarm-watch-fails',
  walkFails: 'alarm-proofs-not-started',
  sweepFails: 'alarm-restores-not-swept',
  deadLetters: 'alarm-start-not-delivered',
  webhookDeadLetters: 'alarm-webhook-not-delivered',
} as const;
export type AlarmKind = keyof typeof RUNBOOK_SECTIONS;

export interface AlarmsProps {
  readonly stackName: string;
  readonly topic: ITopic;
  /** Where the runbook lies: the address of the page, to which `#section` is added. */
  readonly runbook: string;
}

export interface TargetAlarmsOptions {
  readonly staleAfterHours: number;
  /** The state machine that backs the target up. */
  readonly stateMachine: StateMachine;
}

export interface ProofAlarmOptions {
  readonly staleAfterHours: number;
  /** The state machine of a proof by itself. */
  readonly stateMachine: StateMachine;
}

export interface ExaminationAlarmOptions {
  /** The time in which there must be a good one. At most 168. */
  readonly withinHours: number;
  /** The state machine that examines the target. */
  readonly stateMachine: StateMachine;
}

export interface WorkflowAlarmsOptions {
  readonly stateMachine: StateMachine;
  readonly steps: readonly Step[];
  /** Its name, as in the dimension of AlertsSent. */
  readonly workflow: string;
  /**
   * Whether something else ends what a stopped execution had begun, and tells it: then a stop is no alarm.
   *
   * @default false
   */
  readonly isEndedElsewhere?: boolean;
}

interface Condition {
  readonly kind: AlarmKind;
  readonly metric: IMetric;
  /** What it means, in sentences for a person who has just been woken. */
  readonly meaning: string;
  /** Where to look first. */
  readonly link?: string;
  readonly threshold: number;
  readonly comparison: ComparisonOperator;
  /** How many datapoints in a row. */
  readonly datapoints: number;
  readonly missing: TreatMissingData;
}

/**
 * Three looks of the watch in a row: one that is lost (Lambda, EventBridge and S3 each promise less than every single time)
 * wakes nobody, and a quarter of an hour is little against the age of a backup.
 */
const LOOKS = 3;

/** The watch says nothing when it does not run or cannot read: then nobody knows that backups exist. */
const SILENCE_IS_AN_ALARM = TreatMissingData.BREACHING;

/**
 * Scheduled times in a row that were skipped. One is what a backup does that took longer than usual, two can be chance;
 * after three the schedule does not fit the server, or something hangs.
 */
const SKIPS = 3;

/** Counters of events have no datapoint while nothing happens. That nothing happened at all is the watch's to tell. */
const SILENCE_IS_HEALTH = TreatMissingData.NOT_BREACHING;

const EVENTS = { period: Duration.minutes(5), statistic: Stats.SUM };

/**
 * An alert is sent a second or two before its execution ends, and the end of a period can lie between the two: then one
 * failure in a few hundred is told twice. With shorter periods it would be more.
 */
const TOLD_AND_FAILED = { period: Duration.minutes(15), statistic: Stats.SUM };

export class Alarms extends Construct {
  readonly all: Alarm[] = [];
  private readonly props: AlarmsProps;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.props = props;
  }

  /**
   * What the names of all these alarms begin with, and those of no other stack: CloudFormation calls an alarm
   * `<stack>-<logical id>-<random>`. The stack's name alone would do for `Safehouse` and match `Safehouse-Test` as well.
   */
  get namePrefix(): string {
    const stack = Stack.of(this);
    const ids = this.all
      .map((alarm) => alarm.node.defaultChild)
      .filter((resource) => resource instanceof CfnAlarm)
      .map((resource) => stack.getLogicalId(resource));
    return `${stack.stackName}-${commonBeginning(ids)}`;
  }

  /** Late, never ran, not verified, skipped. */
  watchTarget(target: string, { staleAfterHours, stateMachine }: TargetAlarmsOptions): void {
    const { stackName } = this.props;
    const scope = this.of(target);
    const looked = { datapoints: LOOKS, missing: SILENCE_IS_AN_ALARM, link: consoleOf(stateMachine) };
    this.add(scope, 'Late', {
      ...looked,
      kind: 'late',
      metric: targetMetric(stackName, target, METRICS.goodBackupAge, {
        period: WATCH_INTERVAL,
        statistic: Stats.MAXIMUM,
      }),
      threshold: staleAfterHours * 3600,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      meaning: `The newest good backup of ${target} began more than ${staleAfterHours} hours ago, or nobody can say when. What was written to it since then would be lost with it.`,
    });
    this.add(scope, 'NeverRan', {
      ...looked,
      kind: 'neverRan',
      metric: targetMetric(stackName, target, METRICS.goodBackups, {
        period: WATCH_INTERVAL,
        statistic: Stats.MINIMUM,
      }),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      meaning: `There is no good backup of ${target}, or nobody can say whether there is one. Nothing of it could be restored.`,
    });
    this.add(scope, 'NotVerified', {
      ...looked,
      kind: 'notVerified',
      metric: targetMetric(stackName, target, METRICS.unverifiedBackups, {
        period: WATCH_INTERVAL,
        statistic: Stats.MAXIMUM,
      }),
      threshold: 0,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      meaning: `ClickHouse finished a backup of ${target} more than an hour ago and nobody has verified it, or nobody can say. It does not count as good until somebody has.`,
    });
    this.add(scope, 'Skipped', {
      ...looked,
      kind: 'skipped',
      metric: targetMetric(stackName, target, METRICS.skippedInARow, {
        period: WATCH_INTERVAL,
        statistic: Stats.MAXIMUM,
      }),
      threshold: SKIPS,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      meaning: `${SKIPS} scheduled backups of ${target} in a row were skipped, because one that began before them is still being written, or nobody can say. No newer backup comes about until that one has ended.`,
    });
  }

  /** Proof too old. */
  watchProof(target: string, { staleAfterHours, stateMachine }: ProofAlarmOptions): void {
    this.add(this.of(target), 'ProofTooOld', {
      kind: 'proofTooOld',
      metric: targetMetric(this.props.stackName, target, METRICS.proofAge, {
        period: WATCH_INTERVAL,
        statistic: Stats.MAXIMUM,
      }),
      threshold: staleAfterHours * 3600,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      datapoints: LOOKS,
      missing: SILENCE_IS_AN_ALARM,
      link: consoleOf(stateMachine),
      meaning: `No good backup of ${target} was proven within the last ${staleAfterHours} hours, or nobody can say. ClickHouse's word is all there is for what was backed up since then.`,
    });
  }

  /** Not examined, or not with a good result. */
  watchExaminations(target: string, { withinHours, stateMachine }: ExaminationAlarmOptions): void {
    const period = Duration.hours(1);
    this.add(this.of(target), 'NotExamined', {
      kind: 'notExamined',
      metric: new MathExpression({
        label: 'good examinations',
        // Hours without one are the rule here. Where they are missing and not zero, CloudWatch goes back for older ones that are
        // there, further than it says, and the alarm comes that much later.
        expression: 'FILL(good, 0)',
        usingMetrics: {
          good: targetMetric(this.props.stackName, target, METRICS.examinationsGood, {
            period,
            statistic: Stats.SUM,
          }),
        },
        period,
      }),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      datapoints: withinHours,
      missing: SILENCE_IS_AN_ALARM,
      link: consoleOf(stateMachine),
      meaning: `For ${withinHours} hours no examination has found that ${target} can be backed up. A permission, a grant or the key may be lost, and the next backup would be the first to notice.`,
    });
  }

  /** Failed without an alert, timed out, aborted, throttled, and throttled functions. */
  watchWorkflow(options: WorkflowAlarmsOptions): void {
    const { stateMachine, steps, workflow, isEndedElsewhere = false } = options;
    const scope = new Construct(this, workflow);
    const event = { ...ONCE, link: consoleOf(stateMachine) };
    this.add(scope, 'FailedUntold', {
      ...event,
      kind: 'failedUntold',
      metric: new MathExpression({
        label: 'failures that nobody was told',
        expression: 'failed - FILL(told, 0)',
        usingMetrics: {
          failed: stateMachine.metricFailed(TOLD_AND_FAILED),
          told: workflowMetric(this.props.stackName, workflow, METRICS.alertsSent, TOLD_AND_FAILED),
        },
        period: TOLD_AND_FAILED.period,
      }),
      meaning: `An execution of ${workflow} failed, and the alert that should have told why was not sent. The history of the execution says what happened.`,
    });
    this.add(scope, 'TimedOut', {
      ...event,
      kind: 'timedOut',
      metric: stateMachine.metricTimedOut(EVENTS),
      meaning: `An execution of ${workflow} was ended by Step Functions because it took longer than all that it does may take together. Whatever it was doing may still run in ClickHouse.`,
    });
    if (!isEndedElsewhere)
      this.add(scope, 'Aborted', {
        ...event,
        kind: 'aborted',
        metric: stateMachine.metricAborted(EVENTS),
        meaning: `Somebody or something stopped an execution of ${workflow}. What it had begun was left as it was, and it is not repeated.`,
      });
    this.add(scope, 'Throttled', {
      ...event,
      kind: 'throttled',
      metric: stateMachine.metricThrottled(EVENTS),
      meaning: `Step Functions held back states of ${workflow}: this account starts more of them than its quota allows. What it does is late, not lost.`,
    });
    this.add(scope, 'StepsThrottled', {
      ...event,
      kind: 'stepsThrottled',
      metric: sumOf(steps.map((step) => step.function.metricThrottles(EVENTS))),
      meaning: `Lambda refused to run a step of ${workflow}: this account has reached its limit of concurrent executions. Steps are tried again for about three minutes, then the execution fails.`,
    });
  }

  watchTheWatch({ function: watch }: Step): void {
    this.add(this, 'WatchFails', {
      ...ONCE,
      kind: 'watchFails',
      // Not once but three times: a single look that fails is made good by the next one.
      datapoints: LOOKS,
      metric: sumOf([watch.metricErrors(EVENTS), watch.metricThrottles(EVENTS)]),
      meaning:
        'The function that looks how old the backups are fails. The alarms on late and missing backups will follow, and may be wrong: they fire because nobody looks.',
    });
  }

  watchTheWalk({ function: walk }: Step): void {
    this.add(this, 'WalkFails', {
      ...ONCE,
      kind: 'walkFails',
      metric: sumOf([walk.metricErrors(EVENTS), walk.metricThrottles(EVENTS)]),
      meaning:
        'The function that starts the daily proofs of older backups failed, for some of the targets at least. New backups are proven all the same; what damages the older ones is not noticed.',
    });
  }

  watchTheSweep({ function: sweep }: Step): void {
    this.add(this, 'SweepFails', {
      ...ONCE,
      kind: 'sweepFails',
      metric: sumOf([sweep.metricErrors(EVENTS), sweep.metricThrottles(EVENTS)]),
      meaning:
        'The function that has stopped restores ended failed. What such a restore had created may still be there, and its databases cannot be restored to until it is ended.',
    });
  }

  watchSchedules(deadLetters: Queue): void {
    this.add(this, 'DeadLetters', {
      ...ONCE,
      kind: 'deadLetters',
      metric: messagesIn(deadLetters),
      meaning:
        'EventBridge could not start a backup, a drill, an examination or the daily proofs at its time, or send the trial alert, and has given up. The message in the queue says which one and why.',
      link: queueConsole(deadLetters),
    });
  }

  watchWebhook(deadLetters: Queue, webhook: IFunction): void {
    this.add(this, 'WebhookDeadLetters', {
      ...ONCE,
      kind: 'webhookDeadLetters',
      metric: messagesIn(deadLetters),
      meaning: 'The webhook did not take an alert. The alert itself is in the queue: read it there now.',
      link: queueConsole(deadLetters),
    });
    this.add(this, 'WebhookThrottled', {
      ...ONCE,
      kind: 'stepsThrottled',
      metric: webhook.metricThrottles(EVENTS),
      meaning:
        'Lambda refused to run the function that posts alerts to the webhook: this account has reached its limit of concurrent executions. Alerts are late.',
    });
  }

  /** The alarms of one target. */
  private of(target: string): Construct {
    const existing = this.node.tryFindChild(target);
    return existing instanceof Construct ? existing : new Construct(this, target);
  }

  private add(scope: Construct, id: string, condition: Condition): void {
    const alarm = new Alarm(scope, id, {
      alarmDescription: this.describe(condition),
      metric: condition.metric,
      threshold: condition.threshold,
      comparisonOperator: condition.comparison,
      evaluationPeriods: condition.datapoints,
      datapointsToAlarm: condition.datapoints,
      treatMissingData: condition.missing,
    });
    alarm.addAlarmAction(new SnsAction(this.props.topic));
    this.all.push(alarm);
  }

  private describe({ meaning, kind, link }: Condition): string {
    const runbook = `${this.props.runbook}#${RUNBOOK_SECTIONS[kind]}`;
    return writeAlarmDescription({ meaning, runbook, console: link });
  }
}

function commonBeginning([first = '', ...others]: readonly string[]): string {
  let length = first.length;
  while (others.some((other) => !other.startsWith(first.slice(0, length)))) length -= 1;
  return first.slice(0, length);
}

const ONCE = {
  threshold: 0,
  comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
  datapoints: 1,
  missing: SILENCE_IS_HEALTH,
} as const;

/** An alarm's expression takes ten metrics at most; the longest workflow has nine steps of its own. */
function sumOf(metrics: readonly IMetric[]): MathExpression {
  return new MathExpression({
    expression: 'SUM(METRICS())',
    usingMetrics: Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric])),
    period: EVENTS.period,
  });
}

const messagesIn = (queue: Queue): IMetric =>
  queue.metricApproximateNumberOfMessagesVisible({ period: EVENTS.period, statistic: Stats.MAXIMUM });

const consoleAt = (scope: Construct, path: string): string => {
  const { region } = Stack.of(scope);
  return `https://${region}.console.aws.amazon.com/${path.replace('<region>', region)}`;
};

const consoleOf = (stateMachine: StateMachine): string =>
  consoleAt(stateMachine, `states/home?region=<region>#/statemachines/view/${stateMachine.stateMachineArn}`);

const queueConsole = (queue: Queue): string =>
  consoleAt(queue, `sqs/v3/home?region=<region>#/queues/${queue.queueUrl}`);
