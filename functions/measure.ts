/** Metrics travel in the log (embedded metric format): no call, no permission, nothing that can fail by itself. */
import { Metrics, type MetricUnit } from '@aws-lambda-powertools/metrics';
import { ENVIRONMENT } from '../core/environment.ts';
import { DIMENSIONS, METRICS, NAMESPACE, SERVICE } from '../core/metrics.ts';

export type Measurement = readonly [
  name: (typeof METRICS)[keyof typeof METRICS],
  unit: (typeof MetricUnit)[keyof typeof MetricUnit],
  value: number,
];

const metrics = new Metrics({
  namespace: NAMESPACE,
  serviceName: SERVICE.service,
  defaultDimensions: { [DIMENSIONS.stack]: process.env[ENVIRONMENT.stack] ?? 'unnamed' },
});

/** Publishes a target's measurements at once: a step that fails afterwards does not take them along. */
export function measure(target: string, measurements: readonly Measurement[]): void {
  metrics.addDimension(DIMENSIONS.target, target);
  for (const [name, unit, value] of measurements) metrics.addMetric(name, unit, value);
  metrics.publishStoredMetrics();
}

/**
 * Says that a failed execution's failure was told: the alarm for failed executions subtracts these, so that what was told
 * does not page twice and what was not told does.
 */
export function measureAlertSent(): void {
  metrics.addDimension(DIMENSIONS.workflow, process.env[ENVIRONMENT.workflow] ?? 'unnamed');
  metrics.addMetric(METRICS.alertsSent, 'Count', 1);
  metrics.publishStoredMetrics();
}
