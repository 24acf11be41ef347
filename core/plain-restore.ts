/** The statement that restores a backup without Safehouse: what `show` prints, and what the ledger keeps. */
import type { Target } from './config.ts';
import { backupPrefix } from './keys.ts';
import type { LedgerTable } from './ledger.ts';
import { type BucketAddress, objectUrl } from './location.ts';
import { restoreElements } from './scope.ts';
import { restoreStatement, type S3Location } from './statements.ts';

export interface RestorableBackup {
  readonly id: string;
  readonly base: string | null;
  readonly databases: readonly string[];
  readonly tables: readonly LedgerTable[];
}

/**
 * A base is named although the manifest names it too: a chain taken with a role is not found without it on several releases
 * (ClickHouse#116223). Secrets are not part of it: placeholders stand in their places.
 */
export function plainRestore(
  address: BucketAddress,
  target: string,
  settings: Target,
  backup: RestorableBackup,
): string {
  const at = (id: string): S3Location =>
    plainLocation(settings.s3, address, backupPrefix(target, id).slice(0, -1));
  return restoreStatement({
    elements: restoreElements(settings, backup),
    ...(settings.cluster !== undefined && { cluster: settings.cluster }),
    source: at(backup.id),
    ...(backup.base !== null && { base: at(backup.base) }),
  });
}

/** A location with placeholders in the places of secrets. */
export function plainLocation(access: Target['s3'], address: BucketAddress, path: string): S3Location {
  const url = objectUrl(address, path);
  switch (access.access) {
    case 'server':
      return { access: 'server', url };
    case 'role':
      return {
        access: 'role',
        url,
        roleArn: access.roleArn,
        ...(access.externalId && { externalId: access.externalId }),
      };
    case 'namedCollection':
      return { access: 'namedCollection', name: access.name, path };
    case 'keys':
    case 'sts':
      return { access: 'keys', url, accessKeyId: '<access key id>', secretAccessKey: '<secret access key>' };
  }
}
