/** Mounts the backup, counts what is in it, and plans who reads which bytes. */
import { getJson, putOnce } from '../../clients/bucket.ts';
import { type Evidence, readLedger, requireEvidence } from '../../clients/ledger.ts';
import { type Prover, ProverRefusal } from '../../clients/prover.ts';
import type { Target } from '../../core/config.ts';
import { explainIssues } from '../../core/config-problems.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { ERROR_NAMES } from '../../core/errors.ts';
import { proofPlanKey } from '../../core/keys.ts';
import { isGood } from '../../core/ledger.ts';
import { readManifest } from '../../core/manifest.ts';
import { type AssertionResult, findAnomalies, type ProofPlan, proofPlanSchema } from '../../core/proof.ts';
import { planChecks, planContents } from '../../core/proof-items.ts';
import { Survey } from '../../core/proof-survey.ts';
import { type PlannedProof, planProofInputSchema, proofInputSchema } from '../../core/workflow.ts';
import { bucket, bucketAddress, target as readTarget, requireEnvironment } from '../environment.ts';
import { logger, step } from '../step.ts';
import { countRows } from './count-rows.ts';
import { boundFindings } from './findings.ts';
import { mountBackup } from './mount.ts';
import { prover } from './open-prover.ts';
import { testProver } from './self-test.ts';
import { bucketSource } from './source.ts';

type Asked = (typeof proofInputSchema)['_output'];

export const handler = step(
  'plan-proof',
  planProofInputSchema,
  async ({ execution, input }): Promise<PlannedProof> => {
    const asked = explainIssues(proofInputSchema, input, 'The input of the proof', ERROR_NAMES.input);
    const settings = await readTarget(asked.target);
    const proof = execution.slice(execution.lastIndexOf(':') + 1);
    const same = { target: asked.target, backup: asked.backup, proof };
    const level = asked.level ?? settings.prove.level;
    if (level === 'none') return { outcome: 'not wanted', ...same, items: [] };
    const key = proofPlanKey(asked.target, asked.backup, proof);
    const standing = await getJson(bucket(), key, proofPlanSchema);
    const plan = standing ?? (await makePlan(execution, asked, level, settings));
    if (standing === undefined) await putOnce(bucket(), key, plan);
    logger.info('planned', {
      ...same,
      level,
      items: plan.items.length,
      tables: plan.tables.length,
      found: plan.found,
    });
    return { outcome: 'go', ...same, items: plan.items.map((_, index) => index) };
  },
);

async function makePlan(
  execution: string,
  { target, backup, occasion }: Asked,
  level: 'counts' | 'bytes',
  settings: Target,
): Promise<ProofPlan> {
  const began = Date.now();
  const engine = await prover();
  const selfTest = await testProver(engine);
  const verified = await requireEvidence(bucket(), target, backup, 'verified');
  const started = await requireEvidence(bucket(), target, backup, 'started');
  const source = bucketSource(bucket(), bucketAddress(), target, backup);
  const survey = new Survey();
  const manifest = await readManifest(source.manifest(), await source.manifestBytes(), (file) =>
    survey.add(file),
  );
  const mounted = await mountBackup(engine, source, started.databases, verified.tables, survey);
  const tables = await countRows(source, mounted.tables, survey);
  const limits = {
    bytesAnItem: Number(requireEnvironment(ENVIRONMENT.bytesAnItem)),
    filesAnItem: FILES_AN_ITEM,
  };
  const hashed = tables.filter(({ reading }) => reading === 'hashed');
  const contents = planContents(
    survey.files,
    hashed.reduce((sum, { bytes }) => sum + bytes, 0),
    level === 'bytes' ? limits : { ...limits, filesAnItem: Number.POSITIVE_INFINITY },
  );
  const findings = [...mounted.findings, ...alteredManifest(manifest.sha256, verified)];
  return {
    version: 1,
    at: new Date().toISOString(),
    by: execution,
    engine: engine.version,
    selfTest,
    ...boundFindings(findings),
    level,
    manifestSha256: manifest.sha256,
    tables,
    items: level === 'bytes' ? [...planChecks(mounted.parts, limits), ...contents] : contents,
    assertions: occasion === 'new' ? await runAssertions(engine, settings, started.databases) : [],
    anomalies: occasion === 'new' ? await compareWithBefore(target, backup, settings, tables) : [],
    seconds: (Date.now() - began) / 1000,
  };
}

/** A few requests in a thousandth of a second each: this many take a few minutes. */
const FILES_AN_ITEM = 1_000_000;

/** The manifest is what all else is held against: it has to be the one that was verified. */
const alteredManifest = (sha256: string, verified: Evidence<'verified'>): ProofPlan['findings'] =>
  sha256 === verified.manifest.sha256
    ? []
    : [
        {
          table: null,
          part: null,
          file: '.backup',
          what: `The manifest is not the one that was verified: its SHA-256 is ${sha256}, and was ${verified.manifest.sha256}.`,
        },
      ];

async function runAssertions(
  engine: Prover,
  settings: Target,
  databases: readonly string[],
): Promise<AssertionResult[]> {
  const results: AssertionResult[] = [];
  for (const { query, database = databases[0] ?? 'default' } of settings.prove.assertions)
    results.push({ query, database, ...(await ask(engine, query, database)) });
  return results;
}

async function ask(
  engine: Prover,
  query: string,
  database: string,
): Promise<{ passed: boolean; answer: string }> {
  try {
    const rows = await engine.askIn<Record<string, unknown>>(database, query);
    const values = Object.values(rows[0] ?? {});
    const [value] = values;
    const isOne = rows.length === 1 && values.length === 1;
    return {
      passed: isOne && !(value === null || value === false || value === '' || Number(value) === 0),
      answer: isOne ? JSON.stringify(value) : `${rows.length} rows of ${values.length} columns`,
    };
  } catch (error) {
    if (!(error instanceof ProverRefusal)) throw error;
    return { passed: false, answer: `an error: ${error.message.slice(0, 300)} (${error.error})` };
  }
}

async function compareWithBefore(
  target: string,
  backup: string,
  settings: Target,
  tables: ProofPlan['tables'],
): Promise<string[]> {
  const { entries } = await readLedger(bucket(), target);
  const before = entries.findLast(
    ({ id, states }) => id < backup && isGood(states) && states.proven !== undefined,
  );
  if (before === undefined) return [];
  const proven = await requireEvidence(bucket(), target, before.id, 'proven');
  return findAnomalies(tables, proven.tables, settings.prove.maxDrop);
}
