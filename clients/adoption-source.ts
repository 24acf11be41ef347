/** Looks at a backup that was made elsewhere, before anything is copied: whether it is one, whole, and what it holds. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { BackupStreams } from '../core/backup-streams.ts';
import { calendarOf } from '../core/calendar.ts';
import { coverageOf } from '../core/coverage.ts';
import { definedEngine } from '../core/defined-engine.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { MANIFEST } from '../core/keys.ts';
import type { LedgerTable } from '../core/ledger.ts';
import { type ReadManifest, readManifest } from '../core/manifest.ts';
import { type DefinedTable, ManifestScope } from '../core/manifest-scope.ts';
import { type SourceAddress, sourceKey, sourceText } from '../core/source-address.ts';
import { type Verification, verifyBackup } from '../core/verification.ts';
import { findingsText } from '../core/verification-findings.ts';
import { backupStreams } from './backup-streams.ts';
import { type Bucket, type BucketObject, getStream, headObject } from './bucket.ts';
import { mapConcurrently } from './concurrently.ts';
import { definitionText } from './definition-text.ts';
import { storageError } from './storage-errors.ts';

export interface Source {
  readonly bucket: Bucket;
  readonly address: SourceAddress;
  /** The zone of the clock of the server that wrote it: its manifest does not name it. */
  readonly timeZone: string;
}

/** A backup that is whole, and a full one. */
export interface ExaminedSource {
  /** When it began, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly manifestSha256: string;
  readonly manifestEtag: string;
  /** The manifest's bytes, from this machine: it is read again while objects are copied, for hours perhaps. */
  readonly manifest: BackupStreams['manifest'];
  readonly databases: readonly string[];
  readonly tables: readonly LedgerTable[];
  /** Databases of ClickHouse itself that are in it: copied, and never restored. */
  readonly systemDatabases: readonly string[];
  /** Databases whose own definition is not in it. */
  readonly undefinedDatabases: readonly string[];
  /** What its manifest stands for, without the manifest. */
  readonly extent: { readonly objects: number; readonly bytes: number };
  /** Objects under its prefix that are none of its own, and stay where they are. */
  readonly strangers: number;
}

/**
 * Examines a backup and hands it to some work, for as long as its manifest lies on this machine.
 *
 * @throws {SafehouseError} NotFound, where there is no backup; Refused, for one that cannot be taken in; VerificationFailed, for one
 *   that is damaged
 */
export async function withExaminedSource<Result>(
  source: Source,
  signal: AbortSignal,
  work: (examined: ExaminedSource) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'safehouse-adopt-'));
  try {
    return await work(await examine(source, join(directory, 'manifest'), signal));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function examine(source: Source, file: string, signal: AbortSignal): Promise<ExaminedSource> {
  const head = await requireManifest(source);
  const manifest = await download(source, file, signal);
  const scope = new ManifestScope();
  const read = await readManifest(manifest(), head.size, (entry) => scope.add(entry));
  refuseIncremental(source, read, scope);
  refuseEmpty(source, scope);
  const tables = await readTables(source, scope.tables);
  const verification = await verify(source, manifest, tables, signal);
  return {
    startedAt: beginningOf(source, read, head),
    manifestSha256: read.sha256,
    manifestEtag: head.etag,
    manifest,
    databases: scope.databases,
    tables,
    systemDatabases: scope.systemDatabases,
    undefinedDatabases: scope.undefinedDatabases,
    extent: scope.extent,
    strangers: verification.counts['unexpected object'] ?? 0,
  };
}

// --- whether there is one ---

async function requireManifest(source: Source): Promise<BucketObject> {
  const head = await headObject(source.bucket, sourceKey(source.address, MANIFEST));
  if (head !== undefined) return head;
  const { hasObjects, folders } = await lookAround(source);
  const backups = await backupsAmong(source, folders);
  const where = sourceText(source.address);
  if (backups.length > 0)
    throw new SafehouseError(ERROR_NAMES.notFound, {
      what: `There is no ${MANIFEST} at ${where}: backups lie beneath it.`,
      remedy: `Adopt them one by one: ${backups.join(', ')}.`,
    });
  throw new SafehouseError(ERROR_NAMES.notFound, {
    what: hasObjects
      ? `${where} has objects, but no ${MANIFEST}, which ClickHouse writes last: it is no native backup, or one that never ended.`
      : `There is nothing at ${where}.`,
    remedy: hasObjects
      ? 'A folder of FREEZE is no native backup either, and cannot be adopted: docs/migration.md says what to do with it.'
      : 'Write the address as the BACKUP statement had it: bucket, prefix, and capital letters.',
  });
}

/** So many folders are looked into, and so many backups named. */
const FOLDERS = 20;

async function lookAround({
  bucket,
  address,
}: Source): Promise<{ hasObjects: boolean; folders: readonly string[] }> {
  const Prefix = address.prefix === '' ? '' : `${address.prefix}/`;
  const page = await bucket.client
    .send(new ListObjectsV2Command({ Bucket: bucket.name, Prefix, Delimiter: '/' }))
    .catch((cause: unknown) => {
      throw storageError(cause, `list ${sourceText(address)}`);
    });
  const folders = (page.CommonPrefixes ?? []).flatMap((folder) => folder.Prefix ?? []);
  return { hasObjects: (page.KeyCount ?? 0) > 0, folders: folders.slice(-FOLDERS) };
}

async function backupsAmong({ bucket }: Source, folders: readonly string[]): Promise<string[]> {
  const heads = await mapConcurrently(folders, FOLDERS, (folder) =>
    headObject(bucket, `${folder}${MANIFEST}`),
  );
  return folders.flatMap((folder, index) =>
    heads[index] === undefined ? [] : [`s3://${bucket.name}/${folder.slice(0, -1)}`],
  );
}

async function download(
  { bucket, address }: Source,
  file: string,
  signal: AbortSignal,
): Promise<BackupStreams['manifest']> {
  const key = sourceKey(address, MANIFEST);
  const found = await getStream(bucket, key);
  if (found === undefined)
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `s3://${bucket.name}/${key} was there a moment ago and is gone.`,
      remedy: 'Somebody removes objects of this backup. Find out who.',
    });
  await pipeline(found.stream, createWriteStream(file), { signal });
  return () => createReadStream(file) as AsyncIterable<Uint8Array>;
}

// --- whether it can be taken in ---

function refuseIncremental({ address }: Source, { header }: ReadManifest, { usesBase }: ManifestScope): void {
  if (!usesBase && header.baseBackup === null && header.baseBackupUuid === null) return;
  throw new SafehouseError(ERROR_NAMES.refused, {
    what: `${sourceText(address)} is an incremental backup: it takes files from ${header.baseBackup ?? 'a base'}, at the address where that lies now.`,
    remedy:
      'Adopt the full backup that it stands on, and let Safehouse make the next incremental: that will stand on the adopted one.',
  });
}

function refuseEmpty({ address }: Source, { databases, systemDatabases }: ManifestScope): void {
  if (databases.length > 0) return;
  throw new SafehouseError(ERROR_NAMES.refused, {
    what: `${sourceText(address)} holds no database but ${systemDatabases.join(', ') || 'none at all'}: there is nothing in it to be restored.`,
    remedy: 'Adopt a backup of your own databases.',
    error: 'NothingInScope',
  });
}

/** A clock may be this far ahead of S3's, in milliseconds. */
const CLOCK_TOLERANCE = 5 * 60_000;

/** The manifest has the clock of the server without its zone; S3 knows for certain when the backup was over. */
function beginningOf(
  { address, timeZone }: Source,
  { header }: ReadManifest,
  { lastModified }: BucketObject,
): number {
  const wallClock = Date.parse(`${header.timestamp.replace(' ', 'T')}Z`);
  const startedAt = calendarOf(timeZone).instantOf(wallClock);
  if (startedAt !== undefined && startedAt <= lastModified + CLOCK_TOLERANCE) return startedAt;
  throw new SafehouseError(ERROR_NAMES.input, {
    what: `${sourceText(address)} began at ${header.timestamp} by the clock of its server. In ${timeZone} that is ${startedAt === undefined ? 'a time that never was' : `after S3 had all of it, at ${new Date(lastModified).toISOString()}`}.`,
    remedy:
      "Name the zone of the server's clock, `SELECT timezone()`, with --time-zone: the id of the backup, and so retention, go by its time.",
  });
}

// --- what is in it, and whether it is whole ---

const DEFINITIONS_AT_ONCE = 32;

const readTables = (source: Source, tables: readonly DefinedTable[]): Promise<LedgerTable[]> =>
  mapConcurrently(tables, DEFINITIONS_AT_ONCE, async ({ database, name, key }) => {
    const engine = definedEngine(await readText(source, key));
    return { database, name, engine, coverage: coverageOf(engine) };
  });

async function readText({ bucket, address }: Source, name: string): Promise<string> {
  const found = await getStream(bucket, sourceKey(address, name));
  if (found === undefined)
    throw new SafehouseError(ERROR_NAMES.verification, {
      what: `${sourceText(address)} is damaged: its manifest names ${name}, which is not there.`,
      remedy: DAMAGED,
    });
  return definitionText(found, name);
}

const DAMAGED =
  'Nothing was copied. Do not count on this backup: adopt another one, or make a new one (`npx safehouse backup`).';
const LOCKED =
  'Nothing was copied. If a BACKUP is writing there, wait for its end (`system.backups`). If none is, ClickHouse was not allowed to delete its lock: delete that one object, and adopt again.';

async function verify(
  { bucket, address }: Source,
  manifest: BackupStreams['manifest'],
  scope: readonly LedgerTable[],
  signal: AbortSignal,
): Promise<Verification> {
  const { listing } = backupStreams(bucket, sourceKey(address, ''), signal);
  const verification = await verifyBackup({ manifest, listing, scope, expectedBase: false });
  // What lies beside the backup's own objects is not copied.
  const { 'unexpected object': _, ...counts } = verification.counts;
  if (Object.keys(counts).length === 0) return verification;
  const findings = verification.findings.filter(({ kind }) => kind !== 'unexpected object');
  throw new SafehouseError(ERROR_NAMES.verification, {
    what: `${sourceText(address)} is not what its manifest says: ${findingsText(findings, counts)}`,
    remedy: counts.locked === undefined ? DAMAGED : LOCKED,
  });
}
