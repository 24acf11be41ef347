import { expect, test } from 'vitest';
import { metricsIn } from '../../local/metrics.ts';

const line = (record: object): string => JSON.stringify(record);

test('each metric of each set of dimensions is one', () => {
  const metrics = metricsIn(
    line({
      _aws: {
        Timestamp: 1_000,
        CloudWatchMetrics: [
          {
            Namespace: 'Safehouse',
            Dimensions: [['Stack', 'Target'], ['Stack']],
            Metrics: [{ Name: 'Age', Unit: 'Seconds' }, { Name: 'Good' }],
          },
        ],
      },
      Stack: 's',
      Target: 't',
      Age: 5,
      Good: [1, 2],
    }),
  );

  expect(metrics.map(({ name, value, dimensions }) => [name, value, dimensions])).toEqual([
    ['Age', 5, { Stack: 's', Target: 't' }],
    ['Good', 1, { Stack: 's', Target: 't' }],
    ['Good', 2, { Stack: 's', Target: 't' }],
    ['Age', 5, { Stack: 's' }],
    ['Good', 1, { Stack: 's' }],
    ['Good', 2, { Stack: 's' }],
  ]);
  expect(metrics[0]).toMatchObject({ namespace: 'Safehouse', unit: 'Seconds', at: 1_000 });
  expect(metrics[1]).toMatchObject({ unit: 'None' });
});

test.each([['plain text'], ['{"level":"INFO"}'], ['{"_aws": broken'], ['{"_aws":{"Timestamp":1}}']])(
  'a line that is something else has none: %s',
  (text) => {
    expect(metricsIn(text)).toEqual([]);
  },
);
