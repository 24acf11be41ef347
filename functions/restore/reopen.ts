/** Takes up a restore whose execution was stopped, to bring it to its end. */
import { getJson } from '../../clients/bucket.ts';
import { explainIssues } from '../../core/config-problems.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { restoreKey } from '../../core/keys.ts';
import { endedSchema, type RestoreOutcome, restorePlanSchema } from '../../core/restore.ts';
import { cancelInputSchema, type RestoreRun, reopenInputSchema } from '../../core/restore-workflow.ts';
import { bucket } from '../environment.ts';
import { step } from '../step.ts';

interface ReopenedRestore extends RestoreRun {
  readonly cancelled: true;
  /** How it ended; then nothing is left to do. */
  readonly ended?: RestoreOutcome;
}

export const handler = step(
  'reopen',
  reopenInputSchema,
  async ({ execution, input }): Promise<ReopenedRestore> => {
    const { target: to, restore } = explainIssues(
      cancelInputSchema,
      input,
      'The input of the execution',
      ERROR_NAMES.input,
    );
    const plan = await getJson(bucket(), restoreKey(to, restore, 'plan'), restorePlanSchema);
    if (plan === undefined)
      throw new SafehouseError(ERROR_NAMES.notFound, {
        what: `There is no restore ${JSON.stringify(restore)} to ${to}.`,
        remedy: 'Its id is in the output of the execution, and under restores/ in the bucket.',
      });
    const ended = await getJson(bucket(), restoreKey(to, restore, 'ended'), endedSchema);
    const { target, backup, dryRun, drill } = plan;
    const run = { execution, restore, target, to, backup, dryRun, drill, cancelled: true } as const;
    return ended === undefined ? run : { ...run, ended: ended.outcome };
  },
);
