/** The bucket that a backup is adopted from: one that the S3 of the installation can copy from. */
import { S3Client } from '@aws-sdk/client-s3';
import type { Source } from '../clients/adoption-source.ts';
import { timeZoneProblems } from '../core/calendar.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Installation } from '../core/installation.ts';
import { BACKUPS } from '../core/keys.ts';
import { AWS, readSourceAddress, type SourceAddress, sourceText } from '../core/source-address.ts';
import { usageError } from './command-line.ts';

/**
 * @param timeZone of the clock of the server that made it
 * @throws {SafehouseError} InvalidInput
 */
export function openSource(installation: Installation, text: string, timeZone: string): Source {
  const address = readSourceAddress(text);
  const [problem] = timeZoneProblems(timeZone);
  if (problem !== undefined) throw usageError([`--time-zone: ${problem}.`], '`SELECT timezone()` shows it.');
  refuseOtherS3(installation, address);
  refuseOwn(installation, address);
  const { region, endpoint } = installation;
  const client = new S3Client({
    region: address.region ?? region,
    maxAttempts: 5,
    // `s3://` does not say where its bucket lies; S3 does.
    followRegionRedirects: true,
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
  });
  return { bucket: { name: address.bucket, client }, address, timeZone };
}

function refuseOtherS3({ endpoint, title }: Installation, address: SourceAddress): void {
  const own = endpoint === undefined ? AWS : new URL(endpoint).origin;
  if (address.endpoint === null || address.endpoint === own) return;
  const named = (s3: string): string => (s3 === AWS ? 'AWS' : s3);
  throw new SafehouseError(ERROR_NAMES.input, {
    what: `The backup lies in the S3 of ${named(address.endpoint)}, and that of ${title} is ${named(own)}: objects are copied inside one S3.`,
    remedy:
      'Copy the folder there first, as it is (`aws s3 sync`, `rclone copy`), into a bucket or a prefix of its own, and adopt that.',
  });
}

function refuseOwn({ bucketName }: Installation, address: SourceAddress): void {
  if (address.bucket !== bucketName || !`${address.prefix}/`.startsWith(BACKUPS)) return;
  throw new SafehouseError(ERROR_NAMES.input, {
    what: `${sourceText(address)} lies among the backups of this very Safehouse.`,
    remedy: '`list --all` shows what the ledger knows of them.',
  });
}
