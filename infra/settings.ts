/** What the stack writes to SSM: each target's settings for the functions, and itself for the command line. */
import { ParameterTier, StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Stack, Token } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { parseTarget, type Target } from '../core/config.ts';
import type { RecordedDeployment } from '../core/deployment.ts';
import { deploymentParameter, settingsPrefix } from '../core/environment.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';

/** SSM's limits in bytes. */
const STANDARD = 4096;
const ADVANCED = 8192;

export interface TargetSettingsProps {
  readonly stackName: string;
  readonly name: string;
  /** Complete, with every default in place: a function must not come to another conclusion than the stack did. */
  readonly target: Target;
}

/** The settings of one target, as its functions read them. */
export class TargetSettings extends Construct {
  /** @throws {SafehouseError} InvalidConfiguration, when they are longer than a parameter can be */
  constructor(scope: Construct, id: string, { stackName, name, target }: TargetSettingsProps) {
    super(scope, id);
    // In the order of the schema: the same settings are the same text, whoever has completed them.
    const value = JSON.stringify(parseTarget(target, `targets.${name}`));
    new StringParameter(this, 'Parameter', {
      parameterName: `${settingsPrefix(stackName)}${name}`,
      description: `Safehouse: what to back up of ${name}, and how. Written by the stack; no secrets.`,
      stringValue: value,
      tier: tierFor(Buffer.byteLength(value), `targets.${name}`),
      simpleName: false,
    });
  }
}

export interface DeploymentRecordProps {
  readonly stackName: string;
  readonly deployment: RecordedDeployment;
}

/** An ARN or a generated name, once AWS has filled it in, is not longer. */
const LONGEST_NAME = 200;

/** Where the command line finds what was deployed. */
export class DeploymentRecord extends Construct {
  /** @throws {SafehouseError} InvalidConfiguration, when it is longer than a parameter can be */
  constructor(scope: Construct, id: string, { stackName, deployment }: DeploymentRecordProps) {
    super(scope, id);
    new StringParameter(this, 'Parameter', {
      parameterName: deploymentParameter(stackName),
      description: 'Safehouse: what this stack deployed, for the command line. Written by the stack.',
      stringValue: Stack.of(this).toJsonString(deployment),
      tier: tierFor(longestForm(deployment), 'targets'),
      simpleName: false,
    });
  }
}

/** Its length with every token at its longest. */
const longestForm = (deployment: RecordedDeployment): number =>
  JSON.stringify(deployment, (_, value: unknown) =>
    typeof value === 'string' && Token.isUnresolved(value) ? 'x'.repeat(LONGEST_NAME) : value,
  ).length;

function tierFor(bytes: number, path: string): ParameterTier {
  if (bytes <= STANDARD) return ParameterTier.STANDARD;
  if (bytes <= ADVANCED) return ParameterTier.ADVANCED;
  throw new SafehouseError(ERROR_NAMES.configuration, {
    what: `${path} takes ${bytes} bytes as JSON, and a parameter of SSM holds at most ${ADVANCED}.`,
    remedy:
      'Choose tables by `databases` or `engines` where you list them one by one, or divide the targets between two stacks.',
  });
}
