import { CloudWatchClient, DescribeAlarmsCommand, type MetricAlarm } from '@aws-sdk/client-cloudwatch';
import { readAlarmDescription } from '../core/alarm-description.ts';
import type { StackAlarm } from '../core/stack-alarms.ts';
import { storageError } from './storage-errors.ts';

export interface AlarmPlace {
  readonly region: string;
  /** What the names of the stack's alarms begin with, and those of no other stack. */
  readonly namePrefix: string;
  /** Where they are to tell it. */
  readonly topicArn: string;
}

/** CloudWatch's own limit. */
const A_PAGE = 100;

/**
 * All alarms of a stack with the state that each is in, by the credentials of whoever asks.
 *
 * @throws {SafehouseError} Refused, without `cloudwatch:DescribeAlarms`
 */
export async function readAlarms({ region, namePrefix, topicArn }: AlarmPlace): Promise<StackAlarm[]> {
  const client = new CloudWatchClient({ maxAttempts: 3, region });
  const alarms: StackAlarm[] = [];
  let token: string | undefined;
  try {
    do {
      const page = await client
        .send(
          new DescribeAlarmsCommand({
            AlarmNamePrefix: namePrefix,
            AlarmTypes: ['MetricAlarm'],
            MaxRecords: A_PAGE,
            NextToken: token,
          }),
        )
        .catch((cause: unknown) => {
          throw storageError(cause, `describe the alarms ${namePrefix}…`);
        });
      for (const alarm of page.MetricAlarms ?? []) alarms.push(stackAlarm(alarm, topicArn));
      token = page.NextToken;
    } while (token !== undefined);
  } finally {
    client.destroy();
  }
  return alarms;
}

function stackAlarm(alarm: MetricAlarm, topicArn: string): StackAlarm {
  const { AlarmName = '', AlarmDescription = '', StateValue, ActionsEnabled, AlarmActions = [] } = alarm;
  const { meaning, runbook = null } = readAlarmDescription(AlarmDescription);
  // StateUpdatedTimestamp moves whenever the reason does, and would make an old alarm look like a new one.
  const since = alarm.StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp;
  return {
    name: AlarmName,
    state: StateValue === 'ALARM' ? 'ringing' : StateValue === 'OK' ? 'quiet' : 'unknown',
    since: since?.getTime() ?? null,
    tells: ActionsEnabled === true && AlarmActions.includes(topicArn),
    meaning,
    runbook,
  };
}
