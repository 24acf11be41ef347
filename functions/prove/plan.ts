/** Mounts the backup, counts what is in it, and plans who reads which bytes. */
import { getJson, putOnce } from '../../clients/bucket.ts';
import { readLedger, requireEvidence } from '../../clients/ledger.ts';
import type { Prover } from '../../clients/prover.ts';
import type { Target } from '../../core/config.ts';
import { explainIssues } from '../../core/config-problems.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { proofPlanKey } from '../../core/keys.ts';
import { isGood, type LedgerEntry, stateOf } from '../../core/ledger.ts';
import { findAnomalies, type ProofLevel, type ProofPlan, proofPlanSchema } from '../../core/proof.ts';
import { FILES_AN_ITEM, planChecks, planContents } from '../../core/proof-items.ts';
import { type PlannedProof, planProofInputSchema, proofInputSchema } from '../../core/workflow.ts';
import { bucket, target as readTarget, requireEnvironment } from '../environment.ts';
import { logger, step } from '../step.ts';
import { runAssertions } from './assertions.ts';
import { measuresOf } from './findings.ts';
import { withProver } from './open-prover.ts';
import { testProver } from './self-test.ts';
import { type Stocktaking, takeStock } from './stocktaking.ts';

export const handler = step(
  'plan-proof',
  planProofInputSchema,
  async ({ execution, input }, { signal }): Promise<PlannedProof> => {
    const asked = explainIssues(proofInputSchema, input, 'The input of the proof', ERROR_NAMES.input);
    const settings = await readTarget(asked.target);
    const proof = execution.slice(execution.lastIndexOf(':') + 1);
    const same = { target: asked.target, backup: asked.backup, proof };
    const level = asked.level ?? settings.prove.level;
    if (level === 'none') return { outcome: 'not wanted', ...same, items: [] };
    const key = proofPlanKey(asked.target, asked.backup, proof);
    const standing = await getJson(bucket(), key, proofPlanSchema);
    const plan = standing ?? (await keep(key, await makePlan(execution, asked, level, settings), signal));
    const { items, tables, found } = plan;
    logger.info('planned', { ...same, proofLevel: level, items: items.length, tables: tables.length, found });
    return { outcome: 'go', ...same, items: items.map((_, index) => index) };
  },
);

/** The plan that was written first is the one that the items belong to. */
async function keep(key: string, plan: ProofPlan, signal: AbortSignal): Promise<ProofPlan> {
  signal.throwIfAborted();
  if (await putOnce(bucket(), key, plan)) return plan;
  return (await getJson(bucket(), key, proofPlanSchema)) ?? plan;
}

async function makePlan(
  execution: string,
  { target, backup, occasion }: (typeof proofInputSchema)['_output'],
  level: ProofLevel,
  settings: Target,
): Promise<ProofPlan> {
  const began = Date.now();
  const { entries } = await readLedger(bucket(), target);
  requireProvable(
    target,
    backup,
    entries.find(({ id }) => id === backup),
  );
  return withProver(async (engine) => {
    const selfTest = await testProver(engine);
    const stock = await takeStock(engine, target, backup);
    const isNew = occasion === 'new';
    const unaskable = isNew ? unaskableIn(stock, settings) : [];
    const assertions = isNew ? await askAssertions(engine, settings, stock) : [];
    const anomalies = isNew ? await compareWithBefore(target, backup, entries, settings, stock) : [];
    return {
      ...measuresOf(
        { execution, engine, selfTest, began },
        { ...stock, unjudged: [...stock.unjudged, ...unaskable] },
      ),
      level,
      manifestSha256: stock.manifestSha256,
      tables: [...stock.tables],
      items: stock.isMounted ? planItems(stock, level) : [],
      assertions,
      anomalies,
    };
  });
}

function requireProvable(target: string, backup: string, entry: LedgerEntry | undefined): void {
  if (entry === undefined)
    throw new SafehouseError(ERROR_NAMES.notFound, {
      what: `The ledger has no backup ${backup} of ${target}.`,
      remedy: '`safehouse list` shows those that there are.',
    });
  const { states } = entry;
  const isThere = states.removing === undefined && states.removed === undefined;
  if (isThere && states.verified !== undefined) return;
  throw new SafehouseError(ERROR_NAMES.refused, {
    what: `The backup ${backup} of ${target} is ${stateOf(states)}: ${isThere ? 'it was never verified' : 'retention takes it away'}, and there is nothing to prove.`,
    remedy: '`safehouse list` shows those that are verified.',
    error: 'NothingToProve',
  });
}

function planItems({ tables, parts, filesToCompare }: Stocktaking, level: ProofLevel): ProofPlan['items'] {
  const limits = {
    bytesAnItem: Number(requireEnvironment(ENVIRONMENT.bytesAnItem)),
    filesAnItem: FILES_AN_ITEM,
  };
  // Definitions alone are a few.
  if (level === 'counts') return planContents(0, 0, limits);
  const hashed = tables.filter(({ reading }) => reading === 'hashed');
  const bytes = hashed.reduce((sum, table) => sum + table.bytes, 0);
  return [...planChecks(parts, limits), ...planContents(filesToCompare, bytes, limits)];
}

/** The engine does not show the tables of such a backup (ClickHouse#89493). */
const unaskableIn = ({ onCluster }: Stocktaking, { prove }: Target): string[] =>
  onCluster && prove.assertions.length > 0
    ? ['the assertions of the target cannot be asked of a backup that was made ON CLUSTER']
    : [];

/** What could not be mounted cannot be asked either; that much is said already. */
async function askAssertions(
  engine: Prover,
  { prove }: Target,
  { isMounted, onCluster, unjudged, databases }: Stocktaking,
): Promise<ProofPlan['assertions']> {
  if (!isMounted || onCluster || unjudged.length > 0) return [];
  return runAssertions(engine, prove.assertions, databases);
}

async function compareWithBefore(
  target: string,
  backup: string,
  entries: readonly LedgerEntry[],
  { prove }: Target,
  { isMounted, tables }: Stocktaking,
): Promise<string[]> {
  const before = entries.findLast(
    ({ id, states }) => id < backup && isGood(states) && states.proven !== undefined,
  );
  if (before === undefined || !isMounted) return [];
  const proven = await requireEvidence(bucket(), target, before.id, 'proven');
  return findAnomalies(tables, proven.tables, prove.maxDrop);
}
