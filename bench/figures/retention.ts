import { type Figure, measured, type Result } from '../figure.ts';
import { measureRetentionPlan } from '../retention-plan.ts';

/** Ten times the backups may take ten times as long, and a half more: sorting, and a heap ten times as large. */
const STILL_LINEAR = 15;

export const retentionPlan: Figure = {
  number: 4,
  title: 'Planning the retention of 100,000 backups',
  async measure(): Promise<Result> {
    const { seconds100k, seconds1m, ratio } = measureRetentionPlan();
    return {
      measurements: [
        measured('100,000 backups', seconds100k, 'seconds', { atMost: 0.5 }),
        measured('1,000,000 backups', seconds1m, 'seconds'),
        measured('1,000,000 against 100,000 (linear: 10)', ratio, 'times', { atMost: STILL_LINEAR }),
      ],
    };
  },
};
