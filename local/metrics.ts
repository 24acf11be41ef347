/** Metrics as CloudWatch would take them out of the log: the embedded metric format. */
import * as z from 'zod';

export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const embeddedSchema = z.looseObject({
  _aws: z.object({
    Timestamp: z.number(),
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string(), Unit: z.string().default('None') })),
      }),
    ),
  }),
});

/** The metrics in a line of a log; none in a line that is something else. */
export function metricsIn(line: string): Metric[] {
  if (!line.includes('"_aws"')) return [];
  const parsed = embeddedSchema.safeParse(parseJson(line));
  if (!parsed.success) return [];
  const record = parsed.data;
  return record._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Dimensions.flatMap((names) =>
      Metrics.flatMap(({ Name, Unit }) =>
        [record[Name]].flat().map((value) => ({
          namespace: Namespace,
          name: Name,
          value: Number(value),
          unit: Unit,
          dimensions: Object.fromEntries(names.map((name) => [name, String(record[name])])),
          at: record._aws.Timestamp,
        })),
      ),
    ),
  );
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
