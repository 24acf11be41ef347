import type { IStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Target } from '../core/config.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { BACKUPS, CLAIMS, LEDGER, ledgerKey, MANIFEST, PINS } from '../core/keys.ts';
import { type BackupSteps, backupDefinition } from './backup-definition.ts';
import { CLICKHOUSE_ANSWERS_WITHIN, handOutCredentials, readPasswords } from './clickhouse-access.ts';
import { commonEnvironment, type DeploymentContext } from './deployment-context.ts';
import { Machine } from './machine.ts';
import { type Permission, readSettings } from './permissions.ts';
import type { ProofSteps } from './proof-definition.ts';
import { LONGEST_PROOF } from './prove-workflow.ts';
import { idOfStep, Step, type StepNetwork } from './step.ts';
import type { NetworkGroup } from './target-network.ts';

export interface BackupWorkflowProps {
  readonly context: DeploymentContext;
  readonly group: NetworkGroup;
  /** The functions that prove each verified backup. */
  readonly proof: ProofSteps;
  /** The state machine that follows each proven backup. */
  readonly retention: IStateMachine;
}

/** The backup functions and the state machine of all targets that are reached from the same network. */
export class BackupWorkflow extends Construct {
  readonly stateMachine: StateMachine;
  readonly steps: BackupSteps;
  /** A dimension of AlertsSent. */
  readonly workflow: string;
  private readonly context: DeploymentContext;
  private readonly group: NetworkGroup;

  constructor(scope: Construct, id: string, props: BackupWorkflowProps) {
    super(scope, id);
    this.workflow = id;
    this.context = props.context;
    this.group = props.group;
    this.steps = {
      begin: this.begin(),
      checkBefore: this.checkBefore(),
      prepare: this.prepare(),
      submit: this.submit(),
      poll: this.poll(),
      verify: this.verify(),
      recordFailure: this.recordFailure(),
    };
    const { retention } = props;
    const { plan, item, judge } = props.proof;
    const after = { proof: props.proof, atOnce: props.context.prover.atOnce, retention };
    this.stateMachine = new Machine(this, 'Machine', {
      comment: `Backs up ${Object.keys(props.group.targets).join(', ')}`,
      definition: backupDefinition(new Construct(this, 'States'), this.steps, after),
      steps: [...Object.values(this.steps), plan, item, judge],
      starts: [retention],
      timeout: longestExecution(Object.values(props.group.targets)),
    }).stateMachine;
  }

  private begin(): Step {
    const { bucket } = this.context;
    return this.step('begin', 'claims the scheduled time', [
      ...bucket.list(CLAIMS, LEDGER),
      ...bucket.read(`${CLAIMS}*`, `${LEDGER}*`),
      ...bucket.write(`${CLAIMS}*`),
    ]);
  }

  private checkBefore(): Step {
    return this.stepAtClickHouse('check-before', "asks whether the target's own condition holds", []);
  }

  private prepare(): Step {
    const { bucket } = this.context;
    return this.stepAtClickHouse('prepare', 'decides what is backed up, and opens its page in the ledger', [
      ...bucket.list(LEDGER, CLAIMS, BACKUPS, PINS),
      ...bucket.read(`${LEDGER}*`, `${CLAIMS}*`, `${BACKUPS}*${MANIFEST}`),
      ...bucket.write(`${CLAIMS}*`, ledgerKey('*', '*', 'started'), `${PINS}*`),
    ]);
  }

  private submit(): Step {
    const { bucket } = this.context;
    return this.stepAtClickHouse('submit', 'tells ClickHouse to begin', [
      ...bucket.list(BACKUPS, LEDGER),
      ...bucket.read(`${LEDGER}*`, `${CLAIMS}*`),
      ...handOutCredentials(this, this.targets),
    ]);
  }

  private poll(): Step {
    const { bucket } = this.context;
    return this.stepAtClickHouse('poll', 'asks ClickHouse how the backup stands', [
      ...bucket.list(BACKUPS, LEDGER),
      ...bucket.read(`${LEDGER}*`),
      ...bucket.write(ledgerKey('*', '*', 'written')),
    ]);
  }

  private verify(): Step {
    const { bucket } = this.context;
    return this.step(
      'verify',
      'compares the manifest with the objects that exist',
      [
        ...bucket.list(BACKUPS, LEDGER),
        ...bucket.read(`${BACKUPS}*${MANIFEST}`, `${LEDGER}*`),
        ...bucket.write(ledgerKey('*', '*', 'verified')),
      ],
      // Lambda's limit: a manifest can be hundreds of megabytes, and a listing thousands of pages.
      { timeout: Duration.minutes(15) },
    );
  }

  private recordFailure(): Step {
    const { bucket, topic } = this.context;
    return this.step(
      'record-failure',
      'writes a failure into the ledger, and tells a person',
      [
        ...bucket.list(LEDGER, CLAIMS),
        ...bucket.read(`${LEDGER}*`, `${CLAIMS}*`),
        ...bucket.write(ledgerKey('*', '*', 'failed'), `${CLAIMS}*`),
        { actions: ['sns:Publish'], resources: [topic.topicArn] },
      ],
      {
        environment: { [ENVIRONMENT.topic]: topic.topicArn, [ENVIRONMENT.workflow]: this.workflow },
        timeout: Duration.minutes(2),
      },
    );
  }

  private get targets(): readonly Target[] {
    return Object.values(this.group.targets);
  }

  /**
   * A step that asks ClickHouse, from where ClickHouse can be reached. The others stay out of the VPC: verifying needs no
   * route to anything private, and a failure must be told even when the VPC has lost its way out.
   */
  private stepAtClickHouse(
    name: 'check-before' | 'prepare' | 'submit' | 'poll',
    description: string,
    permissions: readonly Permission[],
  ): Step {
    return this.step(name, description, [...permissions, ...readPasswords(this, this.targets)], {
      network: this.group.network,
      timeout: CLICKHOUSE_ANSWERS_WITHIN,
    });
  }

  private step(
    name: 'begin' | 'check-before' | 'prepare' | 'submit' | 'poll' | 'verify' | 'record-failure',
    description: string,
    permissions: readonly Permission[],
    options: {
      readonly environment?: Readonly<Record<string, string>>;
      readonly timeout?: Duration;
      readonly network?: StepNetwork | undefined;
    } = {},
  ): Step {
    return new Step(this, idOfStep(name), {
      code: this.context.code,
      step: `backup/${name}`,
      description,
      permissions: [...readSettings(this, this.context.settingsPrefix), ...permissions],
      ...options,
      environment: { ...commonEnvironment(this.context), ...options.environment },
    });
  }
}

/** For claiming, verifying and telling, and for what is tried again on the way. */
const SPARE = Duration.hours(2);

/**
 * How long an execution may take: every attempt of the slowest target with its wait and its whole time, and the proof of the
 * last one. Longer than that it hangs, and the alarm on time-outs says so.
 */
function longestExecution(targets: readonly Target[]): Duration {
  const minutes = targets.map(
    ({ attempts, maxHours, before }) => attempts * (maxHours * 60 + (before?.limitMinutes ?? 0)),
  );
  return Duration.minutes(Math.ceil(Math.max(...minutes)))
    .plus(LONGEST_PROOF)
    .plus(SPARE);
}
