/** The message with which nothing is wrong: when it is sent, to whom, by whose right, and what becomes of one that is not. */
import { describe, expect, test } from 'vitest';
import { textOf } from './references.ts';
import { messagesOf, minimal, resourcesOf, synthesise, type Template } from './synthesis.ts';

const TRIAL = 'cron(0 9 ? * MON *)';
const withTrial = (alerts: object = {}) =>
  synthesise({ ...minimal, alerts: { ...minimal.alerts, trial: TRIAL, ...alerts } });

const trialsOf = (template: Template) =>
  resourcesOf(template, 'AWS::Scheduler::Schedule')
    .filter(([id]) => id.startsWith('SafehouseSchedulesTrialAlert'))
    .map(([, { Properties }]) => Properties);

interface Target {
  readonly Arn: unknown;
  readonly Input: unknown;
  readonly RetryPolicy: object;
  readonly DeadLetterConfig: { readonly Arn: unknown };
}

test('nobody gets one who did not ask for it', () => {
  const { template } = synthesise(minimal);
  expect(trialsOf(template)).toEqual([]);
  expect(JSON.stringify(schedulesRole(template))).not.toContain('sns:Publish');
});

describe('where it is asked for', () => {
  const synthesis = withTrial();
  const [schedule = {}, ...more] = trialsOf(synthesis.template);
  const target = schedule['Target'] as Target;

  test('it comes at its time, in UTC', () => {
    expect(more).toEqual([]);
    expect(schedule).toMatchObject({ ScheduleExpression: TRIAL, ScheduleExpressionTimezone: 'Etc/UTC' });
  });

  test('it goes straight to the topic, with a subject and what to do when it is missed', () => {
    expect(textOf(target.Arn)).toBe('arn:aws:scheduler:::aws-sdk:sns:publish');
    expect(JSON.parse(textOf(target.Input))).toEqual({
      TopicArn: expect.stringMatching(/^<SafehouseAlertsTopic/),
      Subject: 'Safehouse: trial alert, nothing is wrong (Safehouse)',
      Message: expect.stringMatching(
        /^This is a trial\.[\s\S]*Sent for: +<aws\.scheduler\.scheduled-time>[\s\S]*cron\(0 9 \? \* MON \*\)[\s\S]*status --stack Safehouse\n[\s\S]*#the-trial-alert$/,
      ),
    });
  });

  test('one that cannot be sent is tried for an hour and then kept among the dead letters, which have an alarm', () => {
    expect(target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 20 });
    expect(textOf(target.DeadLetterConfig.Arn)).toMatch(/^<SafehouseSchedulesDeadLetters/);
    const alarms = resourcesOf(synthesis.template, 'AWS::CloudWatch::Alarm').map(
      ([, { Properties }]) => Properties,
    );
    const watching = alarms.filter(({ Dimensions }) =>
      JSON.stringify(Dimensions ?? '').includes('SafehouseSchedulesDeadLetters'),
    );
    expect(watching).toHaveLength(1);
    expect(textOf(watching[0]?.['AlarmDescription'])).toContain('or send the trial alert');
  });

  test('the schedules may publish to that topic and to no other', () => {
    const publishing = statementsOf(synthesis.template).filter(({ Action }) =>
      [Action].flat().includes('sns:Publish'),
    );
    expect(publishing).toEqual([
      {
        Effect: 'Allow',
        Action: 'sns:Publish',
        Resource: { Ref: expect.stringMatching(/^SafehouseAlertsTopic/) },
      },
    ]);
  });

  test('it is in the group that alone may use their role', () => {
    expect(schedule['GroupName']).toEqual({
      Ref: expect.stringMatching(/^SafehouseSchedulesGroup/),
    });
  });

  test('nothing is warned of', () => {
    expect(messagesOf(synthesis)).toEqual([]);
  });
});

test('it goes to a topic that exists, too', () => {
  const topicArn = 'arn:aws:sns:eu-central-1:111122223333:on-call';
  const { template } = withTrial({ topicArn });
  const [schedule = {}] = trialsOf(template);
  expect(JSON.parse(textOf((schedule['Target'] as Target).Input))).toMatchObject({ TopicArn: topicArn });
  expect(statementsOf(template)).toContainEqual({
    Effect: 'Allow',
    Action: 'sns:Publish',
    Resource: topicArn,
  });
});

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

function schedulesRole(template: Template) {
  const [[, role] = []] = resourcesOf(template, 'AWS::IAM::Role').filter(([id]) =>
    id.startsWith('SafehouseSchedulesRole'),
  );
  if (role === undefined) throw new Error('the schedules have no role');
  return role;
}

const statementsOf = (template: Template): Statement[] =>
  (
    schedulesRole(template).Properties['Policies'] as { PolicyDocument: { Statement: Statement[] } }[]
  ).flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
