import { describe, expect, test } from 'vitest';
import { judgeAlarms, ringingOf, type StackAlarm } from '../../core/stack-alarms.ts';

const alarm = (over: Partial<StackAlarm> = {}): StackAlarm => ({
  name: 'late',
  state: 'quiet',
  since: Date.parse('2026-04-02T02:05:00Z'),
  tells: true,
  meaning: 'It is late.',
  runbook: 'docs/runbook.md#alarm-late',
  ...over,
});
const WEBHOOK = alarm({
  name: 'webhook',
  state: 'ringing',
  since: Date.parse('2026-04-02T09:30:00Z'),
  meaning: 'The webhook did not take an alert.',
  runbook: 'docs/runbook.md#alarm-webhook-not-delivered',
});

const judge = (alarms: readonly StackAlarm[], deployed = alarms.length) => judgeAlarms({ alarms, deployed });

test('alarms that are all there, would tell it, and do not ring are good', () => {
  expect(judge([alarm(), alarm()])).toEqual({
    result: 'good',
    what: 'None of 2 alarms rings.',
    remedy: '',
  });
});

describe('an alarm that rings', () => {
  test('is bad, with its meaning, its link, and since when', () => {
    expect(judge([alarm(), WEBHOOK])).toEqual({
      result: 'bad',
      what: '1 of 2 alarms rings.\nSince 2026-04-02T09:30:00Z: The webhook did not take an alert. (docs/runbook.md#alarm-webhook-not-delivered)',
      remedy: 'Read the section of the runbook that each names.',
    });
  });

  test('stands before those that have rung for longer', () => {
    const late = alarm({ state: 'ringing' });
    const timeless = alarm({ state: 'ringing', since: null });
    expect(ringingOf([timeless, late, alarm(), WEBHOOK])).toEqual([WEBHOOK, late, timeless]);
  });

  test('is called by its name when nothing else is known of it', () => {
    expect(judge([alarm({ state: 'ringing', since: null, meaning: '', runbook: null })]).what).toBe(
      '1 of 1 alarm rings.\nlate',
    );
  });

  test('is one of ten that are shown, and counted with the rest', () => {
    const lines = judge(Array.from({ length: 12 }, () => WEBHOOK)).what.split('\n');
    expect(lines).toHaveLength(12);
    expect([lines[0], lines.at(-1)]).toEqual(['12 of 12 alarms ring.', '… and 2 more.']);
  });
});

test('an alarm that would tell nobody is bad, also while it is quiet', () => {
  const { result, what, remedy } = judge([alarm(), alarm({ name: 'muted', tells: false })]);
  expect(result).toBe('bad');
  expect(what).toBe(
    '1 of 2 alarms would tell nobody: the actions of muted are off, or do not name the topic of the alerts.',
  );
  expect(remedy).toContain('aws cloudwatch enable-alarm-actions');
});

test('an alarm that is not there cannot ring, and that is bad', () => {
  expect(judge([alarm()], 2)).toMatchObject({
    result: 'bad',
    what: 'The stack has deployed 2 alarms, and CloudWatch has 1 of them.',
  });
  expect(judge([], 2).result).toBe('bad');
});

test('an alarm without a state is not known to be quiet', () => {
  expect(judge([alarm(), alarm({ name: 'new', state: 'unknown' })])).toMatchObject({
    result: 'not checked',
    what: '1 of 2 alarms has no state: new.',
  });
});

test('everything that is wrong is said at once', () => {
  const { result, what } = judge([WEBHOOK, alarm({ tells: false }), alarm({ state: 'unknown' })], 9);
  expect(result).toBe('bad');
  for (const sentence of ['1 of 3 alarms rings.', 'would tell nobody', 'deployed 9 alarms', 'has no state'])
    expect(what).toContain(sentence);
});
