import type { Bucket } from '../../clients/bucket.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { Execution, ExecutionView, Installation } from '../../core/installation.ts';
import type { RestorePlan, RestoreReport } from '../../core/restore.ts';
import { bucketOf } from '../bucket-of.ts';
import { executionFailure } from '../execution-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { findRestore } from '../find-restore.ts';
import { hasEnded, readFinalReport, readReplaced } from '../restore-evidence.ts';
import { reportScreen, type ShownReport } from '../restore-report-screen.ts';
import { endingStep } from '../restore-step.ts';
import type { Answer, Call, Verb } from '../verb.ts';
import { watch } from '../watch.ts';

export const cancel: Verb = {
  name: 'cancel',
  summary: 'end a restore, and drop what it has created',
  argument: { name: 'RESTORE', required: true },
  flags: {},
  about: [
    'Stops the execution of a restore, ends what ClickHouse does for it, drops what it had created, and says what was dropped and what was left. RESTORE is the id that `restore` named when it began, or the ARN of its execution. It also cleans up after an execution that somebody stopped in the console.',
    'A backup is not cancelled here: KILL QUERY in ClickHouse ends it, and its execution sees that.',
  ],
  examples: ['cancel 20260402T090000Z-restore-4f0c2a', 'cancel 20260402T090000Z-restore-4f0c2a --local'],
  run,
};

async function run(call: Call): Promise<Answer> {
  const installation = await call.open();
  const bucket = bucketOf(installation);
  const plan = await findRestore(installation, bucket, call.argument);
  const ended = await readFinalReport(bucket, plan);
  // Of one whose cleaning up failed there is a report already, and it is not at its end.
  if (ended !== undefined && (await hasEnded(bucket, plan)))
    return endedBefore(await shownOf(bucket, plan, ended));
  await stop(installation, plan);
  const execution = await installation.start('cancelRestore', { target: plan.to, restore: plan.restore });
  const { view, interrupted } = await watch(call, {
    execution,
    title: `end of ${plan.restore}`,
    look: () => `show ${plan.backup}`,
    step: endingStep,
  });
  if (view === null || interrupted)
    return { exitCode: EXIT.interrupted, json: documentOf(plan, execution), screen: () => [] };
  const report = await readFinalReport(bucket, plan);
  if (report === undefined) return unreported(plan, view, execution);
  const shown = await shownOf(bucket, plan, report);
  return (await hasEnded(bucket, plan)) ? endedNow(shown) : notEnded(shown, view, execution);
}

const shownOf = async (bucket: Bucket, plan: RestorePlan, report: RestoreReport): Promise<ShownReport> => ({
  report,
  replaced: await readReplaced(bucket, plan),
});

/** One that is not there any more, or has died, has left its work all the same. */
async function stop(installation: Installation, { execution }: RestorePlan): Promise<void> {
  try {
    await installation.stop(execution);
  } catch (error) {
    if (!(error instanceof SafehouseError) || error.name !== ERROR_NAMES.notFound) throw error;
  }
}

const documentOf = ({ restore, backup, to }: RestorePlan, execution: Execution) => ({
  restore,
  backup,
  to,
  outcome: null,
  execution: execution.id,
});

const stands = ({ outcome }: RestoreReport): boolean => outcome === 'restored' || outcome === 'different';

/** To ask for the end of what has failed or was cancelled is no mistake: there is nothing more to do. */
function endedBefore(shown: ShownReport): Answer {
  const { report } = shown;
  return {
    exitCode: stands(report) ? EXIT.failed : EXIT.good,
    json: { ...report },
    screen: (width) => reportScreen(shown, width),
    ...(stands(report) && {
      error: {
        name: 'HasEnded',
        what: `The restore ${report.restore} has ended already, at ${report.at}: ${report.outcome}. What it restored is left as it is.`,
        remedy: 'To be rid of it, drop it yourself, after a look at what has the same name.',
      },
    }),
  };
}

/** It may have come to its own end in the moment in which it was stopped. */
const endedNow = (shown: ShownReport): Answer =>
  stands(shown.report)
    ? endedBefore(shown)
    : { exitCode: EXIT.good, json: { ...shown.report }, screen: (width) => reportScreen(shown, width) };

function notEnded(shown: ShownReport, view: ExecutionView, execution: Execution): Answer {
  const { failure, restore } = shown.report;
  return {
    exitCode: EXIT.failed,
    json: { ...shown.report },
    screen: (width) => reportScreen(shown, width),
    error:
      view.status === 'succeeded'
        ? {
            name: failure?.error ?? 'Unexpected',
            what: failure?.what ?? `The restore ${restore} is not at its end.`,
            remedy: failure?.remedy ?? `Look at the execution: ${execution.id}`,
          }
        : executionFailure(view, execution.id).error,
  };
}

function unreported(plan: RestorePlan, view: ExecutionView, execution: Execution): Answer {
  if (view.status === 'succeeded')
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `The restore ${plan.restore} was ended, but the ledger has no report of it.`,
      remedy: `What it had created may still be there. Look at the execution: ${execution.id}`,
    });
  return { ...executionFailure(view, execution.id), json: documentOf(plan, execution), screen: () => [] };
}
