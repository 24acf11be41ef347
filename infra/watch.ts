import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { ENVIRONMENT } from '../core/environment.ts';
import { BACKUPS, CLAIMS, LEDGER } from '../core/keys.ts';
import { commonEnvironment, type DeploymentContext } from './deployment-context.ts';
import { readSettings } from './permissions.ts';
import { Step } from './step.ts';

export interface WatchProps {
  readonly context: DeploymentContext;
  /** The names of all targets. */
  readonly targets: readonly string[];
}

/** Looks at the ledger from outside of every workflow: what did not run cannot report that it did not. */
export class Watch extends Construct {
  readonly publishAges: Step;

  constructor(scope: Construct, id: string, { context, targets }: WatchProps) {
    super(scope, id);
    const { bucket } = context;
    this.publishAges = new Step(this, 'PublishAges', {
      code: context.code,
      step: 'watch/publish-ages',
      description: 'publishes how old the newest good backup of each target is, and what was left behind',
      permissions: [
        ...readSettings(this, context.settingsPrefix),
        ...bucket.list(CLAIMS, LEDGER),
        ...bucket.read(`${LEDGER}*`),
        ...bucket.listUploads(`${BACKUPS}*`),
      ],
      environment: { ...commonEnvironment(context), [ENVIRONMENT.targets]: targets.join(',') },
      // Shorter than the five minutes to the next look, so that two never overlap.
      timeout: Duration.minutes(4),
    });
  }
}
