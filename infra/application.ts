/**
 * The CDK app around the stack: the same one for `cdk deploy`, for the tests, and for the machine that runs the synthesised
 * template without AWS.
 */
import { readFileSync } from 'node:fs';
import { App, type AppProps, Validations } from 'aws-cdk-lib/core';
import { AwsSolutionsChecks } from 'cdk-nag';

/**
 * An app with the feature flags of cdk.json, which otherwise only the CDK's command line reads: the template is to be the
 * same whoever synthesises it. AwsSolutions looks through it at the end; a finding stops the synthesis.
 */
export function makeApplication(props: AppProps = {}): App {
  const app = new App({ ...props, context: { ...featureFlags(), ...props.context } });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }));
  return app;
}

export function featureFlags(): Record<string, unknown> {
  const file: unknown = JSON.parse(readFileSync(new URL('../cdk.json', import.meta.url), 'utf8'));
  return (file as { context: Record<string, unknown> }).context;
}
