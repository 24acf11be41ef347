/** The alarms as they are synthesised, and what CloudWatch would make of a series of datapoints. */
import * as z from 'zod';
import type { ConfigInput } from '../../core/config.ts';
import { minimal, resourcesOf, synthesise, type Template, target } from '../infra/synthesis.ts';

const COMPARISONS = ['GreaterThanThreshold', 'GreaterThanOrEqualToThreshold', 'LessThanThreshold'] as const;

const alarmSchema = z.object({
  Threshold: z.number(),
  ComparisonOperator: z.enum(COMPARISONS),
  EvaluationPeriods: z.number(),
  DatapointsToAlarm: z.number(),
  Period: z.number().optional(),
  TreatMissingData: z.enum(['breaching', 'notBreaching']),
  /** Of an alarm on what is filled: `FILL(metric, 0)`. */
  Metrics: z
    .array(
      z.object({
        Expression: z.string().optional(),
        MetricStat: z.object({ Period: z.number() }).optional(),
      }),
    )
    .default([]),
});

export interface AlarmRule {
  readonly threshold: number;
  readonly comparison: (typeof COMPARISONS)[number];
  /** How many in a row. */
  readonly datapoints: number;
  /** Seconds. */
  readonly period: number;
  readonly missing: 'breaching' | 'notBreaching';
  /** What a period without a datapoint counts as, where that is said. */
  readonly filled?: number | undefined;
}

type Schedule = Partial<ConfigInput['targets'][string]['schedule']>;
const templates = new Map<string, Template>();

function templateOf(schedule: Schedule): Template {
  const key = JSON.stringify(schedule);
  const known =
    templates.get(key) ??
    synthesise({
      ...minimal,
      targets: { events: { ...target, schedule: { ...target.schedule, ...schedule } } },
    }).template;
  templates.set(key, known);
  return known;
}

/** An alarm of the only target, and whether every schedule that starts something keeps what it cannot deliver. */
export function alarmOf(id: string, schedule: Schedule = {}): { alarm: AlarmRule; deadLetters: boolean } {
  const template = templateOf(schedule);
  const [found] = resourcesOf(template, 'AWS::CloudWatch::Alarm').filter(([name]) =>
    name.startsWith(`SafehouseAlarmsevents${id}`),
  );
  const properties = alarmSchema.parse(found?.[1].Properties);
  const [stat] = properties.Metrics.flatMap(({ MetricStat }) =>
    MetricStat === undefined ? [] : [MetricStat],
  );
  const [filled] = properties.Metrics.flatMap(
    ({ Expression = '' }) => /^FILL\(\w+, (\d+)\)$/.exec(Expression)?.slice(1) ?? [],
  );
  const period = properties.Period ?? stat?.Period;
  if (period === undefined) throw new Error(`${id} has no period`);
  const starts = resourcesOf(template, 'AWS::Scheduler::Schedule').filter(([name]) =>
    /Schedulesevents/.test(name),
  );
  return {
    alarm: {
      threshold: properties.Threshold,
      comparison: properties.ComparisonOperator,
      datapoints: Math.max(properties.EvaluationPeriods, properties.DatapointsToAlarm),
      period,
      missing: properties.TreatMissingData,
      filled: filled === undefined ? undefined : Number(filled),
    },
    deadLetters:
      starts.length > 0 &&
      starts.every(([, { Properties }]) => 'DeadLetterConfig' in (Properties['Target'] as object)),
  };
}

/** The state after these datapoints, one for each period, oldest first; undefined where nothing was published. */
export function stateOver(rule: AlarmRule, values: readonly (number | undefined)[]): 'OK' | 'ALARM' {
  const last = values.slice(-rule.datapoints);
  if (last.length < rule.datapoints) return 'OK';
  return last.every((value) => breaches(rule, value)) ? 'ALARM' : 'OK';
}

function breaches({ threshold, comparison, missing, filled }: AlarmRule, given: number | undefined): boolean {
  const value = given ?? filled;
  if (value === undefined) return missing === 'breaching';
  if (comparison === 'LessThanThreshold') return value < threshold;
  return comparison === 'GreaterThanThreshold' ? value > threshold : value >= threshold;
}
