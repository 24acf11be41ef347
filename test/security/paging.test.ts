/** From a fault to whoever is to be woken by it: the message in a subscriber's hands, and the alarm where no message comes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { parseConfig } from '../../core/config.ts';
import { homeAt, writeSecret } from '../../local/home.ts';
import { type House, openHouse } from '../../local/house.ts';
import { runSchedules } from '../../local/schedules.ts';
import { type AlarmRule, alarmOf, stateOver } from '../faults/alarm.ts';
import { textOf } from '../infra/references.ts';
import { maximal, resourcesOf, synthesise } from '../infra/synthesis.ts';

const TIME = { timeout: 120_000 };

describe('a fault that must page', TIME, () => {
  const CONFIG = parseConfig(
    {
      targets: {
        // No server listens at port 1.
        shop: {
          url: 'http://127.0.0.1:1',
          databases: ['shop'],
          schedule: { full: 'cron(0 2 * * ? *)' },
          attempts: 1,
        },
      },
      alerts: { webhook: { ssm: '/webhook' }, trial: 'cron(0 9 ? * MON *)' },
    },
    'The configuration of the test',
  );
  let directory: string;
  let house: House;
  let subscriber: Server;
  const held: { subject: string; message: string; text: string }[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'safehouse-paging-'));
    subscriber = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      held.push(JSON.parse(Buffer.concat(chunks).toString()));
      response.end('ok');
    });
    await new Promise<void>((resolve) => subscriber.listen(0, '127.0.0.1', resolve));
    writeSecret(
      homeAt(directory),
      '/webhook',
      `http://127.0.0.1:${(subscriber.address() as AddressInfo).port}/hook`,
    );
    house = await openHouse({
      config: CONFIG,
      home: directory,
      pace: { waits: 25, retries: 5 },
      environment: {},
    });
  }, 120_000);

  afterAll(async () => {
    await house?.close('abort');
    subscriber?.closeAllConnections();
    await new Promise((resolve) => subscriber?.close(resolve));
    await rm(directory, { recursive: true });
  });

  test('is in the hands of a subscriber, once, with what to do', async () => {
    const history = await (
      await house.start('backup', { target: 'shop', scheduledTime: '2026-04-02T02:00:00Z' })
    ).ended;
    expect(history).toMatchObject({ status: 'failed', error: 'ECONNREFUSED' });
    await expect.poll(() => held.length, { timeout: 30_000 }).toBe(1);
    const [message] = house.messages();
    expect(held).toEqual([
      {
        subject: message?.subject,
        message: message?.text,
        text: `*${message?.subject}*\n${message?.text}`,
      },
    ]);
    expect(held[0]?.subject).toMatch(/^Safehouse: shop: The full backup scheduled for 2026-04-02T02:00:00Z/);
    expect(held[0]?.message).toContain('What to do:    Look whether the server runs');
    expect(held[0]?.message).toContain('Last good:     NONE. This target has no good backup.');
    expect(held[0]?.message).toContain(`Execution:     ${history.id}`);
  });

  test('goes the way that a trial alert goes, which is in the same hands when it is due', async () => {
    const { schedules } = await house.stack();
    const trials = schedules.filter(({ targetArn }) => targetArn.endsWith(':aws-sdk:sns:publish'));
    expect(trials).toHaveLength(1);
    const stop = new AbortController();
    const before = held.length;
    const told: string[] = [];
    // A Sunday evening, and what the clock shows from then on until Monday, a second after nine.
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: Date.UTC(2026, 3, 5, 20) });
    try {
      await runSchedules(
        { stack: async () => ({ schedules: trials }), deliver: (arn, input) => house.deliver(arn, input) },
        stop.signal,
        (text) => told.push(text),
      );
      vi.advanceTimersByTime(13 * 3_600_000 - 1);
      expect(told).toEqual([]);
      vi.advanceTimersByTime(1000);
    } finally {
      vi.useRealTimers();
      stop.abort();
    }
    await expect.poll(() => held.length, { timeout: 30_000 }).toBe(before + 1);
    expect(told).toEqual(['2026-04-06T09:00:00Z  TrialAlert']);
    const trial = held.at(-1);
    expect(trial?.subject).toBe('Safehouse: trial alert, nothing is wrong (Safehouse)');
    expect(trial?.message).toContain('Sent for:      2026-04-06T09:00:00Z\n');
    expect(trial?.message).toContain('npx safehouse status --stack Safehouse');
    expect(house.messages().at(-1)).toMatchObject({ subject: trial?.subject, text: trial?.message });
  });
});

/** What the watch publishes of a target that is well. */
const WELL: Readonly<Record<string, number>> = {
  Late: 3600,
  NeverRan: 5,
  NotVerified: 0,
  Skipped: 2,
  ProofTooOld: 3600,
};
const A_DAY = 288;

describe('where no message comes', TIME, () => {
  test('a watch that says nothing any more is five alarms of each target', () => {
    for (const [id, value] of Object.entries(WELL)) {
      const { alarm } = alarmOf(id);
      expect(alarm.missing).toBe('breaching');
      const well = Array.from<number | undefined>({ length: A_DAY }).fill(value);
      expect([id, stateOver(alarm, well)]).toEqual([id, 'OK']);
      const silent = (looks: number) => [...well, ...Array.from<undefined>({ length: looks })];
      expect([id, stateOver(alarm, silent(alarm.datapoints - 1))]).toEqual([id, 'OK']);
      expect([id, stateOver(alarm, silent(alarm.datapoints))]).toEqual([id, 'ALARM']);
      // A quarter of an hour, and no longer.
      expect(alarm.datapoints * alarm.period).toBeLessThanOrEqual(15 * 60);
      // A stack whose watch has never run at all.
      expect(stateOver(alarm, Array.from<undefined>({ length: A_DAY }))).toBe('ALARM');
    }
  });

  test('one look that is lost is none', () => {
    for (const [id, value] of Object.entries(WELL)) {
      const { alarm } = alarmOf(id);
      const values = Array.from({ length: A_DAY }, (_, n) => (n % 3 === 0 ? undefined : value));
      for (let end = alarm.datapoints; end <= values.length; end += 1)
        expect([id, stateOver(alarm, values.slice(0, end))]).toEqual([id, 'OK']);
    }
  });

  test('a webhook that takes nothing is an alarm to everybody else, with the alert kept in a queue', () => {
    const { template } = synthesise(maximal);
    const [found] = resourcesOf(template, 'AWS::CloudWatch::Alarm').filter(([id]) =>
      id.startsWith('SafehouseAlarmsWebhookDeadLetters'),
    );
    const properties = schema.parse(found?.[1].Properties);
    const rule: AlarmRule = {
      threshold: properties.Threshold,
      comparison: properties.ComparisonOperator,
      datapoints: properties.EvaluationPeriods,
      period: properties.Period,
      missing: properties.TreatMissingData,
    };
    expect(properties.MetricName).toBe('ApproximateNumberOfMessagesVisible');
    expect(textOf(properties.Dimensions[0]?.Value)).toMatch(/WebhookDeadLetters/);
    // SQS publishes nothing of a queue that has been empty for hours.
    expect(stateOver(rule, [0, undefined, 0])).toBe('OK');
    expect(stateOver(rule, [undefined, 1])).toBe('ALARM');
  });
});

const schema = z.object({
  Threshold: z.number(),
  ComparisonOperator: z.enum(['GreaterThanThreshold', 'LessThanThreshold']),
  EvaluationPeriods: z.number(),
  Period: z.number(),
  TreatMissingData: z.enum(['breaching', 'notBreaching']),
  MetricName: z.string(),
  Dimensions: z.array(z.object({ Value: z.unknown() })),
});
