import type { Grant, IGrantable, ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { RUNBOOK } from '../core/alert.ts';
import { type Config, type ConfigInput, parseConfig, type Target } from '../core/config.ts';
import { settingsPrefix } from '../core/environment.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { Alarms, type WorkflowAlarmsOptions } from './alarms.ts';
import { Alerts } from './alerts.ts';
import { BackupBucket } from './backup-bucket.ts';
import { Dashboard } from './dashboard.ts';
import type { DeploymentContext } from './deployment-context.ts';
import { bundledFunctions, type FunctionCode } from './function-code.ts';
import { checkLifetimes, examinedWithinHours, proofStaleAfterHours, staleAfterHours } from './lifetimes.ts';
import { BucketAccess } from './permissions.ts';
import { ProveWorkflow } from './prove-workflow.ts';
import { RetentionWorkflow } from './retention-workflow.ts';
import { type ScheduledTarget, type ScheduledTrial, Schedules } from './schedules.ts';
import { DeploymentRecord, TargetSettings } from './settings.ts';
import type { Step } from './step.ts';
import { Sweep } from './sweep.ts';
import { groupByNetwork, type TargetNetwork } from './target-network.ts';
import {
  addTargetWorkflows,
  type GroupWorkflows,
  machinesByTarget,
  type TargetStateMachines,
} from './target-workflows.ts';
import { Watch } from './watch.ts';
import { Writer } from './writer.ts';

export interface SafehouseProps {
  /** What to back up, when, and how long to keep it: what `safehouse.config.ts` holds. */
  readonly config: ConfigInput;
  /**
   * A bucket of this app for backups and ledger. Safehouse does not change it.
   *
   * @default - the bucket that the configuration names, or a new one
   */
  readonly bucket?: IBucket;
  /**
   * The key with which the bucket is encrypted.
   *
   * @default - the key that the configuration names, or S3's own keys
   */
  readonly encryptionKey?: IKey;
  /**
   * A topic of this app for alerts. CloudWatch must be allowed to publish to it.
   *
   * @default - the topic that the configuration names, or a new one
   */
  readonly topic?: ITopic;
  /**
   * Networks of this app from which targets are reached, by the name of the target.
   *
   * @default - the networks that the configuration names
   */
  readonly networks?: Readonly<Record<string, TargetNetwork>>;
  /**
   * The address of the runbook, to which alarms add `#section`.
   *
   * @default 'docs/runbook.md'
   */
  readonly runbook?: string;
  /**
   * Where the code of the functions comes from.
   *
   * @default - `functions/`, bundled by esbuild
   */
  readonly functions?: FunctionCode;
}

type CompleteTarget = Target & {
  readonly staleAfterHours: number;
  readonly prove: { readonly staleAfterHours: number };
};
type CompleteConfig = Config & { readonly targets: Readonly<Record<string, CompleteTarget>> };

/**
 * Scheduled backups of ClickHouse: bucket, workflows, schedules, alarms. One in each stack, because the stack's name tells
 * deployments apart wherever a name has to be known beforehand.
 */
export class Safehouse extends Construct {
  /** Holds backups, ledger, claims and pins. */
  readonly bucket: IBucket;
  /** Where alerts and alarms go. */
  readonly topic: ITopic;
  /** What ClickHouse may do in the bucket, to be attached to its role. */
  readonly writerPolicy: ManagedPolicy;
  /** The state machines of each target, by its name; targets that are reached from the same network share them. */
  readonly targets: Readonly<Record<string, TargetStateMachines>>;
  /** The state machine that removes what no rule wants any more. */
  readonly retention: StateMachine;
  /** The state machine that proves one backup, `{ "target": …, "backup": … }`. */
  readonly prove: StateMachine;
  /** The configuration with every default in place. */
  readonly config: CompleteConfig;
  private readonly writer: Writer;
  /** Hours, by the name of the target; undefined where only people examine. */
  private readonly examinedWithin: Readonly<Record<string, number | undefined>>;

  /** @throws {SafehouseError} InvalidConfiguration, with every problem on a line of its own */
  constructor(scope: Construct, id: string, props: SafehouseProps) {
    super(scope, id);
    refuseSecond(this);
    const now = Date.now();
    const config = parseConfig(props.config, 'config');
    checkLifetimes(this, config, now);
    this.examinedWithin = Object.fromEntries(
      Object.entries(config.targets).map(([name, target]) => [name, examinedWithinHours(name, target, now)]),
    );
    this.config = { ...config, targets: withStaleness(config.targets, now) };
    const targets = Object.keys(config.targets);
    const { stackName } = Stack.of(this);
    const { runbook = RUNBOOK } = props;
    const code = props.functions ?? bundledFunctions();

    const store = new BackupBucket(this, 'Bucket', {
      settings: config.bucket,
      targets,
      bucket: props.bucket,
      encryptionKey: props.encryptionKey,
    });
    this.bucket = store.bucket;
    this.writer = new Writer(this, 'Writer', { ...store, roles: config.writerRoles });
    this.writerPolicy = this.writer.policy;
    const alerts = new Alerts(this, 'Alerts', {
      settings: config.alerts,
      code,
      stackName,
      topic: props.topic,
    });
    this.topic = alerts.topic;
    const context: DeploymentContext = {
      stackName,
      bucketName: store.bucket.bucketName,
      bucket: new BucketAccess(store.bucket, store.encryptionKey),
      encryptionKey: store.encryptionKey,
      topic: alerts.topic,
      settingsPrefix: settingsPrefix(stackName),
      code,
      prover: config.prover,
    };
    const retention = new RetentionWorkflow(this, 'Retention', { context });
    this.retention = retention.stateMachine;
    const prove = new ProveWorkflow(this, 'Prove', { context, targets });
    this.prove = prove.stateMachine;
    const workflows = addTargetWorkflows(this, {
      context,
      groups: groupByNetwork(this, config.targets, props.networks),
      proof: prove.steps,
      retention: retention.stateMachine,
    });
    this.targets = machinesByTarget(workflows);
    const watch = new Watch(this, 'Watch', { context, targets });
    const sweep = new Sweep(this, 'Sweep', { context, workflows });
    const schedules = new Schedules(this, 'Schedules', {
      targets: this.scheduled(),
      watch: watch.publishAges,
      walk: prove.walk,
      sweep: sweep.step,
      trial: this.trialAlert(runbook),
    });
    const alarms = this.addAlarms(runbook, {
      workflows: [...workflows.flatMap(watchedOf), watched(retention), watched(prove)],
      watch: watch.publishAges,
      walk: prove.walk,
      sweep: sweep.step,
      schedules,
      alerts,
    });
    this.recordSettings(stackName, workflows, alarms);
  }

  /** Lets a principal of this app, such as the role of ClickHouse's service account, write backups and remove none. */
  grantWriter(grantee: IGrantable): Grant {
    return this.writer.grant(grantee);
  }

  private watchExaminations(alarms: Alarms, name: string): void {
    const withinHours = this.examinedWithin[name];
    if (withinHours === undefined) return;
    alarms.watchExaminations(name, { withinHours, stateMachine: this.machinesOf(name).doctor });
  }

  private machinesOf(target: string): TargetStateMachines {
    const machines = this.targets[target];
    if (machines === undefined) throw new RangeError(`no state machines for ${target}`);
    return machines;
  }

  private scheduled(): Readonly<Record<string, ScheduledTarget>> {
    const targets = Object.entries(this.config.targets).map(
      ([name, target]) =>
        [
          name,
          {
            target,
            stateMachine: this.machinesOf(name).backup,
            drills: target.drill && this.machinesOf(target.drill.to).restore,
            examines: this.machinesOf(name).doctor,
          },
        ] as const,
    );
    return Object.fromEntries(targets);
  }

  private trialAlert(runbook: string): ScheduledTrial | undefined {
    const { trial } = this.config.alerts;
    return trial === undefined ? undefined : { schedule: trial, topic: this.topic, runbook };
  }

  private recordSettings(stackName: string, workflows: readonly GroupWorkflows[], alarms: Alarms): void {
    const settings = new Construct(this, 'Settings');
    for (const [name, target] of Object.entries(this.config.targets))
      new TargetSettings(settings, name, { stackName, name, target });
    new DeploymentRecord(this, 'Deployment', {
      stackName,
      deployment: {
        version: 1,
        bucket: this.bucket.bucketName,
        region: Stack.of(this).region,
        topicArn: this.topic.topicArn,
        alarms: { namePrefix: alarms.namePrefix, count: alarms.all.length },
        retention: this.retention.stateMachineArn,
        prove: this.prove.stateMachineArn,
        groups: workflows.map(({ group, backup, doctor, restore, cancel }) => ({
          targets: Object.keys(group.targets),
          backup: backup.stateMachine.stateMachineArn,
          doctor: doctor.stateMachine.stateMachineArn,
          restore: restore.stateMachine.stateMachineArn,
          cancelRestore: cancel.stateMachine.stateMachineArn,
        })),
      },
    });
  }

  private addAlarms(runbook: string, { workflows, watch, walk, sweep, schedules, alerts }: Watched): Alarms {
    const { stackName } = Stack.of(this);
    const alarms = new Alarms(this, 'Alarms', { stackName, topic: this.topic, runbook });
    const { targets } = this.config;
    for (const [name, { staleAfterHours, prove }] of Object.entries(targets)) {
      alarms.watchTarget(name, { staleAfterHours, stateMachine: this.machinesOf(name).backup });
      if (prove.level !== 'none') alarms.watchProof(name, { ...prove, stateMachine: this.prove });
      this.watchExaminations(alarms, name);
    }
    for (const workflow of workflows) alarms.watchWorkflow(workflow);
    alarms.watchTheWatch(watch);
    alarms.watchTheWalk(walk);
    alarms.watchTheSweep(sweep);
    alarms.watchSchedules(schedules.deadLetters);
    const { webhook } = alerts;
    if (webhook !== undefined) alarms.watchWebhook(webhook.deadLetters, webhook.function);
    new Dashboard(this, 'Dashboard', { stackName, targets, alarms: alarms.all });
    return alarms;
  }
}

/** What has alarms beside the targets. */
interface Watched {
  readonly workflows: readonly WorkflowAlarmsOptions[];
  readonly watch: Step;
  readonly walk: Step;
  readonly sweep: Step;
  readonly schedules: Schedules;
  readonly alerts: Alerts;
}

/**
 * Doctor has none: whoever started it waits for its answer, and where nobody does, whatever ends it without a good result is
 * missed by the target's own alarm.
 */
const watchedOf = ({ backup, restore, cancel }: GroupWorkflows): readonly WorkflowAlarmsOptions[] => [
  watched(backup),
  { ...watched(restore), isEndedElsewhere: true },
  watched(cancel),
];

const watched = ({ stateMachine, steps, workflow }: WorkflowWithSteps): WorkflowAlarmsOptions => ({
  stateMachine,
  workflow,
  steps: Object.values<Step>({ ...steps }),
});

type WorkflowWithSteps = GroupWorkflows['backup' | 'restore' | 'cancel'] | RetentionWorkflow | ProveWorkflow;

/** Resolved once, here, so that the alarms, the dashboard and the command line go by the same numbers. */
const withStaleness = (
  targets: Readonly<Record<string, Target>>,
  now: number,
): Record<string, CompleteTarget> =>
  Object.fromEntries(
    Object.entries(targets).map(([name, target]) => {
      const stale = staleAfterHours(name, target, now);
      const prove = { ...target.prove, staleAfterHours: proofStaleAfterHours(target, stale) };
      return [name, { ...target, staleAfterHours: stale, prove }];
    }),
  );

function refuseSecond(safehouse: Safehouse): void {
  const stack = Stack.of(safehouse);
  const first = stack.node
    .findAll()
    .find(
      (construct) =>
        construct instanceof Safehouse && construct !== safehouse && Stack.of(construct) === stack,
    );
  if (first !== undefined)
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `The stack ${stack.stackName} has two Safehouse constructs, ${first.node.path} and ${safehouse.node.path}: their parameters and metrics would have the same names.`,
      remedy: 'Give both sets of targets to one of them, or put the second one into a stack of its own.',
    });
}
