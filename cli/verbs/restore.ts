import type { Bucket } from '../../clients/bucket.ts';
import { readLedger } from '../../clients/ledger.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import type { Execution, ExecutionView, Installation } from '../../core/installation.ts';
import type { Before, PreflightFinding, RestorePlan } from '../../core/restore.ts';
import { NEWEST, type RestoreInput } from '../../core/restore-input.ts';
import { countOf } from '../amounts.ts';
import { bucketOf } from '../bucket-of.ts';
import { executionFailure } from '../execution-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { findBackup } from '../find-backup.ts';
import { requireTarget } from '../find-target.ts';
import { confirm, requireSomeoneToAsk, toConfirm, wordsOf } from '../restore-confirmation.ts';
import { findPlan, readBefore, readReplaced, readReport } from '../restore-evidence.ts';
import { planScreen, type ShownPlan } from '../restore-plan-screen.ts';
import { restoreProgress } from '../restore-progress.ts';
import { exitCodeFor, reportError } from '../restore-report-error.ts';
import { reportScreen, type ShownReport } from '../restore-report-screen.ts';
import { RESTORE_FLAGS, readRequest } from '../restore-request.ts';
import { restoreStep } from '../restore-step.ts';
import { EMPTY_LINE, faint, good, line } from '../screen.ts';
import type { Answer, Call, Verb } from '../verb.ts';
import { watch } from '../watch.ts';

export const restore: Verb = {
  name: 'restore',
  summary: 'get data back, compare it with the backup, harm nothing',
  argument: { name: 'TARGET', required: true },
  flags: RESTORE_FLAGS,
  about: [
    'Looks first, and shows what would be done: which backup, where to, the statement, and everything that stands in the way, each with what to do. Then restores, and compares every table with the backup. Without flags, the newest proven backup is restored into databases with new names, beside the live ones, and the statements to swap them are printed.',
    'Only replace and append ask before they begin. Ctrl-C ends the watching, not the restore: `cancel` ends that. What a restore that failed had created is dropped again.',
    'Exit code 5: what was restored is not what the backup holds. Exit code 6: refused, and nothing was changed.',
  ],
  examples: [
    'restore demo --local',
    'restore shop --dry-run',
    'restore shop --table shop.orders',
    'restore shop --at 2026-04-02T12:00:00Z --as shop=shop_yesterday',
    'restore shop --mode replace --database shop --yes shop',
    'restore shop --to staging --mode intoExisting',
  ],
  run,
};

async function run(call: Call): Promise<Answer> {
  const typed = readRequest(call);
  const dryRun = call.flags.has('dry-run');
  if (!dryRun) requireSomeoneToAsk(typed.mode, call);
  const installation = await call.open();
  const bucket = bucketOf(installation);
  const target = await requireTarget(installation, typed.target);
  const to = typed.to === undefined ? target : await requireTarget(installation, typed.to);
  const request = await withWholeId(bucket, { ...typed, target });
  const looked = await look(call, { installation, bucket, to, request });
  if (looked.answer !== undefined) return looked.answer;
  const { shown, execution } = looked;
  if (dryRun) return dryRunAnswer(call, shown, execution);
  for (const each of planScreen(shown, call.now(), call.progress.width)) call.progress.note(each);
  call.progress.note(EMPTY_LINE);
  const confirmed = await confirm(toConfirm(shown.plan, shown.before), call);
  if (confirmed.outcome === 'broken off') {
    call.progress.note(line('Nothing was begun.'));
    return { exitCode: EXIT.interrupted, json: { outcome: null, execution: null }, screen: () => [] };
  }
  return carryOut(call, {
    installation,
    bucket,
    to,
    request: asShown(request, shown.plan, confirmed.words),
  });
}

/** The beginning of an id is enough here; the workflow takes whole ones. */
async function withWholeId<Request extends RestoreInput>(bucket: Bucket, request: Request): Promise<Request> {
  const { target, backup } = request;
  if (backup === undefined || NEWEST.some((word) => word === backup)) return request;
  const given = backup.startsWith(`${target}/`) ? backup : `${target}/${backup}`;
  const { entry } = await findBackup(bucket, given);
  return { ...request, backup: entry.id };
}

/** What was shown is what is done, also when a newer backup has come in between. */
function asShown(
  { at: _, ...request }: RestoreInput,
  { backup, mode, drill, databases }: RestorePlan,
  confirmed: readonly string[],
): RestoreInput {
  return {
    ...request,
    backup,
    ...(!drill && { mode }),
    ...(mode === 'new' && !drill && { as: Object.fromEntries(databases.map(({ from, to }) => [from, to])) }),
    ...(confirmed.length > 0 && { confirm: [...confirmed] }),
  };
}

interface Restoring {
  readonly installation: Installation;
  readonly bucket: Bucket;
  readonly to: string;
  readonly request: RestoreInput;
}

type Looked =
  | { readonly answer: Answer }
  | { readonly answer?: undefined; readonly shown: SeenPlan; readonly execution: Execution };

/** With the server looked at. */
type SeenPlan = ShownPlan & { readonly before: Before };

/** A dry run: everything that can be known beforehand. */
async function look(call: Call, { installation, bucket, to, request }: Restoring): Promise<Looked> {
  const execution = await installation.start('restore', { ...request, dryRun: true });
  const { view, interrupted } = await watch(call, {
    execution,
    title: `look at the restore of ${request.target}`,
    look: () => 'status',
    step: restoreStep,
  });
  if (view === null || interrupted) return { answer: letGo(execution) };
  const plan = await findPlan(bucket, to, execution.id);
  if (plan === undefined) return { answer: failed(view, execution) };
  const [before, provenAt] = await Promise.all([readBefore(bucket, plan), provenTime(bucket, plan)]);
  const shown: ShownPlan = { plan, before, provenAt };
  const blocking = blockingOf(before);
  // What is to be confirmed is asked for, not held against it.
  const refused = blocking.filter(({ check }) => check !== 'confirmation');
  if (refused.length > 0) return { answer: refusedAnswer(call, shown, execution, refused) };
  if (view.status === 'succeeded' || blocking.length > 0) {
    if (before !== undefined) return { shown: { ...shown, before }, execution };
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `The dry run ${plan.restore} ended well and left nothing that says what stands on the server.`,
      remedy: `Nothing was restored. Look at the execution: ${execution.id}`,
    });
  }
  return { answer: failed(view, execution, shown, call) };
}

const blockingOf = (before: Before | undefined): PreflightFinding[] =>
  before?.findings.filter(({ weight }) => weight === 'blocks') ?? [];

/** By S3's clock; undefined when the listing does not know it. */
async function provenTime(bucket: Bucket, { target, backup }: RestorePlan): Promise<number | undefined> {
  const { entries } = await readLedger(bucket, target);
  return entries.find(({ id }) => id === backup)?.states.proven;
}

const letGo = (execution: Execution): Answer => ({
  exitCode: EXIT.interrupted,
  json: { outcome: null, execution: execution.id },
  screen: () => [],
});

/** Without a report: the execution's own words are all there is. */
function failed(view: ExecutionView, execution: Execution, shown?: ShownPlan, call?: Call): Answer {
  const { error, exitCode } = executionFailure(view, execution.id);
  return {
    exitCode: exitCodeFor(error.name, exitCode),
    json: { outcome: 'failed', execution: execution.id, ...(shown && planDocument(shown)) },
    screen: (width) =>
      shown === undefined || call === undefined ? [] : planScreen(shown, call.now(), width),
    error,
  };
}

const planDocument = ({ plan, before }: ShownPlan) => ({ plan, before: before ?? null });

function refusedAnswer(
  { now }: Call,
  shown: ShownPlan,
  execution: Execution,
  refused: readonly PreflightFinding[],
): Answer {
  return {
    exitCode: EXIT.unsafe,
    json: { outcome: 'refused', execution: execution.id, ...planDocument(shown) },
    screen: (width) => [...planScreen(shown, now(), width), EMPTY_LINE],
    error: {
      name: ERROR_NAMES.unsafe,
      what: `${countOf(refused.length, 'finding')} of the preflight ${refused.length === 1 ? 'stands' : 'stand'} in the way: ${refused.map(({ check }) => check).join(', ')}. Nothing was changed.`,
      remedy: refused.map(({ remedy }) => remedy).join('\n'),
    },
  };
}

function dryRunAnswer({ now, all, command }: Call, shown: SeenPlan, execution: Execution): Answer {
  const missing = wordsOf(toConfirm(shown.plan, shown.before)).filter((word) => !all('yes').includes(word));
  return {
    exitCode: EXIT.good,
    json: { outcome: 'dry run', execution: execution.id, ...planDocument(shown), toConfirm: missing },
    screen: (width) => [
      ...planScreen(shown, now(), width),
      EMPTY_LINE,
      line(good('Nothing was changed.'), ' Without --dry-run it is carried out.'),
      ...(missing.length === 0
        ? []
        : [
            line(
              faint(`It will ask for ${missing.map((word) => JSON.stringify(word)).join(', ')} to be typed.`),
            ),
          ]),
      line(faint('What is in that backup: '), command(`show ${shown.plan.backup}`)),
    ],
  };
}

async function carryOut(call: Call, { installation, bucket, to, request }: Restoring): Promise<Answer> {
  const execution = await installation.start('restore', { ...request });
  const cancelling = (id: string): void =>
    call.progress.note(line(faint('To cancel it: '), call.command(`cancel ${id}`)));
  const progress = restoreProgress({
    bucket,
    to,
    execution: execution.id,
    now: call.now,
    onPlan: ({ restore: id }) => cancelling(id),
  });
  const { view, interrupted } = await watch(call, {
    execution,
    title: `${request.drill ? 'drill' : 'restore'} of ${request.target}`,
    look: () => `show ${request.backup}`,
    detail: progress,
    step: restoreStep,
  });
  if (view === null || interrupted) {
    if (progress.plan === undefined) cancelling(execution.id);
    return letGo(execution);
  }
  const plan = progress.plan ?? (await findPlan(bucket, to, execution.id));
  const report = plan === undefined ? undefined : await readReport(bucket, plan);
  if (plan !== undefined && report !== undefined)
    return reported({ report, replaced: await readReplaced(bucket, plan) }, view, execution);
  if (plan === undefined || view.status !== 'succeeded') return unreported(call, plan, view, execution);
  throw new SafehouseError(ERROR_NAMES.incomplete, {
    what: `The restore ${plan.restore} ended well, but the ledger has no report of it.`,
    remedy: `Nothing was concluded from it. Look at the execution: ${execution.id}`,
  });
}

function reported(shown: ShownReport, view: ExecutionView, execution: Execution): Answer {
  return {
    json: { execution: execution.id, ...shown.report },
    screen: (width) => reportScreen(shown, width),
    ...reportError(shown.report, view, execution.id),
  };
}

/** Nobody has cleaned up after an execution that was stopped from outside. */
function unreported(
  { command }: Call,
  plan: RestorePlan | undefined,
  view: ExecutionView,
  execution: Execution,
): Answer {
  const answer = failed(view, execution);
  if (plan === undefined || answer.error === undefined) return answer;
  const { name, what } = answer.error;
  return {
    ...answer,
    json: { ...answer.json, restore: plan.restore },
    error: {
      name,
      what: `${what} What it had begun may still run or stand there.`,
      remedy: `End it, and drop what it has created:\n${command(`cancel ${plan.restore}`)}`,
    },
  };
}
