/** A message with which nothing is wrong: whoever misses it when it is due knows that no alert would come either. */
import type { Alert } from './alert.ts';

export interface TrialFacts {
  /** The name of the stack. */
  readonly stack: string;
  /** EventBridge Scheduler's `cron(…)` or `rate(…)`, in UTC. */
  readonly schedule: string;
  /** The time that it is sent for, or the word that EventBridge Scheduler replaces with it. */
  readonly scheduledTime: string;
  /** The address of the runbook, without a section. */
  readonly runbook: string;
}

/** What whoever misses it reads. */
export const TRIAL_SECTION = 'the-trial-alert';

/** SNS takes less than 100 characters; a stack's name may have 128. */
const LONGEST_SUBJECT = 99;

export function composeTrial({ stack, schedule, scheduledTime, runbook }: TrialFacts): Alert {
  const lines = [
    'This is a trial. Nothing is wrong, and nothing is to be done.',
    '',
    `Stack:         ${stack}`,
    `Sent for:      ${scheduledTime}`,
    `It comes:      ${schedule}, in UTC`,
    'What it shows: an alert goes the same way, from the topic to you. What Safehouse had to tell you could reach you.',
    'Without it:    no alert reaches you either. When it is due and does not come, see who hears the alerts and which alarms ring:',
    `               npx safehouse status --stack ${stack}`,
    `Runbook:       ${runbook}#${TRIAL_SECTION}`,
  ];
  return {
    subject: `Safehouse: trial alert, nothing is wrong (${stack})`.slice(0, LONGEST_SUBJECT),
    text: lines.join('\n'),
  };
}
