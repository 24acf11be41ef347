/** Synthesised templates, and what is asked of them: with stubs for the functions' code, so that a test takes no bundling. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { App, AppProps } from 'aws-cdk-lib/core';
import type { ConfigInput } from '../../core/config.ts';
import { makeApplication } from '../../infra/application.ts';
import type { FunctionCode } from '../../infra/function-code.ts';
import { bundleOf } from '../../infra/function-names.ts';
import type { SafehouseProps } from '../../infra/safehouse.ts';
import { SafehouseStack } from '../../infra/safehouse-stack.ts';
import { scratch } from './scratch.ts';

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, unknown>>;
}

const stubs = scratch('stubs');

/** Each function's code is its own name, so that a test can tell which function is which. */
export const stubCode: FunctionCode = (name) => {
  const directory = join(stubs, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, basename(bundleOf(name))), `export const handler = () => '${name}';\n`);
  return Code.fromAsset(directory);
};

/** The smallest configuration there is. */
export const target = {
  url: 'https://clickhouse.example:8443',
  schedule: { full: 'cron(0 1 * * ? *)' },
} as const satisfies ConfigInput['targets'][string];

export const minimal = {
  targets: { events: target },
  alerts: { email: ['oncall@example.com'] },
} satisfies ConfigInput;

/** Everything that a configuration can have, in two networks. */
export const maximal: ConfigInput = {
  targets: {
    events: {
      ...target,
      password: { ssm: '/clickhouse/events' },
      before: { query: 'SELECT 0', limitMinutes: 90 },
      schedule: {
        timeZone: 'Europe/Berlin',
        full: 'cron(30 3 ? * SUN *)',
        incremental: 'cron(30 3 ? * MON-SAT *)',
      },
      s3: {
        access: 'sts',
        roleArn: 'arn:aws:iam::111122223333:role/writer',
        namedCollection: 'backups',
      },
      retention: { daily: 60, graceDays: 30 },
      maxHours: 10,
      attempts: 3,
    },
    billing: {
      ...target,
      password: { secretsManager: 'clickhouse/billing', field: 'password' },
      network: {
        vpcId: 'vpc-0a1b2c3d',
        subnetIds: ['subnet-0a1b2c3d', 'subnet-1a2b3c4d'],
        securityGroupIds: ['sg-0a1b2c3d'],
      },
      s3: {
        access: 'keys',
        accessKeyId: { ssm: 's3-key-id' },
        secretAccessKey: { secretsManager: 's3-secret' },
      },
      retention: { daily: 60, graceDays: 30 },
      prove: {
        level: 'counts',
        againWithinDays: 14,
        staleAfterHours: 30,
        assertions: [{ query: 'SELECT count() > 0 FROM invoices', database: 'billing' }],
        maxDrop: 0.2,
      },
    },
  },
  prover: { memoryMiB: 4096, storageMiB: 3072, atOnce: 20, gibibytesAnItem: 8 },
  bucket: {
    kmsKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    objectLock: { mode: 'governance', days: 30 },
  },
  alerts: { email: ['oncall@example.com'], webhook: { ssm: '/webhook' } },
  writerRoles: ['clickhouse-node'],
};

export interface Synthesis {
  readonly app: App;
  readonly stack: SafehouseStack;
  readonly template: Template;
}

/**
 * The app, with cdk-nag. CDK's own look through the template takes ten times as long as the rest; it is asked for where it
 * is the subject.
 */
export const application = (props: Partial<AppProps> = {}): App =>
  makeApplication({
    outdir: scratch('cdk.out'),
    stackTraces: false,
    builtinCloudFormationValidation: false,
    ...props,
    // Warnings are asserted where they are the subject, and would fill the screen everywhere else.
    context: { '@aws-cdk/core:annotationsInValidationReport': false, ...props.context },
  });

/** The app and its stack, not yet synthesised. */
export function build(
  config: ConfigInput,
  props: Omit<SafehouseProps, 'config'> & { readonly stackName?: string; readonly validated?: boolean } = {},
): Omit<Synthesis, 'template'> {
  const { validated = false, stackName = 'Safehouse', ...rest } = props;
  const app = application({ builtinCloudFormationValidation: validated });
  return { app, stack: new SafehouseStack(app, stackName, { functions: stubCode, ...rest, config }) };
}

/** Synthesises, with cdk-nag: a finding throws. */
export function synthesise(...given: Parameters<typeof build>): Synthesis {
  const { app, stack } = build(...given);
  return { app, stack, template: templateOf(app, stack.stackName) };
}

export const templateOf = (app: App, stackName: string): Template =>
  app.synth().getStackByName(stackName).template as Template;

export const resourcesOf = (template: Template, type: string): [id: string, Resource][] =>
  Object.entries(template.Resources).filter(([, { Type }]) => Type === type);

/** Warnings and errors of a synthesis, by the text. */
export const messagesOf = ({ app, stack }: Synthesis): string[] =>
  app
    .synth()
    .getStackByName(stack.stackName)
    .messages.map(({ entry }) => String(entry.data));

/** The only resource of a type, or of those whose logical id begins like this. */
export function only(template: Template, type: string, prefix = ''): Resource {
  const found = resourcesOf(template, type).filter(([id]) => id.startsWith(prefix));
  const [[, resource] = []] = found;
  if (resource === undefined || found.length > 1) throw new Error(`${found.length} of ${type} ${prefix}`);
  return resource;
}
