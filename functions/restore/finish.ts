/** Writes the report of a restore that came to a good end, tells who waits for it, and gives back what it held. */
import { publishAlert } from '../../clients/alerts.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { restoreReportKey } from '../../core/keys.ts';
import { composeRestoredMessage } from '../../core/restore-alert.ts';
import { compareInputSchema, type FinishedRestore } from '../../core/restore-workflow.ts';
import { target as readTarget } from '../environment.ts';
import { logger, step } from '../step.ts';
import { requirePlan } from './pages.ts';
import { writeReport } from './report.ts';
import { unpin } from './unpin.ts';

export const handler = step('finish', compareInputSchema, async (run): Promise<FinishedRestore> => {
  const plan = await requirePlan(run);
  const outcome = plan.dryRun ? 'dry run' : 'restored';
  // Whatever leads here without a comparison is no good end.
  if (outcome === 'restored' && (run.compared?.outcome !== 'equal' || !run.compared.done))
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `The restore ${plan.restore} came to its end without a comparison.`,
      remedy: 'This is a defect of the workflow: look at the history of the execution.',
    });
  const report = await writeReport(plan, run.execution, outcome, null);
  // It was cancelled, and its execution redriven: what is told must not contradict what is written.
  if (report.outcome !== outcome)
    throw new SafehouseError(ERROR_NAMES.unsafe, {
      what: `The restore ${plan.restore} was brought to its end already: ${report.outcome}.`,
      remedy: 'Start a new one, rather than going on with this one.',
    });
  const { notifyTopicArn } = (await readTarget(plan.to)).restore;
  if (outcome === 'restored' && !plan.drill && notifyTopicArn !== undefined)
    await publishAlert(notifyTopicArn, composeRestoredMessage(report));
  await unpin(plan, outcome);
  logger.info('finished', { restore: plan.restore, outcome, seconds: report.seconds });
  return {
    outcome,
    restore: plan.restore,
    backup: plan.backup,
    to: plan.to,
    report: restoreReportKey(plan.target, plan.backup, plan.restore),
  };
});
