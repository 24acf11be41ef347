/**
 * Takes a backup that was made elsewhere into the ledger: examined where it lies, copied inside S3, verified, and from then on
 * one like any other.
 */
import { compactTime } from '../core/backup-id.ts';
import { forEachChosen } from '../core/chosen-files.ts';
import type { Target } from '../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { backupPrefix, MANIFEST, pinKey } from '../core/keys.ts';
import type { BucketAddress } from '../core/location.ts';
import { ObjectComparison } from '../core/object-comparison.ts';
import { sourceKey, sourceText } from '../core/source-address.ts';
import { verifyBackup } from '../core/verification.ts';
import { type ClaimedAdoption, claimAdoption } from './adoption-claim.ts';
import { type ExaminedSource, type Source, withExaminedSource } from './adoption-source.ts';
import { backupStreams } from './backup-streams.ts';
import { type Bucket, putOnce } from './bucket.ts';
import { copyObject } from './copy-object.ts';
import { type Evidence, record, requireEvidence } from './ledger.ts';
import { recordVerified } from './verified.ts';

export interface Adoption {
  readonly source: Source;
  readonly bucket: Bucket;
  /** The same bucket, as ClickHouse reaches it. */
  readonly address: BucketAddress;
  readonly target: string;
  readonly settings: Target;
  /** Who does it, for the ledger. */
  readonly by: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: AdoptionProgress) => void;
}

export interface AdoptionProgress {
  readonly doing: 'examining' | 'copying' | 'verifying';
  /** Copied so far, and of how much; what an earlier try has copied is counted. */
  readonly objects: number;
  readonly bytes: number;
  readonly ofObjects: number;
  readonly ofBytes: number;
}

export interface AdoptedBackup {
  readonly id: string;
  /** True when it was in the ledger already: nothing was done. */
  readonly standing: boolean;
  readonly examined: ExaminedSource;
  readonly verified: Evidence<'verified'>;
  /** Objects and bytes that this call has copied. */
  readonly copied: Extent;
}

export interface Extent {
  readonly objects: number;
  readonly bytes: number;
}

/** Looks at the backup and does nothing. @throws {SafehouseError} as `adopt` does */
export const examineOnly = ({
  source,
  signal,
}: Pick<Adoption, 'source' | 'signal'>): Promise<ExaminedSource> =>
  withExaminedSource(source, signal, async (examined) => examined);

/**
 * Repeated, it goes on where it was; and where it had come to its end, it does nothing.
 *
 * @throws {SafehouseError} NotFound, where there is no backup; Refused, for one that cannot be taken in; VerificationFailed, when
 *   it is damaged, or its copy is; and whatever aborting the signal leads to
 */
export function adopt(adoption: Adoption): Promise<AdoptedBackup> {
  adoption.onProgress({ doing: 'examining', objects: 0, bytes: 0, ofObjects: 0, ofBytes: 0 });
  return withExaminedSource(adoption.source, adoption.signal, async (examined) => {
    const { bucket, target, by, source } = adoption;
    const { manifestSha256, startedAt } = examined;
    const claimed = await claimAdoption(
      bucket,
      target,
      { source: sourceText(source.address), manifestSha256, startedAt },
      by,
    );
    if (claimed.states.verified !== undefined) return standing(adoption, claimed, examined);
    await openPage(adoption, claimed.id, examined);
    const copied = await copyBackup(adoption, claimed.id, examined);
    const verified = await verifyCopy(adoption, claimed.id, examined);
    return { id: claimed.id, standing: false, examined, verified, copied };
  });
}

async function standing(
  { bucket, target }: Adoption,
  { id }: ClaimedAdoption,
  examined: ExaminedSource,
): Promise<AdoptedBackup> {
  const verified = await requireEvidence(bucket, target, id, 'verified');
  return { id, standing: true, examined, verified, copied: { objects: 0, bytes: 0 } };
}

/** How long retention lets an adopted backup be, in milliseconds: time to copy it, to prove it, and to keep it. */
export const PINNED_FOR = 7 * 86_400_000;

/**
 * Before the first object, so that the copies of an adoption that nobody ends are swept away like any other leftovers. By its own
 * time a backup of last spring would be abandoned at once: the pin says that it is not.
 */
async function openPage(
  { bucket, target, by, source }: Adoption,
  id: string,
  { databases, tables }: ExaminedSource,
): Promise<void> {
  const now = Date.now();
  const holder = `adopt-${compactTime(now)}`;
  await putOnce(bucket, pinKey(target, id, holder), {
    version: 1,
    holder,
    reason: 'being adopted',
    lapsesAt: new Date(now + PINNED_FOR).toISOString(),
  });
  await record(bucket, target, id, 'started', {
    by,
    kind: 'full',
    base: null,
    reason: `adopted from ${sourceText(source.address)}`,
    scheduledTime: null,
    attempt: 1,
    // The manifest names neither.
    clickhouse: { version: 'unknown', server: 'unknown', host: 'unknown' },
    databases: [...databases],
    tables: [...tables],
  });
}

/** S3 copies small objects in some 50 ms; this makes about a thousand a second, a third of what one prefix takes. */
const COPIES_AT_ONCE = 48;

/** The manifest comes last: until then nobody takes the copy for a backup. */
async function copyBackup(adoption: Adoption, id: string, examined: ExaminedSource): Promise<Extent> {
  const { source, bucket, target, settings, signal, onProgress } = adoption;
  const prefix = backupPrefix(target, id);
  const there = new ObjectComparison();
  const before = await there.list(backupStreams(bucket, prefix, signal).listing());
  const storageClass = storageClassOf(settings);
  let [objects, bytes] = [0, 0];
  const tell = (): void =>
    onProgress({
      doing: 'copying',
      objects: before.objects + objects,
      bytes: before.bytes + bytes,
      ofObjects: examined.extent.objects,
      ofBytes: examined.extent.bytes,
    });
  const copy = (name: string, size: number, etag?: string): Promise<void> =>
    copyObject({
      from: source.bucket,
      fromKey: sourceKey(source.address, name),
      to: bucket,
      toKey: `${prefix}${name}`,
      size,
      storageClass,
      signal,
      ...(etag !== undefined && { etag }),
    });
  tell();
  await forEachChosen(
    examined.manifest(),
    ({ dataFile, size, baseSize }) =>
      dataFile !== null && there.expect(dataFile, size - baseSize).is !== 'there',
    COPIES_AT_ONCE,
    async ({ dataFile, size, baseSize }) => {
      signal.throwIfAborted();
      await copy(dataFile ?? '', size - baseSize);
      objects += 1;
      bytes += size - baseSize;
      tell();
    },
  );
  await copy(MANIFEST, 0, examined.manifestEtag);
  return { objects, bytes };
}

/** As the target's own backups are stored. */
function storageClassOf({ settings }: Target): string | undefined {
  const storageClass = settings['s3_storage_class'] ?? settings['s3_storage_class_name'];
  return storageClass === undefined || storageClass === '' ? undefined : String(storageClass);
}

async function verifyCopy(
  { bucket, address, target, settings, by, signal, onProgress }: Adoption,
  id: string,
  { databases, tables, manifestSha256, extent }: ExaminedSource,
): Promise<Evidence<'verified'>> {
  const { objects, bytes } = extent;
  onProgress({ doing: 'verifying', objects, bytes, ofObjects: objects, ofBytes: bytes });
  const began = Date.now();
  const verification = await verifyBackup({
    ...backupStreams(bucket, backupPrefix(target, id), signal),
    scope: tables,
    expectedBase: false,
  });
  if (verification.manifest !== null && verification.manifest.sha256 !== manifestSha256)
    throw new SafehouseError(ERROR_NAMES.verification, {
      what: `The manifest of the copy ${id} is another one than that of its source.`,
      remedy: 'Somebody writes to one of the two. Stop that, and adopt again.',
    });
  return recordVerified(
    bucket,
    { by, address, target, settings, backup: { id, base: null, databases, tables }, verification, began },
    'The source was whole a moment ago, so somebody writes or removes here or there. Adopt again: what is missing is copied once more.',
  );
}
