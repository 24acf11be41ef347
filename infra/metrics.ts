import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { DIMENSIONS, type METRICS, NAMESPACE, SERVICE } from '../core/metrics.ts';

type MetricName = (typeof METRICS)[keyof typeof METRICS];

/** What the functions publish about one target. */
export const targetMetric = (
  stackName: string,
  target: string,
  metricName: MetricName,
  options: MetricOptions,
): Metric =>
  new Metric({
    ...options,
    namespace: NAMESPACE,
    metricName,
    dimensionsMap: { ...SERVICE, [DIMENSIONS.stack]: stackName, [DIMENSIONS.target]: target },
  });

/** What the functions publish about one workflow. */
export const workflowMetric = (
  stackName: string,
  workflow: string,
  metricName: MetricName,
  options: MetricOptions,
): Metric =>
  new Metric({
    ...options,
    namespace: NAMESPACE,
    metricName,
    dimensionsMap: { ...SERVICE, [DIMENSIONS.stack]: stackName, [DIMENSIONS.workflow]: workflow },
  });
