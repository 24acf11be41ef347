/** The page of the ledger that makes a backup count: by whomever it was written, it says the same. */
import type { Target } from '../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { backupPrefix } from '../core/keys.ts';
import type { BucketAddress } from '../core/location.ts';
import { plainRestore, type RestorableBackup } from '../core/plain-restore.ts';
import type { Verification } from '../core/verification.ts';
import { findingsText } from '../core/verification-findings.ts';
import { manifestTag } from './backup-streams.ts';
import type { Bucket } from './bucket.ts';
import { type Evidence, record } from './ledger.ts';

export interface VerifiedBackupPage {
  readonly by: string;
  /** The bucket as ClickHouse reaches it. */
  readonly address: BucketAddress;
  readonly target: string;
  readonly settings: Target;
  readonly backup: RestorableBackup;
  readonly verification: Verification;
  /** When the verification began, in milliseconds since 1970. */
  readonly began: number;
}

/**
 * Writes that a backup was verified, if it was.
 *
 * @param remedy what to do when it is not what its manifest says
 * @throws {SafehouseError} VerificationFailed, with the first findings; IncompleteReading, when the manifest has changed since
 */
export async function recordVerified(
  bucket: Bucket,
  { by, address, target, settings, backup, verification, began }: VerifiedBackupPage,
  remedy: string,
): Promise<Evidence<'verified'>> {
  const { id, base } = backup;
  const { manifest } = verification;
  if (verification.verdict === 'incomplete' || manifest === null)
    throw new SafehouseError(ERROR_NAMES.verification, {
      what: `The backup ${id} is not what its manifest says: ${findingsText(verification.findings, verification.counts)}`,
      remedy,
    });
  const etag = await manifestTag(bucket, backupPrefix(target, id), manifest.bytes);
  const { evidence } = await record(bucket, target, id, 'verified', {
    by,
    files: verification.files,
    objects: verification.objects,
    bytes: verification.bytes,
    logicalBytes: verification.logicalBytes,
    manifest: { ...manifest, etag },
    tables: [...verification.tables],
    restore: plainRestore(address, target, settings, {
      ...backup,
      base: verification.usesBase ? base : null,
    }),
    seconds: (Date.now() - began) / 1000,
  });
  return evidence;
}
