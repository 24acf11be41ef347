/** Reads a synthesised stack back: what AWS would make of it, with this machine's values filled in. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { type Deployment, deploymentSchema } from '../core/deployment.ts';
import { deploymentParameter } from '../core/environment.ts';
import { type References, resolveText, resolveValue } from './intrinsic-functions.ts';
import { functionArn, type Place, stateMachineArn } from './place.ts';
import { referencesOf } from './references.ts';

/** A Lambda function as it would be deployed. */
export interface DeployedFunction {
  /** Its logical id, which is its name here. */
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  /** The file that holds the handler, and the handler's name in it. */
  readonly file: string;
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMegabytes: number;
  readonly timeoutSeconds: number;
}

export interface DeployedStateMachine {
  readonly name: string;
  readonly arn: string;
  /** Amazon States Language, as text. */
  readonly definition: string;
}

export interface DeployedSchedule {
  readonly name: string;
  /** EventBridge Scheduler's `cron(…)` or `rate(…)`. */
  readonly expression: string;
  readonly timeZone: string;
  /** The state machine or function that it starts, or the action of AWS that it calls. */
  readonly targetArn: string;
  /** JSON, with `<aws.scheduler.scheduled-time>` where the time goes. */
  readonly input: string;
}

export interface DeployedAlarm {
  readonly name: string;
  readonly description: string;
  /** The series that it reads: one, or those of its expression. */
  readonly metrics: readonly AlarmMetric[];
}

export interface AlarmMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

export interface DeployedStack {
  readonly name: string;
  readonly functions: readonly DeployedFunction[];
  readonly stateMachines: readonly DeployedStateMachine[];
  readonly schedules: readonly DeployedSchedule[];
  /** Values of SSM parameters by name. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly alarms: readonly DeployedAlarm[];
  /** The functions that the topic hands its messages to. */
  readonly subscribers: readonly string[];
  readonly deployment: Deployment;
}

const resourceSchema = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
});
const templateSchema = z.object({
  Resources: z.record(z.string(), resourceSchema),
  Parameters: z.record(z.string(), z.object({ Default: z.unknown().optional() })).default({}),
});
type Properties = z.infer<typeof resourceSchema>['Properties'];

const assetsSchema = z.object({
  files: z.record(z.string(), z.object({ source: z.object({ path: z.string() }) })),
});

/**
 * @param directory the cloud assembly: `<name>.template.json`, its assets and their manifest
 * @throws Error when the template holds something that has no meaning on one machine
 */
export function readStack(directory: string, name: string, place: Place): DeployedStack {
  const template = templateSchema.parse(readJson(join(directory, `${name}.template.json`)));
  const assets = assetsSchema.parse(readJson(join(directory, `${name}.assets.json`)));
  const references = referencesOf(template, name, place);
  const resourcesOf = (type: string): [string, Properties][] =>
    Object.entries(template.Resources)
      .filter(([, resource]) => resource.Type === type)
      .map(([id, { Properties }]) => [id, Properties]);
  const text = (value: unknown): string => resolveText(value, references);
  const parameters = new Map(
    resourcesOf('AWS::SSM::Parameter').map(([, { Name, Value }]) => [text(Name), text(Value)] as const),
  );
  const deployment = readDeployment(parameters, name);
  return {
    name,
    functions: resourcesOf('AWS::Lambda::Function').map(([id, properties]) =>
      readFunction(id, properties, references, place, (hash) =>
        join(directory, assets.files[hash]?.source.path ?? 'missing'),
      ),
    ),
    stateMachines: resourcesOf('AWS::StepFunctions::StateMachine').map(([id, { DefinitionString }]) => ({
      name: id,
      arn: stateMachineArn(place.region, id),
      definition: text(DefinitionString),
    })),
    schedules: resourcesOf('AWS::Scheduler::Schedule').map(([id, properties]) =>
      readSchedule(id, properties, references),
    ),
    parameters,
    alarms: resourcesOf('AWS::CloudWatch::Alarm').map(([id, properties]) => ({
      name: id,
      description: text(properties['AlarmDescription'] ?? ''),
      metrics: readMetrics(properties, references),
    })),
    subscribers: resourcesOf('AWS::SNS::Subscription')
      .filter(([, { Protocol }]) => Protocol === 'lambda')
      .map(([, { Endpoint }]) => text(Endpoint)),
    deployment,
  };
}

function readDeployment(parameters: ReadonlyMap<string, string>, name: string): Deployment {
  const parameter = deploymentParameter(name);
  const value = parameters.get(parameter);
  if (value === undefined) throw new Error(`the stack ${name} writes no parameter ${parameter}`);
  return deploymentSchema.parse(JSON.parse(value));
}

function readFunction(
  id: string,
  properties: Properties,
  references: References,
  { region }: Place,
  assetOf: (hash: string) => string,
): DeployedFunction {
  const { S3Key } = resolveValue(properties['Code'], references) as { S3Key?: string };
  const [module = '', handler = ''] = resolveText(properties['Handler'], references).split('.');
  const { Variables = {} } = resolveValue(properties['Environment'] ?? {}, references) as {
    Variables?: Record<string, string>;
  };
  return {
    name: id,
    arn: functionArn(region, id),
    description: resolveText(properties['Description'] ?? '', references),
    file: join(assetOf((S3Key ?? '').replace(/\.zip$/, '')), `${module}.mjs`),
    handler,
    environment: Variables,
    // CloudFormation's own defaults.
    memoryMegabytes: Number(properties['MemorySize'] ?? 128),
    timeoutSeconds: Number(properties['Timeout'] ?? 3),
  };
}

function readSchedule(id: string, properties: Properties, references: References): DeployedSchedule {
  const { Arn, Input = '{}' } = resolveValue(properties['Target'], references) as {
    Arn: string;
    Input?: string;
  };
  return {
    name: id,
    expression: resolveText(properties['ScheduleExpression'], references),
    timeZone: resolveText(properties['ScheduleExpressionTimezone'] ?? 'UTC', references),
    targetArn: Arn,
    input: Input,
  };
}

const metricSchema = z.object({
  Namespace: z.string(),
  MetricName: z.string(),
  Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })).default([]),
});
const expressionSchema = z.array(z.object({ MetricStat: z.object({ Metric: metricSchema }).optional() }));

function readMetrics(properties: Properties, references: References): AlarmMetric[] {
  const { Metrics, ...single } = resolveValue(properties, references) as Properties;
  const metrics =
    Metrics === undefined
      ? [metricSchema.parse(single)]
      : expressionSchema.parse(Metrics).flatMap(({ MetricStat }) => (MetricStat ? [MetricStat.Metric] : []));
  return metrics.map(({ Namespace, MetricName, Dimensions }) => ({
    namespace: Namespace,
    name: MetricName,
    dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value])),
  }));
}

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
