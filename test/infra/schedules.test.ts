import { expect, test } from 'vitest';
import { restoreInputSchema } from '../../core/restore-input.ts';
import { backupInputSchema, doctorInputSchema } from '../../core/workflow.ts';
import { textOf } from './references.ts';
import { maximal, minimal, resourcesOf, synthesise, target } from './synthesis.ts';

const { events, billing } = maximal.targets;
if (events === undefined || billing === undefined) throw new Error('the configuration has other targets');
const drill = { to: 'billing', schedule: 'cron(0 9 ? * MON#1 *)' };
const { template } = synthesise({ ...maximal, targets: { events: { ...events, drill }, billing } });
const schedules = resourcesOf(template, 'AWS::Scheduler::Schedule').map(([, { Properties }]) => Properties);

interface ScheduleTarget {
  readonly Arn: unknown;
  readonly Input?: string;
  readonly RetryPolicy: object;
  readonly DeadLetterConfig?: { readonly Arn: unknown };
}
const targetOf = (schedule: Readonly<Record<string, unknown>>) => schedule['Target'] as ScheduleTarget;
const inputOf = (schedule: Readonly<Record<string, unknown>>) =>
  JSON.parse(targetOf(schedule).Input ?? '{}') as { target?: string; kind?: string; scheduledTime?: string };

const starts = schedules.filter((schedule) => inputOf(schedule).target !== undefined);
const backups = starts.filter((schedule) => inputOf(schedule).kind !== undefined);
const drills = starts.filter((schedule) => 'drill' in inputOf(schedule));
const examinations = starts.filter((schedule) => 'scheduled' in inputOf(schedule));
const others = schedules.filter((schedule) => !starts.includes(schedule));

test('each target and kind begins at its time, in its time zone, in the state machine of its network', () => {
  const seen = backups.map((schedule) => [
    inputOf(schedule).target,
    inputOf(schedule).kind,
    schedule['ScheduleExpression'],
    schedule['ScheduleExpressionTimezone'],
    textOf(targetOf(schedule).Arn),
  ]);
  expect(seen).toEqual([
    [
      'events',
      'full',
      'cron(30 3 ? * SUN *)',
      'Europe/Berlin',
      expect.stringMatching(/^<SafehouseBackupMachine/),
    ],
    [
      'events',
      'incremental',
      'cron(30 3 ? * MON-SAT *)',
      'Europe/Berlin',
      expect.stringMatching(/^<SafehouseBackupMachine/),
    ],
    [
      'billing',
      'full',
      'cron(0 1 * * ? *)',
      'UTC',
      expect.stringMatching(/^<SafehouseBackup[0-9a-f]{8}Machine/),
    ],
  ]);
});

test('a start carries the time that it is for, in the form that the workflow reads', () => {
  for (const schedule of backups) {
    const { scheduledTime, ...input } = inputOf(schedule);
    expect(scheduledTime).toBe('<aws.scheduler.scheduled-time>');
    expect(() => backupInputSchema.parse({ ...input, scheduledTime: '2026-04-02T02:00:00Z' })).not.toThrow();
  }
});

test('a drill begins in the time zone of its target, where the target is that takes it', () => {
  expect(drills).toHaveLength(1);
  const [schedule = {}] = drills;
  expect(schedule).toMatchObject({
    ScheduleExpression: 'cron(0 9 ? * MON#1 *)',
    ScheduleExpressionTimezone: 'Europe/Berlin',
  });
  expect(textOf(targetOf(schedule).Arn)).toMatch(/^<SafehouseRestore[0-9a-f]{8}Machine/);
  expect(inputOf(schedule)).toEqual({ target: 'events', to: 'billing', drill: true });
  expect(restoreInputSchema.parse(inputOf(schedule))).toMatchObject({ backup: 'latest-proven', drill: true });
});

test('each target is examined every morning of its time zone, in the state machine of its network', () => {
  expect(
    examinations.map((schedule) => [
      inputOf(schedule),
      schedule['ScheduleExpression'],
      schedule['ScheduleExpressionTimezone'],
      textOf(targetOf(schedule).Arn),
    ]),
  ).toEqual([
    [
      { target: 'events', scheduled: true },
      'cron(0 9 * * ? *)',
      'Europe/Berlin',
      expect.stringMatching(/^<SafehouseDoctorMachine/),
    ],
    [
      { target: 'billing', scheduled: true },
      'cron(0 9 * * ? *)',
      'UTC',
      expect.stringMatching(/^<SafehouseDoctor[0-9a-f]{8}Machine/),
    ],
  ]);
  for (const schedule of examinations)
    expect(doctorInputSchema.parse(inputOf(schedule))).toEqual(inputOf(schedule));
});

test('a target is examined when it says, or never', () => {
  const ofDoctor = (schedule: string) => {
    const targets = { events: { ...target, doctor: { schedule } } };
    const resources = synthesise({ ...minimal, targets }).template;
    return {
      starts: resourcesOf(resources, 'AWS::Scheduler::Schedule').flatMap(([, { Properties }]) =>
        'scheduled' in inputOf(Properties) ? [Properties['ScheduleExpression']] : [],
      ),
      policy: JSON.stringify(
        resourcesOf(resources, 'AWS::IAM::Role').find(([id]) => id.includes('SchedulesRole')),
      ),
    };
  };
  expect(ofDoctor('rate(12 hours)').starts).toEqual(['rate(12 hours)']);
  expect(ofDoctor('rate(12 hours)').policy).toContain('SafehouseDoctorMachine');
  expect(ofDoctor('none').starts).toEqual([]);
  expect(ofDoctor('none').policy).not.toContain('SafehouseDoctorMachine');
});

test('a start is tried for an hour and then kept among the dead letters', () => {
  expect(starts).toHaveLength(6);
  for (const schedule of starts) {
    const { RetryPolicy, DeadLetterConfig } = targetOf(schedule);
    expect(RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 20 });
    const queue = textOf(DeadLetterConfig?.Arn).replace(/^<|\.Arn>$/g, '');
    expect(template.Resources[queue]).toMatchObject({
      Type: 'AWS::SQS::Queue',
      Properties: { SqsManagedSseEnabled: true, MessageRetentionPeriod: 14 * 86_400 },
    });
  }
});

test('dead letters travel over TLS only', () => {
  const policies = resourcesOf(template, 'AWS::SQS::QueuePolicy');
  expect(policies).toHaveLength(2);
  for (const [, { Properties }] of policies)
    expect(Properties['PolicyDocument']).toMatchObject({
      Statement: expect.arrayContaining([
        expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      ]),
    });
});

test('older backups are proven again once a day, and a start that is lost is kept', () => {
  const [walk] = others;
  expect(walk).toMatchObject({
    ScheduleExpression: 'cron(0 12 * * ? *)',
    ScheduleExpressionTimezone: 'Etc/UTC',
  });
  const { Arn, RetryPolicy, DeadLetterConfig } = targetOf(walk ?? {});
  expect(textOf(Arn)).toMatch(/^<SafehouseProveWalkFunction/);
  expect(RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 20 });
  expect(textOf(DeadLetterConfig?.Arn)).toMatch(/^<SafehouseSchedulesDeadLetters/);
});

test('the watch looks every five minutes, and a look that fails is not repeated', () => {
  const [, watch, , ...more] = others;
  expect(more).toEqual([]);
  expect(watch).toMatchObject({
    ScheduleExpression: 'rate(5 minutes)',
    Target: {
      RetryPolicy: { MaximumRetryAttempts: 0 },
      Arn: { 'Fn::GetAtt': [expect.stringMatching(/PublishAges/), 'Arn'] },
    },
  });
});

test('the sweep looks every hour, and a look that fails is not repeated', () => {
  const [, , sweep] = others;
  expect(sweep).toMatchObject({
    ScheduleExpression: 'rate(1 hour)',
    Target: {
      RetryPolicy: { MaximumRetryAttempts: 0 },
      Arn: { 'Fn::GetAtt': [expect.stringMatching(/^SafehouseSweepFunction/), 'Arn'] },
    },
  });
});

test('all schedules are in one group without a fixed name, and only it may use their role', () => {
  const [[group, resource] = ['', undefined], ...more] = resourcesOf(
    template,
    'AWS::Scheduler::ScheduleGroup',
  );
  expect(more).toEqual([]);
  expect(resource?.Properties ?? {}).toEqual({});
  expect(schedules).toHaveLength(9);
  for (const schedule of schedules) expect(schedule['GroupName']).toEqual({ Ref: group });
  const [[, role] = []] = resourcesOf(template, 'AWS::IAM::Role').filter(([id]) =>
    id.startsWith('SafehouseSchedulesRole'),
  );
  const trust = role?.Properties['AssumeRolePolicyDocument'] as {
    Statement: { Condition: { StringEquals: Record<string, unknown> } }[];
  };
  expect(trust.Statement).toHaveLength(1);
  const { StringEquals } = trust.Statement[0]?.Condition ?? { StringEquals: {} };
  expect(textOf(StringEquals['aws:SourceArn'])).toBe(
    `arn:aws:scheduler:<AWS::Region>:<AWS::AccountId>:schedule-group/<${group}>`,
  );
  expect(textOf(StringEquals['aws:SourceAccount'])).toBe('<AWS::AccountId>');
});
