import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { ENVIRONMENT } from '../core/environment.ts';
import { BACKUPS, LEDGER, ledgerKey, PROOFS, provenAgainKey } from '../core/keys.ts';
import { commonEnvironment, type DeploymentContext } from './deployment-context.ts';
import { Machine } from './machine.ts';
import { type Permission, readSettings } from './permissions.ts';
import { type ProveSteps, proveDefinition } from './proof-definition.ts';
import { Step } from './step.ts';

export interface ProveWorkflowProps {
  readonly context: DeploymentContext;
  /** The names of all targets. */
  readonly targets: readonly string[];
}

/**
 * How long a proof may take. Ten items at once read some 600 MB/s, so a day is 50 TB: a proof that takes longer hangs, or
 * wants more items at once.
 */
export const LONGEST_PROOF = Duration.days(1);

/** The functions that prove, for every target: they read the bucket and never ask ClickHouse, so they stand in no VPC. */
export class ProveWorkflow extends Construct {
  readonly stateMachine: StateMachine;
  readonly steps: ProveSteps;
  /** Starts the proofs of a day. Not a step: EventBridge calls it. */
  readonly walk: Step;
  /** A dimension of AlertsSent. */
  readonly workflow: string;

  constructor(scope: Construct, id: string, { context, targets }: ProveWorkflowProps) {
    super(scope, id);
    this.workflow = id;
    this.steps = {
      plan: this.plan(context),
      item: this.item(context),
      judge: this.judge(context),
      recordFailure: this.recordFailure(context),
    };
    this.stateMachine = new Machine(this, 'Machine', {
      comment: 'Proves one backup: reads every byte of it with an engine that did not write it',
      definition: proveDefinition(new Construct(this, 'States'), this.steps, context.prover.atOnce),
      steps: Object.values(this.steps),
      timeout: LONGEST_PROOF,
    }).stateMachine;
    this.walk = this.walkThrough(context, targets);
  }

  private plan(context: DeploymentContext): Step {
    return this.prover(context, 'plan', 'mounts a backup, counts it, and plans who reads which bytes', [
      ...readSettings(this, context.settingsPrefix),
    ]);
  }

  private item(context: DeploymentContext): Step {
    return this.prover(context, 'item', 'reads the bytes of one item of a proof', []);
  }

  /** A function with the engine in it. It writes what it found, and nothing that a backup or the ledger is made of. */
  private prover(
    context: DeploymentContext,
    name: 'plan' | 'item',
    description: string,
    permissions: readonly Permission[],
  ): Step {
    const { bucket, prover } = context;
    return new Step(this, name === 'plan' ? 'Plan' : 'Item', {
      code: context.code,
      step: `prove/${name}`,
      description,
      permissions: [
        ...permissions,
        ...bucket.list(BACKUPS, LEDGER),
        ...bucket.read(`${BACKUPS}*`, `${LEDGER}*`, `${PROOFS}*`),
        ...bucket.write(`${PROOFS}*`),
      ],
      environment: {
        ...commonEnvironment(context),
        [ENVIRONMENT.bytesAnItem]: String(Math.round(prover.gibibytesAnItem * 1024 ** 3)),
      },
      engine: prover,
      // Lambda's limit. An item is made to take a third of it.
      timeout: Duration.minutes(15),
    });
  }

  private judge(context: DeploymentContext): Step {
    const { bucket, topic } = context;
    return new Step(this, 'Judge', {
      code: context.code,
      step: 'prove/judge',
      description: 'judges all items of a proof together',
      permissions: [
        ...bucket.list(LEDGER),
        ...bucket.read(`${PROOFS}*`, `${LEDGER}*`),
        ...bucket.write(
          ledgerKey('*', '*', 'proven'),
          provenAgainKey('*', '*', '*'),
          ledgerKey('*', '*', 'failed'),
        ),
        { actions: ['sns:Publish'], resources: [topic.topicArn] },
      ],
      environment: { ...commonEnvironment(context), [ENVIRONMENT.topic]: topic.topicArn },
      // 32 results at once, in a tenth of a second: ten thousand take half a minute, and a plan of that size some more.
      timeout: Duration.minutes(5),
    });
  }

  private recordFailure(context: DeploymentContext): Step {
    const { bucket, topic } = context;
    return new Step(this, 'RecordFailure', {
      code: context.code,
      step: 'prove/record-failure',
      description: 'tells a person that a proof failed',
      permissions: [...bucket.list(LEDGER), { actions: ['sns:Publish'], resources: [topic.topicArn] }],
      environment: {
        ...commonEnvironment(context),
        [ENVIRONMENT.topic]: topic.topicArn,
        [ENVIRONMENT.workflow]: this.workflow,
      },
      timeout: Duration.minutes(2),
    });
  }

  private walkThrough(context: DeploymentContext, targets: readonly string[]): Step {
    const { bucket } = context;
    return new Step(this, 'Walk', {
      code: context.code,
      step: 'prove/walk',
      description: 'starts the proofs of the day, of the backups whose proof is oldest',
      permissions: [
        ...readSettings(this, context.settingsPrefix),
        ...bucket.list(LEDGER),
        ...bucket.read(`${LEDGER}*`),
        { actions: ['states:StartExecution'], resources: [this.stateMachine.stateMachineArn] },
      ],
      environment: {
        ...commonEnvironment(context),
        [ENVIRONMENT.targets]: targets.join(','),
        [ENVIRONMENT.proveMachine]: this.stateMachine.stateMachineArn,
      },
      timeout: Duration.minutes(5),
    });
  }
}
