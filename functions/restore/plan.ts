/** Decides what is restored from which backup and to where, from what the bucket alone knows; nothing is asked of ClickHouse. */
import { getJson, putOnce } from '../../clients/bucket.ts';
import { readDefinitions } from '../../clients/definitions.ts';
import { readEvidence, readLedger, requireEvidence } from '../../clients/ledger.ts';
import { readProofs } from '../../clients/proofs.ts';
import { explainIssues } from '../../core/config-problems.ts';
import { readDefinition } from '../../core/definition.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { restoreKey } from '../../core/keys.ts';
import { type RestorePlan, restorePlanSchema } from '../../core/restore.ts';
import { chooseBackup, chooseContent } from '../../core/restore-choice.ts';
import { makeRestoreId } from '../../core/restore-id.ts';
import { type RestoreRequest, restoreInputSchema } from '../../core/restore-input.ts';
import { planRestore, type RestoreEvidence } from '../../core/restore-plan.ts';
import { planRestoreInputSchema, type RestoreRun } from '../../core/restore-workflow.ts';
import { bucket, target as readTarget } from '../environment.ts';
import { logger, step } from '../step.ts';

export const handler = step(
  'plan',
  planRestoreInputSchema,
  async ({ execution, startedAt, input }): Promise<RestoreRun> => {
    const request = readRequest(input);
    const to = request.to ?? request.target;
    for (const name of new Set([request.target, to])) await readTarget(name);
    const restore = makeRestoreId(startedAt, execution);
    const plan = await decideOnce(request, execution, to, restore);
    const { backup, dryRun, drill } = plan;
    logger.info('planned', { restore, backup, mode: plan.mode, tables: plan.tables.length, dryRun });
    return { execution, restore, target: request.target, to, backup, dryRun, drill };
  },
);

const EXAMPLE =
  '{ "target": "events" }, or { "target": "events", "backup": "20260402T020000Z-full-k3f9", "tables": ["shop.orders"], "dryRun": true }';

/** It may have been typed into the console by hand, at night: what is wrong is said with what would be right. */
function readRequest(input: unknown): RestoreRequest {
  try {
    return explainIssues(restoreInputSchema, input, 'The input of the execution', ERROR_NAMES.input);
  } catch (error) {
    if (!(error instanceof SafehouseError)) throw error;
    const { failure } = error;
    throw new SafehouseError(error.name, {
      ...failure,
      remedy: `${failure.remedy} For example: ${EXAMPLE}.`,
    });
  }
}

/** A repeat adopts what was decided, also when a newer backup has come meanwhile. */
async function decideOnce(
  request: RestoreRequest,
  execution: string,
  to: string,
  restore: string,
): Promise<RestorePlan> {
  const key = restoreKey(to, restore, 'plan');
  const standing = await getJson(bucket(), key, restorePlanSchema);
  if (standing !== undefined) return standing;
  const plan = await decide(request, execution, restore);
  return (await putOnce(bucket(), key, plan))
    ? plan
    : ((await getJson(bucket(), key, restorePlanSchema)) ?? plan);
}

async function decide(request: RestoreRequest, execution: string, restore: string): Promise<RestorePlan> {
  const { entries } = await readLedger(bucket(), request.target);
  const { id } = chooseBackup(entries, request);
  const evidence = await readAll(request.target, id);
  const { base } = evidence.started;
  const chosen = chooseContent(request, evidence.started);
  const defined = await readDefinitions(bucket(), request.target, { id, base }, chosen.tables);
  return planRestore({
    request,
    execution,
    restore,
    evidence,
    chosen,
    definitions: defined.tables.map((sql) => (sql === undefined ? null : readDefinition(sql))),
    definedDatabases: defined.databases,
    now: Date.now(),
  });
}

async function readAll(target: string, id: string): Promise<RestoreEvidence> {
  const proofs = await readProofs(bucket(), { target, id });
  return {
    started: await requireEvidence(bucket(), target, id, 'started'),
    written: await readEvidence(bucket(), target, id, 'written'),
    verified: await requireEvidence(bucket(), target, id, 'verified'),
    proven: proofs.findLast(({ level }) => level === 'bytes') ?? proofs.at(-1),
  };
}
