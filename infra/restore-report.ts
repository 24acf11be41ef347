/** The last step of a restore that did not end well, and what writing its report needs. */
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { ENVIRONMENT } from '../core/environment.ts';
import { LEDGER, PINS, RESTORES, restoreReportKey } from '../core/keys.ts';
import { commonEnvironment, type DeploymentContext } from './deployment-context.ts';
import { type Permission, readSettings } from './permissions.ts';
import { Step } from './step.ts';

/** @param workflow the dimension under which it counts the alerts that it sends */
export const recordRestoreFailure = (scope: Construct, context: DeploymentContext, workflow: string): Step =>
  new Step(scope, 'RecordFailure', {
    code: context.code,
    step: 'restore/record-failure',
    description: 'writes the report of a restore that failed, tells a person, and takes the pin away',
    permissions: [
      ...readSettings(scope, context.settingsPrefix),
      ...context.bucket.list(LEDGER, RESTORES, PINS),
      ...closeRestore(context),
      { actions: ['sns:Publish'], resources: [context.topic.topicArn] },
    ],
    environment: {
      ...commonEnvironment(context),
      [ENVIRONMENT.topic]: context.topic.topicArn,
      [ENVIRONMENT.workflow]: workflow,
    },
    timeout: Duration.minutes(2),
  });

/** What the last step of a restore needs, however it ended: of the ledger it writes reports and nothing else. */
export const closeRestore = ({ bucket }: DeploymentContext): readonly Permission[] => [
  ...bucket.read(`${RESTORES}*`, `${LEDGER}*`),
  ...bucket.write(restoreReportKey('*', '*', '*'), `${RESTORES}*`),
  ...bucket.remove(`${PINS}*`),
];
