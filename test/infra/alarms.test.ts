import { describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { METRICS } from '../../core/metrics.ts';
import { RUNBOOK_SECTIONS } from '../../infra/alarms.ts';
import { textOf } from './references.ts';
import { maximal, minimal, resourcesOf, synthesise } from './synthesis.ts';

const { template } = synthesise(maximal);

interface Dimension {
  readonly Name: string;
  readonly Value: unknown;
}
interface AlarmProperties {
  readonly AlarmDescription: unknown;
  readonly AlarmActions: readonly unknown[];
  readonly TreatMissingData: string;
  readonly ComparisonOperator: string;
  readonly Threshold: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm: number;
  readonly Namespace?: string;
  readonly MetricName?: string;
  readonly Dimensions?: readonly Dimension[];
  readonly Period?: number;
  readonly Statistic?: string;
  readonly Metrics?: readonly {
    readonly Id: string;
    readonly Expression?: string;
    readonly MetricStat?: {
      readonly Metric: {
        readonly Namespace: string;
        readonly MetricName: string;
        readonly Dimensions: readonly Dimension[];
      };
      readonly Period: number;
      readonly Stat: string;
    };
  }[];
}

const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id, { Properties }]) => ({
  id: id.replace(/^SafehouseAlarms/, '').replace(/[0-9A-F]{8}$/, ''),
  alarm: Properties as unknown as AlarmProperties,
}));

function alarm(id: string): AlarmProperties {
  const found = alarms.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no alarm ${id}: ${alarms.map((each) => each.id).join(', ')}`);
  return found.alarm;
}

const dimensions = (list: readonly Dimension[] = []): Record<string, string> =>
  Object.fromEntries(list.map(({ Name, Value }) => [Name, textOf(Value)]));

const [mark = ''] = alarms.flatMap(({ id }) => /^Backup([0-9a-f]{8})/.exec(id)?.[1] ?? []);
const inVpc = `Backup${mark}`;

test('there is an alarm for everything that can go wrong', () => {
  const ofTarget = (name: string) =>
    ['Late', 'NeverRan', 'NotVerified', 'Skipped', 'ProofTooOld', 'NotExamined'].map(
      (kind) => `${name}${kind}`,
    );
  const ofWorkflow = (name: string) =>
    ['Aborted', 'FailedUntold', 'StepsThrottled', 'Throttled', 'TimedOut'].map((kind) => `${name}${kind}`);
  expect(alarms.map(({ id }) => id).sort()).toEqual(
    [
      ...ofTarget('events'),
      ...ofTarget('billing'),
      ...ofWorkflow('Backup'),
      ...ofWorkflow(inVpc),
      ...ofWorkflow('Retention'),
      ...ofWorkflow('Prove'),
      ...ofWorkflow('CancelRestore'),
      ...ofWorkflow(`CancelRestore${mark}`),
      // A restore that is stopped is ended by another execution, which tells of it.
      ...ofWorkflow('Restore').filter((id) => !id.endsWith('Aborted')),
      ...ofWorkflow(`Restore${mark}`).filter((id) => !id.endsWith('Aborted')),
      'WatchFails',
      'WalkFails',
      'SweepFails',
      'DeadLetters',
      'WebhookDeadLetters',
      'WebhookThrottled',
    ].sort(),
  );
});

describe.each(alarms)('$id', ({ alarm: { AlarmDescription, AlarmActions, TreatMissingData } }) => {
  test('tells the topic', () => {
    expect(AlarmActions).toEqual([{ Ref: expect.stringMatching(/^SafehouseAlertsTopic/) }]);
  });

  test('says what it means and where to read on', () => {
    const description = textOf(AlarmDescription);
    const [meaning = '', , runbook = ''] = description.split('\n');
    expect(meaning.length).toBeGreaterThan(60);
    expect(runbook).toMatch(/^Runbook: docs\/runbook\.md#alarm-[a-z-]+$/);
    expect(Object.values(RUNBOOK_SECTIONS)).toContain(runbook.split('#')[1]);
    // CloudWatch's limit; a state machine's ARN is longer than its reference here, by at most 200 characters.
    expect(description.length).toBeLessThan(1024 - 200);
  });

  test('does not leave missing data to the default', () => {
    expect(['breaching', 'notBreaching']).toContain(TreatMissingData);
  });
});

test('every section of the runbook belongs to an alarm', () => {
  const named = alarms.map(
    ({ alarm: { AlarmDescription } }) => /#([a-z-]+)/.exec(textOf(AlarmDescription))?.[1],
  );
  expect([...new Set(named)].sort()).toEqual(Object.values(RUNBOOK_SECTIONS).sort());
});

test('a runbook of one’s own is linked instead', () => {
  const own = synthesise(maximal, { runbook: 'https://wiki.example/safehouse' }).template;
  for (const [, { Properties }] of resourcesOf(own, 'AWS::CloudWatch::Alarm'))
    expect(textOf(Properties['AlarmDescription'])).toMatch(/https:\/\/wiki\.example\/safehouse#alarm-/);
});

describe('what the watch publishes', () => {
  const WATCHED = { Stack: 'Safehouse', Target: 'events', service: 'safehouse' };

  test.each([
    // The gap of a Sunday to a Monday is 24 hours and, when the clock goes back, one more; then maxHours 10 and 2.
    ['eventsLate', 'GoodBackupAge', 'Maximum', 'GreaterThanThreshold', (25 + 10 + 2) * 3600],
    ['eventsNeverRan', 'GoodBackups', 'Minimum', 'LessThanThreshold', 1],
    ['eventsNotVerified', 'UnverifiedBackups', 'Maximum', 'GreaterThanThreshold', 0],
    ['eventsSkipped', 'SkippedInARow', 'Maximum', 'GreaterThanOrEqualToThreshold', 3],
    ['eventsProofTooOld', 'ProofAge', 'Maximum', 'GreaterThanThreshold', (25 + 10 + 2 + 24) * 3600],
  ])('%s fires on three bad looks, and on silence', (id, metric, statistic, comparison, threshold) => {
    const { Dimensions, ...properties } = alarm(id);
    expect(dimensions(Dimensions)).toEqual(WATCHED);
    expect(properties).toMatchObject({
      Namespace: 'Safehouse',
      MetricName: metric,
      Statistic: statistic,
      ComparisonOperator: comparison,
      Threshold: threshold,
      Period: 300,
      EvaluationPeriods: 3,
      DatapointsToAlarm: 3,
      TreatMissingData: 'breaching',
    });
  });
});

test('the age of proofs has the threshold that the target says, and no alarm where nothing is proven', () => {
  expect(alarm('billingProofTooOld').Threshold).toBe(30 * 3600);
  const targets = { events: { ...minimal.targets.events, prove: { level: 'none' as const } } };
  const [none] = resourcesOf(synthesise({ ...minimal, targets }).template, 'AWS::CloudWatch::Alarm').filter(
    ([id]) => id.includes('ProofTooOld'),
  );
  expect(none).toBeUndefined();
});

describe('examinations', () => {
  test.each([
    // The gap of a day in autumn in Berlin is 25 hours, and in UTC always 24.
    ['events', 25 + 3],
    ['billing', 24 + 3],
  ])(
    'of %s: an alarm when there was no good one for as many hours as may lie between two, and three',
    (name, hours) => {
      const { Metrics = [], ...properties } = alarm(`${name}NotExamined`);
      expect(properties).toMatchObject({
        Threshold: 1,
        ComparisonOperator: 'LessThanThreshold',
        EvaluationPeriods: hours,
        DatapointsToAlarm: hours,
        TreatMissingData: 'breaching',
      });
      const [expression, stat] = [
        Metrics.find(({ Expression }) => Expression !== undefined),
        Metrics.find(({ MetricStat }) => MetricStat !== undefined),
      ];
      // An hour without one counts as one, and not as an hour of which nothing is known.
      expect(expression?.Expression).toBe('FILL(good, 0)');
      expect(stat?.Id).toBe('good');
      expect(stat?.MetricStat).toMatchObject({
        Metric: { Namespace: 'Safehouse', MetricName: 'ExaminationsGood' },
        Period: 3600,
        Stat: 'Sum',
      });
      expect(dimensions(stat?.MetricStat?.Metric.Dimensions)).toEqual({
        Stack: 'Safehouse',
        Target: name,
        service: 'safehouse',
      });
    },
  );

  test('have none where only people examine', () => {
    const targets = { events: { ...minimal.targets.events, doctor: { schedule: 'none' } } };
    const all = resourcesOf(synthesise({ ...minimal, targets }).template, 'AWS::CloudWatch::Alarm');
    expect(all.filter(([id]) => id.includes('NotExamined'))).toEqual([]);
  });
});

test.each([
  ['daily proofs', 'WalkFails', /^<SafehouseProveWalkFunction/],
  ['sweep', 'SweepFails', /^<SafehouseSweepFunction/],
])('the %s have an alarm on the first failure', (_, id, name) => {
  const { Metrics = [], ...properties } = alarm(id);
  const metrics = Metrics.flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat.Metric]));
  expect(metrics.map(({ MetricName }) => MetricName).sort()).toEqual(['Errors', 'Throttles']);
  for (const { Dimensions } of metrics) expect(dimensions(Dimensions)['FunctionName']).toMatch(name);
  expect(properties).toMatchObject({ Threshold: 0, EvaluationPeriods: 1, TreatMissingData: 'notBreaching' });
});

describe('the functions publish', () => {
  /** Namespace and dimensions of what is written to the log as metrics. */
  async function published(publish: (module: typeof import('../../functions/measure.ts')) => void) {
    vi.stubEnv('SAFEHOUSE_STACK', 'Safehouse');
    vi.stubEnv('SAFEHOUSE_WORKFLOW', 'Retention');
    // So Powertools writes through the console that can be listened to, and still writes.
    vi.stubEnv('POWERTOOLS_DEV', 'true');
    vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
    vi.resetModules();
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    publish(await import('../../functions/measure.ts'));
    const line = z.looseObject({ _aws: emf }).parse(JSON.parse(String(log.mock.calls[0]?.[0])));
    const [{ Namespace, Dimensions }] = line._aws.CloudWatchMetrics;
    return { Namespace, dimensions: Object.fromEntries(Dimensions[0].map((name) => [name, line[name]])) };
  }

  test("a target's metrics with the dimensions that the alarms have", async () => {
    const { Namespace, Dimensions } = alarm('eventsNeverRan');
    expect(await published(({ measure }) => measure('events', [[METRICS.goodBackups, 'Count', 1]]))).toEqual({
      Namespace,
      dimensions: dimensions(Dimensions),
    });
  });

  test('a told failure with the dimensions that the alarm subtracts', async () => {
    const told = alarm('RetentionFailedUntold').Metrics?.find(({ Id }) => Id === 'told')?.MetricStat?.Metric;
    expect(await published(({ measureAlertSent }) => measureAlertSent())).toEqual({
      Namespace: told?.Namespace,
      dimensions: dimensions(told?.Dimensions),
    });
  });
});

const emf = z.object({
  CloudWatchMetrics: z.tuple([
    z.object({ Namespace: z.string(), Dimensions: z.tuple([z.array(z.string())]) }),
  ]),
});

describe.each([
  ['Backup', /^<SafehouseBackupMachine/],
  [inVpc, /^<SafehouseBackup[0-9a-f]{8}Machine/],
  ['Retention', /^<SafehouseRetentionMachine/],
  ['Prove', /^<SafehouseProveMachine/],
  ['Restore', /^<SafehouseRestoreMachine/],
  [`Restore${mark}`, /^<SafehouseRestore[0-9a-f]{8}Machine/],
  ['CancelRestore', /^<SafehouseCancelRestoreMachine/],
  [`CancelRestore${mark}`, /^<SafehouseCancelRestore[0-9a-f]{8}Machine/],
])('of %s', (name, machine) => {
  const events = [
    ['TimedOut', 'ExecutionsTimedOut'],
    ['Aborted', 'ExecutionsAborted'],
    ['Throttled', 'ExecutionThrottled'],
  ] as const;
  test.each(events.filter(([kind]) => !(name.startsWith('Restore') && kind === 'Aborted')))(
    '%s fires on one event, and silence is health',
    (kind, metric) => {
      const { Dimensions, ...properties } = alarm(`${name}${kind}`);
      expect(dimensions(Dimensions)).toEqual({ StateMachineArn: expect.stringMatching(machine) });
      expect(properties).toMatchObject({
        Namespace: 'AWS/States',
        MetricName: metric,
        Statistic: 'Sum',
        Threshold: 0,
        ComparisonOperator: 'GreaterThanThreshold',
        EvaluationPeriods: 1,
        TreatMissingData: 'notBreaching',
      });
    },
  );

  test('a failure pages when nobody was told of it, and not a second time when somebody was', () => {
    const { Metrics = [], ...properties } = alarm(`${name}FailedUntold`);
    expect(properties).toMatchObject({
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
    });
    expect(Metrics.find(({ Expression }) => Expression !== undefined)?.Expression).toBe(
      'failed - FILL(told, 0)',
    );
    const stats = Object.fromEntries(
      Metrics.flatMap(({ Id, MetricStat }) =>
        MetricStat === undefined
          ? []
          : [
              [
                Id,
                {
                  ...MetricStat.Metric,
                  Dimensions: dimensions(MetricStat.Metric.Dimensions),
                  Stat: MetricStat.Stat,
                  Period: MetricStat.Period,
                },
              ],
            ],
      ),
    );
    expect(stats).toEqual({
      failed: {
        Namespace: 'AWS/States',
        MetricName: 'ExecutionsFailed',
        Dimensions: { StateMachineArn: expect.stringMatching(machine) },
        Stat: 'Sum',
        Period: 900,
      },
      told: {
        Namespace: 'Safehouse',
        MetricName: 'AlertsSent',
        Dimensions: { Stack: 'Safehouse', Workflow: name, service: 'safehouse' },
        Stat: 'Sum',
        Period: 900,
      },
    });
  });

  test('throttles of all its functions are one alarm', () => {
    const { Metrics = [] } = alarm(`${name}StepsThrottled`);
    const functions = Metrics.flatMap(({ MetricStat }) =>
      MetricStat === undefined ? [] : [MetricStat.Metric],
    );
    const steps = { Retention: 3, Prove: 4, Restore: 9, CancelRestore: 4, Backup: 7 };
    expect(functions).toHaveLength(steps[name.replace(mark, '') as keyof typeof steps]);
    for (const { Namespace, MetricName, Dimensions } of functions) {
      expect([Namespace, MetricName]).toEqual(['AWS/Lambda', 'Throttles']);
      // Those that end a restore are counted where they end one that was stopped.
      expect(dimensions(Dimensions)['FunctionName']).toMatch(
        new RegExp(`^<Safehouse(${name}|${name.replace('CancelRestore', 'Restore')})[A-Z]`),
      );
    }
    // CloudWatch's limit for the expression of an alarm.
    expect(functions.length).toBeLessThanOrEqual(10);
  });
});

test.each([
  ['DeadLetters', /SchedulesDeadLetters/],
  ['WebhookDeadLetters', /AlertsWebhookDeadLetters/],
])('%s fires on the first message', (id, queue) => {
  const { Dimensions, ...properties } = alarm(id);
  expect(textOf(Dimensions?.[0]?.Value)).toMatch(queue);
  expect(properties).toMatchObject({
    Namespace: 'AWS/SQS',
    MetricName: 'ApproximateNumberOfMessagesVisible',
    Statistic: 'Maximum',
    Threshold: 0,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'notBreaching',
  });
});

test('the dashboard shows each target: age, size, duration, outcome, and its proofs', () => {
  const [[, dashboard] = [], ...more] = resourcesOf(template, 'AWS::CloudWatch::Dashboard');
  expect(more).toEqual([]);
  expect(dashboard?.Properties).not.toHaveProperty('DashboardName');
  const body = JSON.parse(textOf(dashboard?.Properties['DashboardBody'])) as {
    widgets: { properties: { title?: string; markdown?: string; alarms?: unknown[]; metrics?: unknown[] } }[];
  };
  const titles = body.widgets.map(({ properties }) => properties.title ?? properties.markdown);
  const ofTarget = [
    ...['Age of the newest good backup (hours)', 'Size', 'Duration (minutes)', 'Outcome'],
    ...['Age of the newest proof (hours)', 'Good backups with a proof that is new enough (%)', 'Read back'],
  ];
  expect(titles).toEqual(['Alarms', '## events', ...ofTarget, '## billing', ...ofTarget]);
  expect(body.widgets[0]?.properties.alarms).toHaveLength(alarms.length);
  const metrics = JSON.stringify(body.widgets.flatMap(({ properties }) => properties.metrics ?? []));
  for (const metric of [
    'GoodBackupAge',
    'BackupBytes',
    'BackupObjects',
    'BackupSeconds',
    'BackupsVerified',
    'BackupsFailed',
    'BackupsSkipped',
    'BackupsRemoved',
    'ProofAge',
    'ProofCoverage',
    'BytesProven',
    'BackupsProven',
  ])
    expect(metrics).toContain(metric);
});
