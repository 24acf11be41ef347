import { expect, test } from 'vitest';
import { composeTrial } from '../../core/trial-alert.ts';

const FACTS = {
  stack: 'Safehouse',
  schedule: 'cron(0 9 ? * MON *)',
  scheduledTime: '2026-04-06T09:00:00Z',
  runbook: 'docs/runbook.md',
};

test('says that it is a trial, of which stack, when it comes, and what to do when it does not', () => {
  const { subject, text } = composeTrial(FACTS);
  expect(subject).toBe('Safehouse: trial alert, nothing is wrong (Safehouse)');
  expect(text.split('\n')).toEqual([
    'This is a trial. Nothing is wrong, and nothing is to be done.',
    '',
    'Stack:         Safehouse',
    'Sent for:      2026-04-06T09:00:00Z',
    'It comes:      cron(0 9 ? * MON *), in UTC',
    'What it shows: an alert goes the same way, from the topic to you. What Safehouse had to tell you could reach you.',
    'Without it:    no alert reaches you either. When it is due and does not come, see who hears the alerts and which alarms ring:',
    '               npx safehouse status --stack Safehouse',
    'Runbook:       docs/runbook.md#the-trial-alert',
  ]);
});

test('has a subject that SNS takes, whatever the length of the name', () => {
  const { subject } = composeTrial({ ...FACTS, stack: 'S'.repeat(128) });
  expect(subject).toMatch(/^Safehouse: trial alert, nothing is wrong [\x20-\x7e]+$/);
  expect(subject.length).toBeLessThan(100);
});
