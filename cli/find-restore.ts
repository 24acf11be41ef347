/** Finds the restore that a person means: by its id, or by its execution. */
import type { Bucket } from '../clients/bucket.ts';
import { readEvidence, readLedger } from '../clients/ledger.ts';
import { parseBackupId } from '../core/backup-id.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { quoteString } from '../core/identifiers.ts';
import type { Installation } from '../core/installation.ts';
import type { RestorePlan } from '../core/restore.ts';
import { isRestoreId } from '../core/restore-id.ts';
import { findPlan, readPlan } from './restore-evidence.ts';

/**
 * @param given `20260402T090000Z-restore-4f0c2a`; or the ARN of an execution, on this machine its name
 * @throws {SafehouseError} NotFound; InvalidInput, when a backup is meant
 */
export async function findRestore(
  installation: Installation,
  bucket: Bucket,
  given: string,
): Promise<RestorePlan> {
  for (const to of await installation.targets()) {
    const plan = isRestoreId(given) ? await readPlan(bucket, to, given) : await findPlan(bucket, to, given);
    if (plan !== undefined) return plan;
  }
  const backup = parseBackupId(given)?.id ?? (await backupOf(bucket, given));
  if (backup !== undefined) throw isBackup(backup);
  throw new SafehouseError(ERROR_NAMES.notFound, {
    what: `There is no restore ${JSON.stringify(given)}, by its id or by its execution.`,
    remedy:
      '`restore` has named it when it began; `show BACKUP` lists those that have ended. On AWS, an execution is named by its whole ARN. One that began seconds ago has no plan yet: try again.',
  });
}

/** The unfinished backup of an execution. */
async function backupOf(bucket: Bucket, execution: string): Promise<string | undefined> {
  const { entries } = await readLedger(bucket);
  for (const { target, id, states } of entries) {
    if (states.verified !== undefined || states.failed !== undefined) continue;
    const started = await readEvidence(bucket, target, id, 'started');
    if (started?.by === execution) return id;
  }
  return undefined;
}

const isBackup = (backup: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.input, {
    what: `${backup} is a backup; \`cancel\` ends restores.`,
    remedy: `In clickhouse-client, on the server that is backed up:\nKILL QUERY WHERE query_id = (SELECT query_id FROM system.backups WHERE id = ${quoteString(backup)}) ASYNC\nThe execution sees that, and closes the backup as failed.`,
  });
