/** The stack as it would be deployed, and what its policies say of the bucket. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { FunctionName } from '../../infra/function-names.ts';
import { type References, resolveValue } from '../../local/intrinsic-functions.ts';
import type { Place } from '../../local/place.ts';
import { referencesOf } from '../../local/references.ts';
import { STACK_NAME, synthesise } from '../../local/synthesis.ts';
import { type DeployedFunction, type DeployedStack, readStack } from '../../local/template.ts';
import { CONFIG } from './configuration.ts';

/** A policy of IAM, with or without names for its statements. */
export interface Policy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

export interface PolicyStatement {
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface Deployed {
  readonly stack: DeployedStack;
  readonly functions: readonly NamedFunction[];
  /** What ClickHouse may, as the stack's managed policy has it. */
  readonly writer: Policy;
  /** The lifecycle rules of the bucket of backups. */
  readonly lifecycle: readonly unknown[];
}

export interface NamedFunction extends DeployedFunction {
  readonly step: FunctionName;
  /** What its role may do in the bucket; undefined when that is nothing. */
  readonly policy: Policy | undefined;
}

const policySchema = z.object({
  Version: z.literal('2012-10-17'),
  Statement: z.array(
    z.object({
      Effect: z.literal('Allow'),
      Action: z.union([z.string(), z.array(z.string())]),
      Resource: z.union([z.string(), z.array(z.string())]),
      Condition: z.record(z.string(), z.record(z.string(), z.array(z.string()))).optional(),
    }),
  ),
});
const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
  Parameters: z.record(z.string(), z.object({ Default: z.unknown().optional() })).default({}),
});
const lifecycleSchema = z.object({ Rules: z.array(z.looseObject({})) });
type Template = z.infer<typeof templateSchema>;

export async function deploy(place: Place): Promise<Deployed> {
  const { directory } = await synthesise(CONFIG);
  const stack = readStack(directory, STACK_NAME, place);
  const template = templateSchema.parse(
    JSON.parse(readFileSync(join(directory, `${STACK_NAME}.template.json`), 'utf8')),
  );
  const references = referencesOf(template, STACK_NAME, place);
  return {
    stack,
    functions: stack.functions.map((deployed) => ({
      ...deployed,
      step: stepOf(deployed),
      policy: bucketPolicyOf(template, deployed.name, references),
    })),
    writer: managedPolicy(template, references),
    lifecycle: lifecycleOf(template),
  };
}

const stepOf = ({ description }: DeployedFunction): FunctionName =>
  (/^Safehouse, ([^:]+):/.exec(description)?.[1] ?? '') as FunctionName;

/** All inline policies of the function's role, as far as they are about S3: a server of S3 takes no other actions. */
function bucketPolicyOf(template: Template, id: string, references: References): Policy | undefined {
  const role = z
    .object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) })
    .parse(template.Resources[id]?.Properties['Role']);
  const { Policies } = template.Resources[role['Fn::GetAtt'][0]]?.Properties ?? {};
  const inline = z.array(z.object({ PolicyDocument: z.unknown() })).parse(Policies);
  const statements = inline.flatMap(({ PolicyDocument }) => statementsOf(PolicyDocument, references));
  const ofBucket = statements.filter(({ Action }) => Action.every((action) => action.startsWith('s3:')));
  return ofBucket.length === 0 ? undefined : { Version: '2012-10-17', Statement: ofBucket };
}

function managedPolicy(template: Template, references: References): Policy {
  const [policy, ...others] = Object.values(template.Resources).filter(
    ({ Type }) => Type === 'AWS::IAM::ManagedPolicy',
  );
  if (policy === undefined || others.length > 0) throw new Error('the template has not one managed policy');
  return { Version: '2012-10-17', Statement: statementsOf(policy.Properties['PolicyDocument'], references) };
}

function lifecycleOf(template: Template): readonly unknown[] {
  const configured = Object.values(template.Resources)
    .filter(({ Type }) => Type === 'AWS::S3::Bucket')
    .map(({ Properties }) => lifecycleSchema.parse(Properties['LifecycleConfiguration']).Rules);
  // The other bucket is that of the access log.
  return configured.find((rules) => rules.length > 1) ?? [];
}

/** As IAM would have them: with the names of this place for the references. */
function statementsOf(document: unknown, references: References): PolicyStatement[] {
  const { Statement } = policySchema.parse(resolveValue(document, references));
  return Statement.map(({ Effect, Action, Resource, Condition }) => ({
    Effect,
    Action: [Action].flat(),
    Resource: [Resource].flat(),
    ...(Condition !== undefined && { Condition }),
  }));
}
