import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { ENGINE_UNPACKED } from '../core/engine-package.ts';
import type { FunctionCode } from './function-code.ts';
import { type FunctionName, handlerOf } from './function-names.ts';
import { attachToVpc, type Permission, SEND_TRACES } from './permissions.ts';
import { roleWith } from './role.ts';

/** Where a function stands when it is to reach a ClickHouse that is not public. */
export interface StepNetwork {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  readonly securityGroups: readonly ISecurityGroup[];
}

export interface StepProps {
  readonly code: FunctionCode;
  readonly step: FunctionName;
  /** One sentence for the console. */
  readonly description: string;
  /** All that it may do, besides writing its log and its traces. */
  readonly permissions: readonly Permission[];
  /** Environment variables. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * How long one invocation may take.
   *
   * @default Duration.minutes(1)
   */
  readonly timeout?: Duration;
  /**
   * The VPC to stand in.
   *
   * @default - none: the function reaches AWS and the internet, and nothing private
   */
  readonly network?: StepNetwork | undefined;
  /**
   * The size of a function that carries the engine.
   *
   * @default - none: an ordinary function
   */
  readonly engine?: EngineSize;
}

export interface EngineSize {
  readonly memoryMiB: number;
  /** Of the temporary storage, into which the engine is unpacked. */
  readonly storageMiB: number;
}

/** A quarter: long enough to look into what an audit finds, short enough to cost nothing. */
const LOG_RETENTION = RetentionDays.THREE_MONTHS;

/**
 * Lambda gives CPU by memory. With 128 MB a bundle with the AWS SDK takes seconds to start; the steps are short, so
 * more memory costs next to nothing. 512 MB is also twice what verification may use (256 MB).
 */
const MEMORY_MEGABYTES = 512;

const ORDINARY = { architecture: lambda.Architecture.ARM_64, memorySize: MEMORY_MEGABYTES };

/** The engine is npm's library for x86, whichever machine synthesises. */
const sized = ({ memoryMiB, storageMiB }: EngineSize) => ({
  architecture: lambda.Architecture.X86_64,
  memorySize: memoryMiB,
  ephemeralStorageSize: Size.mebibytes(storageMiB),
});

/** One step of a workflow: a function with its log group and a role of its own. */
export class Step extends Construct {
  readonly function: lambda.Function;
  readonly timeout: Duration;

  constructor(scope: Construct, id: string, props: StepProps) {
    super(scope, id);
    this.timeout = props.timeout ?? Duration.minutes(1);
    // The log repeats what the ledger keeps for good, so it goes with the stack.
    const logGroup = new LogGroup(this, 'Log', {
      retention: LOG_RETENTION,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = roleWith(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `Safehouse, ${props.step}: ${props.description}`,
      policies: {
        Step: props.permissions,
        Log: [
          { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] },
          SEND_TRACES,
        ],
        Network: props.network === undefined ? [] : attachToVpc(this),
      },
    });
    this.function = new lambda.Function(this, 'Function', {
      description: `Safehouse, ${props.step}: ${props.description}`,
      code: props.code(props.step),
      handler: handlerOf(props.step),
      // Not NODEJS_LATEST, which would change under a deployment that only meant to update the CDK.
      runtime: lambda.Runtime.NODEJS_24_X,
      ...(props.engine === undefined ? ORDINARY : sized(props.engine)),
      timeout: this.timeout,
      role: role.withoutPolicyUpdates(),
      environment: {
        NODE_OPTIONS: '--enable-source-maps',
        ...(props.engine !== undefined && { NODE_PATH: ENGINE_UNPACKED }),
        ...props.environment,
      },
      logGroup,
      loggingFormat: lambda.LoggingFormat.JSON,
      tracing: lambda.Tracing.ACTIVE,
      ...(props.network !== undefined && {
        vpc: props.network.vpc,
        vpcSubnets: props.network.subnets,
        securityGroups: [...props.network.securityGroups],
      }),
    });
  }
}

/** `check-before` as a construct's id: `CheckBefore`. */
export const idOfStep = (name: string): string =>
  name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
