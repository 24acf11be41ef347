/** Looks at everything that could stop or spoil the restore, and says all of it at once, before anything is touched. */
import { getJson, headObject, putOnce } from '../../clients/bucket.ts';
import { openClickHouse } from '../../clients/clickhouse.ts';
import { readEvidence } from '../../clients/ledger.ts';
import { readDestination, readLiveTables } from '../../clients/restore-destination.ts';
import { backupPrefix, MANIFEST, restoreKey } from '../../core/keys.ts';
import { plainLocation } from '../../core/plain-restore.ts';
import { judgePreflight, type PreflightFacts, requireNoBlock, type Source } from '../../core/preflight.ts';
import { type Before, beforeSchema, type RestorePlan } from '../../core/restore.ts';
import { restoreStatementOf } from '../../core/restore-statement.ts';
import { type Preflight, restoreRunSchema } from '../../core/restore-workflow.ts';
import { restoreStatement } from '../../core/statements.ts';
import { bucket, bucketAddress, target as readTarget } from '../environment.ts';
import { logger, step } from '../step.ts';
import { requireOpen, requirePlan, restorer } from './pages.ts';

export const handler = step('preflight', restoreRunSchema, async (run): Promise<Preflight> => {
  const plan = await requirePlan(run);
  await requireOpen(run);
  const key = restoreKey(run.to, run.restore, 'before');
  const before = (await getJson(bucket(), key, beforeSchema)) ?? (await examine(plan));
  await putOnce(bucket(), key, before);
  for (const finding of before.findings) logger.info('found', { ...finding });
  requireNoBlock(before.findings);
  return {
    outcome: plan.dryRun ? 'dry run' : 'go',
    notices: before.findings.length,
  };
});

async function examine(plan: RestorePlan): Promise<Before> {
  const settings = restorer(await readTarget(plan.to));
  const clickhouse = await openClickHouse(settings);
  try {
    const facts: PreflightFacts = {
      source: await readSource(plan),
      destination: await readDestination(clickhouse, settings, plan),
      keepFree: settings.restore.keepFree,
    };
    const { server, databases, tables } = facts.destination;
    const locate = (id: string) =>
      plainLocation(settings.s3, bucketAddress(), backupPrefix(plan.target, id).slice(0, -1));
    return {
      version: 1,
      at: new Date().toISOString(),
      server,
      databases: [...databases],
      tables: [...tables],
      live: await readLiveTables(clickhouse, plan),
      findings: judgePreflight(plan, facts),
      statement: restoreStatement(restoreStatementOf(plan, settings, server.version, locate)),
      bytes: plan.structureOnly ? 0 : plan.tables.reduce((sum, { bytes }) => sum + bytes, 0),
      estimatedSeconds: await estimate(plan),
    };
  } finally {
    await clickhouse.client.close();
  }
}

async function readSource({ target, backup, base, manifestEtag }: RestorePlan): Promise<Source> {
  const manifestOf = (id: string) => headObject(bucket(), `${backupPrefix(target, id)}${MANIFEST}`);
  const head = await manifestOf(backup);
  const failures: string[] = [];
  for (const id of base === null ? [backup] : [backup, base]) {
    const failed = await readEvidence(bucket(), target, id, 'failed');
    if (failed !== undefined) failures.push(`The backup ${id} does not count as good: ${failed.what}`);
  }
  return {
    manifest: head === undefined ? 'missing' : head.etag === manifestEtag ? 'as verified' : 'another',
    baseManifest: base === null ? null : (await manifestOf(base)) === undefined ? 'missing' : 'there',
    failures,
  };
}

/** A restore takes about as long as the backup took to write; of a part of it, that part. Null where that is not known. */
async function estimate({
  target,
  backup,
  base,
  tables,
  structureOnly,
}: RestorePlan): Promise<number | null> {
  if (structureOnly) return null;
  const fullBackup = base ?? backup;
  const written = await readEvidence(bucket(), target, fullBackup, 'written');
  const verified = await readEvidence(bucket(), target, fullBackup, 'verified');
  if (written === undefined || verified === undefined || verified.bytes === 0) return null;
  const seconds = secondsBetween(written.startTime, written.endTime);
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0);
  return seconds === null ? null : Math.ceil((seconds * bytes) / verified.bytes);
}

function secondsBetween(from: string | null, to: string | null): number | null {
  if (from === null || to === null) return null;
  const seconds = (Date.parse(`${to}Z`) - Date.parse(`${from}Z`)) / 1000;
  return Number.isFinite(seconds) && seconds >= 0 ? Math.max(1, seconds) : null;
}
