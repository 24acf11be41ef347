import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Target } from '../core/config.ts';
import { BACKUPS, LEDGER, MANIFEST, PINS, RESTORES } from '../core/keys.ts';
import {
  CLICKHOUSE_ANSWERS_WITHIN,
  handOutRestoreCredentials,
  readRestorePasswords,
} from './clickhouse-access.ts';
import { commonEnvironment, type DeploymentContext } from './deployment-context.ts';
import type { FunctionName } from './function-names.ts';
import { Machine } from './machine.ts';
import { type Permission, readSettings } from './permissions.ts';
import { type EndingSteps, type RestoreSteps, restoreDefinition } from './restore-definition.ts';
import { closeRestore, recordRestoreFailure } from './restore-report.ts';
import { idOfStep, Step, type StepNetwork } from './step.ts';
import type { NetworkGroup } from './target-network.ts';

export interface RestoreWorkflowProps {
  readonly context: DeploymentContext;
  /** The targets that are restored to. The backup may be any target's. */
  readonly group: NetworkGroup;
}

/** Lambda's limit, for what takes as long as there are tables: reading, dropping, comparing. */
const AS_LONG_AS_IT_TAKES = Duration.minutes(15);

/** The functions and the state machine that restore to all targets that are reached from the same network. */
export class RestoreWorkflow extends Construct {
  readonly stateMachine: StateMachine;
  readonly steps: RestoreSteps;
  /** Cancelling calls them too, and its alarms watch them: an alarm takes ten metrics. */
  readonly ending: EndingSteps;
  /** A dimension of AlertsSent. */
  readonly workflow: string;
  private readonly props: RestoreWorkflowProps;

  constructor(scope: Construct, id: string, props: RestoreWorkflowProps) {
    super(scope, id);
    this.workflow = id;
    this.props = props;
    const targets = Object.values(props.group.targets);
    this.steps = {
      plan: this.plan(),
      pin: this.pin(),
      preflight: this.preflight(),
      makeRoom: this.atWork('make-room', 'drops what is to be replaced', AS_LONG_AS_IT_TAKES),
      submit: this.submit(targets),
      poll: this.atWork('poll', 'asks ClickHouse how the restore stands', CLICKHOUSE_ANSWERS_WITHIN),
      compare: this.atWork('compare', 'holds what was restored against the backup', AS_LONG_AS_IT_TAKES),
      finish: this.finish(targets),
      recordFailure: recordRestoreFailure(this, props.context, this.workflow),
    };
    this.ending = {
      stop: this.atWork('stop', 'has ClickHouse let go of a restore', CLICKHOUSE_ANSWERS_WITHIN),
      cleanUp: this.atWork('clean-up', 'drops what a restore had created', AS_LONG_AS_IT_TAKES),
    };
    this.stateMachine = new Machine(this, 'Machine', {
      comment: `Restores to ${Object.keys(props.group.targets).join(', ')}`,
      definition: restoreDefinition(new Construct(this, 'States'), this.steps, this.ending),
      steps: [...Object.values<Step>({ ...this.steps }), ...Object.values<Step>({ ...this.ending })],
      timeout: longestExecution(targets),
    }).stateMachine;
  }

  private plan(): Step {
    const { bucket } = this.props.context;
    return this.step('plan', 'chooses the backup, and what of it is restored under which names', {
      permissions: [
        ...bucket.list(LEDGER, RESTORES),
        ...bucket.read(`${LEDGER}*`, `${RESTORES}*`),
        ...bucket.readDefinitions(),
        ...bucket.write(`${RESTORES}*`),
      ],
      timeout: AS_LONG_AS_IT_TAKES,
    });
  }

  private pin(): Step {
    const { bucket } = this.props.context;
    return this.step('pin', 'keeps retention away from the backup and its base', {
      permissions: [
        ...bucket.list(LEDGER, RESTORES),
        ...bucket.read(`${LEDGER}*`, `${RESTORES}*`),
        ...bucket.write(`${PINS}*`, `${RESTORES}*`),
      ],
    });
  }

  private preflight(): Step {
    const { bucket } = this.props.context;
    return this.stepAtClickHouse('preflight', 'looks for everything that stands against the restore', {
      permissions: [
        ...bucket.list(RESTORES),
        ...bucket.read(`${BACKUPS}*${MANIFEST}`, `${LEDGER}*`, `${RESTORES}*`),
        ...bucket.write(`${RESTORES}*`),
      ],
      timeout: AS_LONG_AS_IT_TAKES,
    });
  }

  private submit(targets: readonly Target[]): Step {
    return this.stepAtClickHouse('submit', 'tells ClickHouse to begin', {
      permissions: [...this.papers(), ...handOutRestoreCredentials(this, targets)],
      timeout: CLICKHOUSE_ANSWERS_WITHIN,
    });
  }

  private finish(targets: readonly Target[]): Step {
    const { bucket } = this.props.context;
    const topics = targets.flatMap(({ restore: { notifyTopicArn } }) => notifyTopicArn ?? []);
    return this.step('finish', 'writes the report, and takes the pin away', {
      permissions: [
        ...bucket.list(LEDGER, RESTORES, PINS),
        ...closeRestore(this.props.context),
        ...(topics.length > 0 ? [{ actions: ['sns:Publish'], resources: [...new Set(topics)] }] : []),
      ],
      timeout: Duration.minutes(2),
    });
  }

  /** A step that asks ClickHouse, and of the bucket needs no more than the papers of the restore. */
  private atWork(
    name: 'make-room' | 'poll' | 'compare' | 'stop' | 'clean-up',
    description: string,
    timeout: Duration,
  ): Step {
    return this.stepAtClickHouse(name, description, { permissions: this.papers(), timeout });
  }

  private papers(): readonly Permission[] {
    const { bucket } = this.props.context;
    return [
      ...bucket.list(RESTORES),
      ...bucket.read(`${RESTORES}*`, `${LEDGER}*`),
      ...bucket.write(`${RESTORES}*`),
    ];
  }

  /** From where ClickHouse can be reached. The others stay out of the VPC, as in a backup. */
  private stepAtClickHouse(
    name: RestoreStepName,
    description: string,
    { permissions, timeout }: Required<StepOptions>,
  ): Step {
    const { group } = this.props;
    return this.step(name, description, {
      permissions: [...permissions, ...readRestorePasswords(this, Object.values(group.targets))],
      timeout,
      network: group.network,
    });
  }

  private step(
    name: RestoreStepName,
    description: string,
    { permissions, ...options }: StepOptions & { readonly network?: StepNetwork | undefined },
  ): Step {
    const { context } = this.props;
    return new Step(this, idOfStep(name), {
      code: context.code,
      step: `restore/${name}`,
      description,
      permissions: [...readSettings(this, context.settingsPrefix), ...permissions],
      environment: commonEnvironment(context),
      ...options,
    });
  }
}

type RestoreStepName = NameOf<FunctionName>;
type NameOf<Step> = Step extends `restore/${infer Name}` ? Name : never;

interface StepOptions {
  readonly permissions: readonly Permission[];
  readonly timeout?: Duration;
}

/** For planning, making room, comparing and the ending: no longer than the step `pin` holds the backup beyond `maxHours`. */
const SPARE = Duration.hours(6);

/** How long an execution may take. After that it hangs, and the sweep has it ended. */
const longestExecution = (targets: readonly Target[]): Duration =>
  Duration.minutes(Math.ceil(60 * Math.max(...targets.map(({ restore }) => restore.maxHours)))).plus(SPARE);
