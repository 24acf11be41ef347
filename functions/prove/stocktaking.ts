/** What a backup holds, by its manifest and by the engine that mounts it. */
import { readEvidence, requireEvidence } from '../../clients/ledger.ts';
import type { Prover } from '../../clients/prover.ts';
import type { ManifestHeader } from '../../core/manifest.ts';
import type { ProofFinding, ProvenTable } from '../../core/proof.ts';
import type { MountedPart } from '../../core/proof-items.ts';
import { Survey } from '../../core/proof-survey.ts';
import { bucket, bucketAddress } from '../environment.ts';
import { countRows } from './count-rows.ts';
import type { Found } from './findings.ts';
import { mountBackup } from './mount.ts';
import { bucketSource, type ProofSource } from './source.ts';
import { readTrusted } from './trusted-manifest.ts';

export interface Stocktaking extends Found {
  /** False when a manifest is not to be trusted: nothing was given to the engine, and there is nothing to be read. */
  readonly isMounted: boolean;
  /** Made `ON CLUSTER`: everything is compared, and nothing is mounted. */
  readonly onCluster: boolean;
  readonly manifestSha256: string;
  readonly databases: readonly string[];
  readonly tables: readonly ProvenTable[];
  readonly parts: readonly MountedPart[];
  /** How many files the engine does not compare with anything that the manifest vouches for. */
  readonly filesToCompare: number;
}

/** @throws {SafehouseError} TemporarilyUnavailable, when the engine could not read */
export async function takeStock(engine: Prover, target: string, backup: string): Promise<Stocktaking> {
  const verified = await requireEvidence(bucket(), target, backup, 'verified');
  const started = await requireEvidence(bucket(), target, backup, 'started');
  const sourceOf = (id: string) => bucketSource(bucket(), bucketAddress(), target, id);
  const source = sourceOf(backup);
  const base = started.base === null ? undefined : sourceOf(started.base);
  const survey = new Survey();
  const { header, sha256, ...found } = await readTrusted(source, verified.manifest.sha256, base, (file) =>
    survey.add(file),
  );
  const { databases } = started;
  const nothing = { isMounted: false, onCluster: false, databases, tables: [], parts: [], filesToCompare: 0 };
  if (header === null) return { ...nothing, manifestSha256: sha256, ...found };
  const doubt = await doubtBase(target, started.base, base, header, survey);
  if (doubt !== undefined) return { ...nothing, manifestSha256: sha256, ...doubt };
  const mounted = await mountBackup(engine, { source, base, header, databases }, verified.tables, survey);
  const tables = await countRows(source, base, mounted.tables, survey);
  return {
    ...mounted,
    isMounted: true,
    onCluster: survey.onCluster,
    manifestSha256: sha256,
    databases,
    tables,
    filesToCompare: countToCompare(survey, tables),
  };
}

/** Reads the base's manifest, when the backup takes anything from it; what is wrong with it, or undefined. */
async function doubtBase(
  target: string,
  id: string | null,
  base: ProofSource | undefined,
  { baseBackup }: ManifestHeader,
  survey: Survey,
): Promise<Found | undefined> {
  if (id === null || base === undefined || baseBackup === null) return undefined;
  const verified = await readEvidence(bucket(), target, id, 'verified');
  if (verified === undefined)
    return { findings: [], unjudged: [`the ledger does not say that its base ${id} was verified`] };
  const { header, findings, unjudged } = await readTrusted(
    base,
    verified.manifest.sha256,
    undefined,
    (file) => survey.addBase(file),
  );
  return header === null ? { findings: findings.map(ofBase), unjudged } : undefined;
}

const ofBase = (finding: ProofFinding): ProofFinding => ({
  ...finding,
  inBase: true,
  what: `In the base backup: ${finding.what}`,
});

function countToCompare(survey: Survey, tables: readonly ProvenTable[]): number {
  const checked = new Set(
    tables
      .filter(({ reading }) => reading === 'checked')
      .map(({ database, name }) => survey.table(database, name)),
  );
  let files = survey.others;
  for (const table of survey.tables.values()) files += checked.has(table) ? table.uncovered : table.files;
  return files;
}
