import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { METRICS } from '../core/metrics.ts';
import type { ProofLevel } from '../core/proof.ts';
import { targetMetric } from './metrics.ts';

export interface DashboardProps {
  readonly stackName: string;
  readonly targets: Readonly<Record<string, DashboardTarget>>;
  readonly alarms: readonly Alarm[];
}

export interface DashboardTarget {
  readonly staleAfterHours: number;
  readonly prove: { readonly level: ProofLevel | 'none'; readonly staleAfterHours: number };
}

/** CloudWatch's limit for one widget. */
const ALARMS_A_WIDGET = 100;
const WHOLE_WIDTH = 24;
const QUARTER = WHOLE_WIDTH / 4;
const THIRD = WHOLE_WIDTH / 3;

/** The alarms, and for each target a row for its backups (age, size, duration, outcome) and one for its proofs. */
export class Dashboard extends Construct {
  readonly dashboard: CloudWatchDashboard;

  constructor(scope: Construct, id: string, { stackName, targets, alarms }: DashboardProps) {
    super(scope, id);
    this.dashboard = new CloudWatchDashboard(this, 'Dashboard', { defaultInterval: Duration.days(14) });
    for (let first = 0; first < alarms.length; first += ALARMS_A_WIDGET)
      this.dashboard.addWidgets(
        new AlarmStatusWidget({
          title: 'Alarms',
          alarms: alarms.slice(first, first + ALARMS_A_WIDGET),
          width: WHOLE_WIDTH,
          height: 4,
        }),
      );
    for (const [target, { staleAfterHours, prove }] of Object.entries(targets)) {
      this.dashboard.addWidgets(new TextWidget({ markdown: `## ${target}`, width: WHOLE_WIDTH, height: 1 }));
      this.dashboard.addWidgets(
        age(stackName, target, staleAfterHours),
        size(stackName, target),
        duration(stackName, target),
        outcome(stackName, target),
      );
      if (prove.level !== 'none')
        this.dashboard.addWidgets(
          proofAge(stackName, target, prove.staleAfterHours),
          proofCoverage(stackName, target),
          bytesProven(stackName, target),
        );
    }
  }
}

const HOURLY = { period: Duration.hours(1) };

const age = (stackName: string, target: string, staleAfterHours: number): IWidget =>
  ageGraph(
    'Age of the newest good backup (hours)',
    targetMetric(stackName, target, METRICS.goodBackupAge, { ...HOURLY, statistic: Stats.MAXIMUM }),
    staleAfterHours,
    QUARTER,
  );

const proofAge = (stackName: string, target: string, staleAfterHours: number): IWidget =>
  ageGraph(
    'Age of the newest proof (hours)',
    targetMetric(stackName, target, METRICS.proofAge, { ...HOURLY, statistic: Stats.MAXIMUM }),
    staleAfterHours,
    THIRD,
  );

const ageGraph = (title: string, seconds: IMetric, staleAfterHours: number, width: number): IWidget =>
  new GraphWidget({
    title,
    left: [
      new MathExpression({
        expression: 'age / 3600',
        label: 'hours',
        usingMetrics: { age: seconds },
        period: HOURLY.period,
      }),
    ],
    leftAnnotations: [{ value: staleAfterHours, label: 'alarm' }],
    leftYAxis: { min: 0 },
    width,
  });

const proofCoverage = (stackName: string, target: string): IWidget =>
  new GraphWidget({
    title: 'Good backups with a proof that is new enough (%)',
    left: [
      targetMetric(stackName, target, METRICS.proofCoverage, {
        ...HOURLY,
        statistic: Stats.MINIMUM,
        label: 'covered',
      }),
    ],
    leftYAxis: { min: 0, max: 100 },
    width: THIRD,
  });

const bytesProven = (stackName: string, target: string): IWidget =>
  new GraphWidget({
    title: 'Read back',
    left: [
      targetMetric(stackName, target, METRICS.bytesProven, {
        ...HOURLY,
        statistic: Stats.SUM,
        label: 'bytes',
      }),
    ],
    right: [
      targetMetric(stackName, target, METRICS.backupsProven, {
        ...HOURLY,
        statistic: Stats.SUM,
        label: 'backups',
      }),
    ],
    leftYAxis: { min: 0 },
    rightYAxis: { min: 0 },
    width: THIRD,
  });

const size = (stackName: string, target: string): IWidget =>
  new GraphWidget({
    title: 'Size',
    left: [
      targetMetric(stackName, target, METRICS.backupBytes, {
        ...HOURLY,
        statistic: Stats.MAXIMUM,
        label: 'bytes',
      }),
      targetMetric(stackName, target, METRICS.unfinishedUploadBytes, {
        ...HOURLY,
        statistic: Stats.MAXIMUM,
        label: 'bytes of unfinished uploads, at least',
      }),
    ],
    right: [
      targetMetric(stackName, target, METRICS.backupObjects, {
        ...HOURLY,
        statistic: Stats.MAXIMUM,
        label: 'objects',
      }),
    ],
    leftYAxis: { min: 0 },
    rightYAxis: { min: 0 },
    width: QUARTER,
  });

const duration = (stackName: string, target: string): IWidget =>
  new GraphWidget({
    title: 'Duration (minutes)',
    left: [
      new MathExpression({
        expression: 'seconds / 60',
        label: 'minutes',
        usingMetrics: {
          seconds: targetMetric(stackName, target, METRICS.backupSeconds, {
            ...HOURLY,
            statistic: Stats.MAXIMUM,
          }),
        },
        period: HOURLY.period,
      }),
    ],
    leftYAxis: { min: 0 },
    width: QUARTER,
  });

const outcome = (stackName: string, target: string): IWidget =>
  new GraphWidget({
    title: 'Outcome',
    stacked: true,
    left: (
      [
        [METRICS.backupsVerified, 'verified'],
        [METRICS.backupsFailed, 'failed'],
        [METRICS.backupsSkipped, 'skipped'],
        [METRICS.backupsRemoved, 'removed'],
      ] as const
    ).map(([metric, label]) =>
      targetMetric(stackName, target, metric, { ...HOURLY, statistic: Stats.SUM, label }),
    ),
    leftYAxis: { min: 0 },
    width: QUARTER,
  });
