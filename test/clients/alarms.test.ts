import { CloudWatchClient, DescribeAlarmsCommand, type MetricAlarm } from '@aws-sdk/client-cloudwatch';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAlarms } from '../../clients/alarms.ts';
import { awsError } from '../support/aws.ts';
import { failureOf } from '../support/failures.ts';

let cloudwatch = mockClient(CloudWatchClient);

beforeEach(() => {
  cloudwatch = mockClient(CloudWatchClient);
  cloudwatch.onAnyCommand().rejects(new Error('unexpected command'));
});
afterEach(() => cloudwatch.restore());

const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:alerts';
const PLACE = { region: 'eu-central-1', namePrefix: 'Safehouse-SafehouseAlarms', topicArn: TOPIC };

const page = (NextToken?: string) => ({
  AlarmNamePrefix: PLACE.namePrefix,
  AlarmTypes: ['MetricAlarm' as const],
  MaxRecords: 100,
  NextToken,
});

const alarm = (over: Partial<MetricAlarm> = {}): MetricAlarm => ({
  AlarmName: 'Safehouse-SafehouseAlarmsLate-1',
  AlarmDescription: 'It is late.\n\nRunbook: docs/runbook.md#alarm-late\nConsole: https://console',
  StateValue: 'OK',
  StateTransitionedTimestamp: new Date('2026-04-02T02:05:00Z'),
  StateUpdatedTimestamp: new Date('2026-04-02T09:00:00Z'),
  ActionsEnabled: true,
  AlarmActions: [TOPIC],
  ...over,
});

const readOf = async (given: MetricAlarm) => {
  cloudwatch.on(DescribeAlarmsCommand).resolves({ MetricAlarms: [given] });
  const [read] = await readAlarms(PLACE);
  return read;
};

describe('the alarms of a stack', () => {
  it('are read to their end, by the beginning of their names, in the region of the stack', async () => {
    cloudwatch
      .on(DescribeAlarmsCommand, page())
      .resolves({ MetricAlarms: [alarm(), alarm({ AlarmName: 'second' })], NextToken: 'more' })
      .on(DescribeAlarmsCommand, page('more'))
      .resolves({ MetricAlarms: [alarm({ AlarmName: 'third', StateValue: 'ALARM' })] });
    expect((await readAlarms(PLACE)).map(({ name, state }) => [name, state])).toEqual([
      ['Safehouse-SafehouseAlarmsLate-1', 'quiet'],
      ['second', 'quiet'],
      ['third', 'ringing'],
    ]);
    const [asked] = cloudwatch.commandCalls(DescribeAlarmsCommand);
    const client = asked?.thisValue as CloudWatchClient;
    expect(await client.config.region()).toBe('eu-central-1');
  });

  it('say what they mean, where to read on, and since when they are in their state', async () => {
    expect(await readOf(alarm({ StateValue: 'ALARM' }))).toEqual({
      name: 'Safehouse-SafehouseAlarmsLate-1',
      state: 'ringing',
      since: Date.parse('2026-04-02T02:05:00Z'),
      tells: true,
      meaning: 'It is late.',
      runbook: 'docs/runbook.md#alarm-late',
    });
  });

  it('are in an unknown state when CloudWatch does not know, and not in a good one', async () => {
    expect((await readOf(alarm({ StateValue: 'INSUFFICIENT_DATA' })))?.state).toBe('unknown');
    expect(await readOf({ AlarmName: 'bare' })).toEqual({
      name: 'bare',
      state: 'unknown',
      since: null,
      tells: false,
      meaning: '',
      runbook: null,
    });
  });

  it.each<[string, Partial<MetricAlarm>]>([
    ['its actions are off', { ActionsEnabled: false }],
    ['it has none', { AlarmActions: [] }],
    ['it tells another topic', { AlarmActions: [`${TOPIC}-of-others`] }],
  ])('tell nobody when %s', async (_, over) => {
    expect((await readOf(alarm(over)))?.tells).toBe(false);
  });

  it('that may not be described are not none', async () => {
    cloudwatch.on(DescribeAlarmsCommand).rejects(awsError('AccessDeniedException', 403));
    const failure = await failureOf('Refused', readAlarms(PLACE));
    expect(failure.what).toContain('Was not allowed to describe the alarms Safehouse-SafehouseAlarms…');
  });
});
