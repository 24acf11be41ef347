import { Policy, type Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { ArnFormat, type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { type Permission, SEND_TRACES } from './permissions.ts';
import { acknowledgePolicy, roleWith } from './role.ts';
import type { Step } from './step.ts';

export interface MachineProps {
  /** One sentence for the console. */
  readonly comment: string;
  readonly definition: sfn.IChainable;
  /** The functions that it calls. */
  readonly steps: readonly Step[];
  /**
   * The state machines that it starts.
   *
   * @default - none
   */
  readonly starts?: readonly sfn.IStateMachine[];
  readonly timeout: Duration;
}

/** A state machine with its log, its traces and a role of its own. */
export class Machine extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: MachineProps) {
    super(scope, id);
    const role = roleWith(this, 'Role', {
      assumedBy: statesOfThisAccount(this),
      description: `Safehouse: ${props.comment}`,
      policies: {
        Steps: permissionsFor(props),
        Log: [DELIVER_LOGS, SEND_TRACES, READ_SAMPLING_RULES],
      },
    });
    this.stateMachine = new sfn.StateMachine(this, 'StateMachine', {
      comment: props.comment,
      definitionBody: sfn.DefinitionBody.fromChainable(props.definition),
      // Standard: a backup takes longer than the five minutes of an express execution, and its history is evidence.
      stateMachineType: sfn.StateMachineType.STANDARD,
      timeout: props.timeout,
      role: role.withoutPolicyUpdates(),
      tracingEnabled: true,
      logs: {
        destination: new LogGroup(this, 'Log', {
          retention: RetentionDays.THREE_MONTHS,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: sfn.LogLevel.ALL,
        // What passes between the steps is in the ledger; hosts and names of tables need not be in the log as well.
        includeExecutionData: false,
      },
    });
    allowMaps(this.stateMachine, role);
  }
}

/**
 * Each item of a distributed map is an execution of the state machine itself. CDK writes a policy for that, apart from the
 * role, since the state machine waits for its role; but it does not reach a role that is closed to grants.
 */
function allowMaps(stateMachine: sfn.StateMachine, role: Role): void {
  for (const policy of stateMachine.node.children.filter((child) => child instanceof Policy)) {
    policy.attachToRole(role);
    acknowledgePolicy(
      policy,
      'The executions of this state machine alone; Step Functions names them when it starts them.',
    );
  }
}

function permissionsFor({ steps, starts = [] }: MachineProps): Permission[] {
  return [
    { actions: ['lambda:InvokeFunction'], resources: steps.map((step) => step.function.functionArn) },
    ...starts.map(({ stateMachineArn }) => ({
      actions: ['states:StartExecution'],
      resources: [stateMachineArn],
    })),
  ];
}

/** Step Functions delivers through a subscription of the account's, for which CloudWatch Logs has no resources. */
const DELIVER_LOGS: Permission = {
  actions: [
    'logs:CreateLogDelivery',
    'logs:GetLogDelivery',
    'logs:UpdateLogDelivery',
    'logs:DeleteLogDelivery',
    'logs:ListLogDeliveries',
    'logs:PutResourcePolicy',
    'logs:DescribeResourcePolicies',
    'logs:DescribeLogGroups',
  ],
  resources: ['*'],
  wildcard:
    'CloudWatch Logs supports no resource for log deliveries, and X-Ray none for traces and sampling.',
};

const READ_SAMPLING_RULES: Permission = {
  actions: ['xray:GetSamplingRules', 'xray:GetSamplingTargets'],
  resources: ['*'],
  wildcard: 'X-Ray supports no resource in a policy: sampling rules are readable everywhere or nowhere.',
};

function statesOfThisAccount(scope: Construct): ServicePrincipal {
  const stack = Stack.of(scope);
  return new ServicePrincipal('states.amazonaws.com', {
    conditions: {
      StringEquals: { 'aws:SourceAccount': stack.account },
      ArnLike: {
        'aws:SourceArn': stack.formatArn({
          service: 'states',
          resource: 'stateMachine',
          resourceName: '*',
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      },
    },
  });
}
