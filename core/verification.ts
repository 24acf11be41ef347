/**
 * Verification: the manifest against the objects that exist. Nothing here reads a byte of the data; that is what proving
 * does.
 */
import type { BackupStreams } from './backup-streams.ts';
import { LOCK, MANIFEST } from './keys.ts';
import type { LedgerTable } from './ledger.ts';
import { type ManifestHeader, type ReadManifest, readManifest } from './manifest.ts';
import { type ListedBackup, ObjectComparison } from './object-comparison.ts';
import { BaseNeeds, checkBase, nameMissingInBase } from './verification-base.ts';
import { type Finding, type FindingKind, Findings } from './verification-findings.ts';
import { compareFile, nameUnexpected } from './verification-objects.ts';
import { ShardContents } from './verification-shards.ts';
import { type OtherTable, type TableContent, TableContents } from './verification-tables.ts';

export type { BackupStreams, ListedObject } from './backup-streams.ts';
export type { Finding, FindingKind } from './verification-findings.ts';

export interface VerificationRequest extends BackupStreams {
  /** The id that the `BACKUP` statement was given, compared with the manifest where the manifest has it (26.7). */
  readonly id?: string;
  /** What was in scope when the backup began. */
  readonly scope: readonly LedgerTable[];
  /** The shards that have files of their own, for a backup that was made ON CLUSTER; left out where nobody knows. */
  readonly shards?: readonly number[] | undefined;
  /** True for an incremental. One that happens to take nothing from its base is as good as a full. */
  readonly expectedBase: boolean;
  /** The base, when there is one, and its uuid where it is known from elsewhere than from the manifest. */
  readonly base?: BackupStreams & { readonly uuid?: string };
}

export interface Verification {
  /** `complete` when there is no finding at all. */
  readonly verdict: 'complete' | 'incomplete';
  /** The first of every kind. */
  readonly findings: readonly Finding[];
  /** How many of each kind, named above or not. */
  readonly counts: Readonly<Partial<Record<FindingKind, number>>>;
  /** Files that the manifest lists, whether stored here, in the base, or deduplicated. */
  readonly files: number;
  /** Objects under the prefix, the manifest included, and their bytes. */
  readonly objects: number;
  readonly bytes: number;
  /** Bytes of all files of the backup, those in the base included. */
  readonly logicalBytes: number;
  readonly tables: readonly TableContent[];
  /** Tables of the manifest that were not in scope: nothing wrong, they came later. */
  readonly otherTables: { readonly count: number; readonly named: readonly OtherTable[] };
  /** True when the backup cannot be restored without its base. */
  readonly usesBase: boolean;
  /** Null when there is no manifest. */
  readonly header: ManifestHeader | null;
  readonly manifest: { readonly bytes: number; readonly sha256: string } | null;
}

/**
 * Compares a backup with its manifest, and what it takes from its base with the base. Memory: about 130 bytes for each
 * file and each object, whatever their names.
 *
 * @throws SafehouseError `VerificationFailed` when a manifest cannot be read, `IncompleteReading` when a stream broke
 *   off or contradicts itself; and whatever the streams throw
 */
export async function verifyBackup(request: VerificationRequest): Promise<Verification> {
  const findings = new Findings();
  const own = await readOwn(request, findings);
  if (own.manifest !== null) {
    checkId(request.id, own.manifest.header, findings);
    own.shards.findMissing(request.shards, findings);
    own.tables.findMissing(findings);
    await checkChain(request, own.manifest.header, own.needs, findings);
  }
  return verification(findings, own);
}

/** What is known of a backup once its own prefix was read. */
interface Own {
  readonly listed: ListedBackup;
  readonly tables: TableContents;
  readonly shards: ShardContents;
  readonly needs: BaseNeeds;
  readonly logicalBytes: number;
  /** Null when there is none. */
  readonly manifest: ReadManifest | null;
}

/** Lists first and reads the manifest then. The table of objects ends here: the base's will need as much memory. */
async function readOwn(request: VerificationRequest, findings: Findings): Promise<Own> {
  const objects = new ObjectComparison();
  const tables = new TableContents(request.scope);
  const shards = new ShardContents();
  const needs = new BaseNeeds();
  let logicalBytes = 0;
  const listed = await objects.list(request.listing());
  checkListed(listed, findings);
  if (listed.manifestBytes === null) return { listed, tables, shards, needs, logicalBytes, manifest: null };

  const manifest = await readManifest(request.manifest(), listed.manifestBytes, (file) => {
    logicalBytes += file.size;
    tables.add(file);
    shards.add(file);
    needs.add(file);
    compareFile(file, objects, findings);
  });
  await nameUnexpected(request.listing, objects, findings);
  return { listed, tables, shards, needs, logicalBytes, manifest };
}

function checkListed({ locked, manifestBytes, objects }: ListedBackup, findings: Findings): void {
  if (locked)
    findings.add(
      'locked',
      LOCK,
      () =>
        `${LOCK} is expected to be gone, and is there: ClickHouse is still writing, or may not delete it.`,
    );
  if (manifestBytes === null)
    findings.add(
      'no manifest',
      MANIFEST,
      () => `${MANIFEST} is expected, and is not among the ${objects} objects: this is not a backup.`,
    );
}

function checkId(id: string | undefined, { backupId }: ManifestHeader, findings: Findings): void {
  if (id === undefined || backupId === null || backupId === id) return;
  findings.add(
    'other backup',
    MANIFEST,
    () => `${MANIFEST} is expected to be of ${id}, and is of ${backupId}: two backups wrote here.`,
  );
}

async function checkChain(
  request: VerificationRequest,
  header: ManifestHeader,
  needs: BaseNeeds,
  findings: Findings,
): Promise<void> {
  if (!usesBase(header, needs)) return;
  const { base } = request;
  const uuid = header.baseBackupUuid;
  if (!request.expectedBase)
    findings.add(
      'unexpected base',
      null,
      () => `The backup is expected to stand on its own; it takes files from the base ${uuid}.`,
    );
  if (uuid === null || base === undefined)
    findings.add(
      'unknown base',
      null,
      () =>
        `The backup takes files from the base ${uuid ?? 'that its manifest does not name'}, and it is not known ${uuid === null ? 'which' : 'where'} that is.`,
    );
  else {
    const isRead = await checkBase(base, uuid, needs, findings);
    if (isRead && needs.missing > 0) await nameMissingInBase(request.manifest(), needs, findings);
  }
}

const usesBase = (header: ManifestHeader, needs: BaseNeeds): boolean =>
  !needs.none || header.baseBackup !== null || header.baseBackupUuid !== null;

function verification(
  findings: Findings,
  { listed, manifest, tables, needs, logicalBytes }: Own,
): Verification {
  return {
    verdict: findings.none ? 'complete' : 'incomplete',
    findings: findings.named(),
    counts: findings.counts(),
    files: manifest?.files ?? 0,
    objects: listed.objects,
    bytes: listed.bytes,
    logicalBytes,
    tables: tables.tables(),
    otherTables: tables.others(),
    usesBase: manifest !== null && usesBase(manifest.header, needs),
    header: manifest?.header ?? null,
    manifest: manifest && { bytes: manifest.bytes, sha256: manifest.sha256 },
  };
}
