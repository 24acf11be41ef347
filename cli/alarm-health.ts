/** Which alarms ring, as far as whoever asks may know it. */
import type { Examination, Installation } from '../core/installation.ts';
import { judgeAlarms, ringingOf, type StackAlarm } from '../core/stack-alarms.ts';
import { notChecked } from './alert-health.ts';

export interface AlarmHealth {
  readonly examination: Examination;
  /** The newest first; none is named when it is not known. */
  readonly ringing: readonly StackAlarm[];
}

/** @returns undefined where there are no alarms: on one machine */
export async function examineAlarms({ alarms }: Installation): Promise<AlarmHealth | undefined> {
  if (alarms === undefined) return undefined;
  try {
    const found = await alarms();
    return {
      examination: { check: 'alarms', ...judgeAlarms(found) },
      ringing: ringingOf(found.alarms),
    };
  } catch (error) {
    const examination = notChecked(error, {
      check: 'alarms',
      what: 'It is not known which alarms ring.',
      permission: '`cloudwatch:DescribeAlarms` on `*`',
    });
    return { examination, ringing: [] };
  }
}
