/** The alarms as they are synthesised, and what CloudWatch would make of a series of datapoints. */
import * as z from 'zod';
import type { ConfigInput } from '../../core/config.ts';
import { minimal, resourcesOf, synthesise, type Template, target } from '../infra/synthesis.ts';

const alarmSchema = z.object({
  Threshold: z.number(),
  ComparisonOperator: z.enum(['GreaterThanThreshold', 'LessThanThreshold']),
  EvaluationPeriods: z.number(),
  DatapointsToAlarm: z.number(),
  Period: z.number(),
  TreatMissingData: z.enum(['breaching', 'notBreaching']),
});

export interface AlarmRule {
  readonly threshold: number;
  readonly comparison: 'GreaterThanThreshold' | 'LessThanThreshold';
  /** How many in a row. */
  readonly datapoints: number;
  /** Seconds. */
  readonly period: number;
  readonly missing: 'breaching' | 'notBreaching';
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
  const starts = resourcesOf(template, 'AWS::Scheduler::Schedule').filter(([name]) =>
    /Schedulesevents/.test(name),
  );
  return {
    alarm: {
      threshold: properties.Threshold,
      comparison: properties.ComparisonOperator,
      datapoints: Math.max(properties.EvaluationPeriods, properties.DatapointsToAlarm),
      period: properties.Period,
      missing: properties.TreatMissingData,
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

function breaches({ threshold, comparison, missing }: AlarmRule, value: number | undefined): boolean {
  if (value === undefined) return missing === 'breaching';
  return comparison === 'GreaterThanThreshold' ? value > threshold : value < threshold;
}
