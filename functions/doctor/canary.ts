/** Lets ClickHouse write a backup of definitions alone into the bucket: the real role does the real thing, in a second. */
import { setTimeout as wait } from 'node:timers/promises';
import { ask, type ClickHouse } from '../../clients/clickhouse.ts';
import { carriesSecrets, s3Locator } from '../../clients/destination.ts';
import { observeBackup } from '../../clients/observation.ts';
import { readScope } from '../../clients/server.ts';
import { classifyClickHouseError, parseClickHouseError } from '../../core/clickhouse-errors.ts';
import type { Target } from '../../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { canaryPrefix } from '../../core/keys.ts';
import { backupElements } from '../../core/scope.ts';
import { type BackupStatement, backupStatement } from '../../core/statements.ts';
import { bucketAddress } from '../environment.ts';

const ENDS_WITHIN_MILLISECONDS = 45_000;
const ASKS_EVERY_MILLISECONDS = 500;

/**
 * Writes a canary and, where incrementals are scheduled, a second one on it: that reads the first.
 *
 * @returns the path of the first
 * @throws {SafehouseError} with what ClickHouse or S3 said against it
 */
export async function writeCanary(
  clickhouse: ClickHouse,
  name: string,
  target: Target,
  canary: string,
): Promise<{ value: string; what: string }> {
  const path = `${canaryPrefix(name)}${canary}`;
  const elements = backupElements(target, await readScope(clickhouse, target));
  const locate = await s3Locator(bucketAddress(), name, target.s3);
  // One element is enough to go the whole way: lock, object, manifest, and the lock's removal.
  const trial = { clickhouse, target, elements: elements.slice(0, 1) };
  await backUp(trial, { id: `doctor-${canary}`, destination: locate(path) });
  const wrote = `ClickHouse wrote ${path} and removed its lock; it expires after a day.`;
  if (target.schedule.incremental === undefined) return { value: path, what: wrote };
  await backUp(trial, {
    id: `doctor-${canary}-incr`,
    destination: locate(`${path}-incr`),
    base: locate(path),
  });
  return { value: path, what: `${wrote} It read it again as the base of another.` };
}

interface Trial {
  readonly clickhouse: ClickHouse;
  readonly target: Target;
  readonly elements: BackupStatement['elements'];
}

async function backUp(
  { clickhouse, target, elements }: Trial,
  { id, destination, base }: Pick<BackupStatement, 'id' | 'destination' | 'base'>,
): Promise<void> {
  const { query, query_params } = backupStatement({
    elements,
    destination,
    ...(base && { base }),
    settings: { ...target.settings, structure_only: 1, backup_restore_s3_retry_attempts: 1 },
    id,
  });
  await ask(clickhouse, {
    query,
    parameters: query_params,
    operation: 'backup',
    secret: carriesSecrets(target.s3),
  });
  const end = Date.now() + ENDS_WITHIN_MILLISECONDS;
  for (;;) {
    const { row } = await observeBackup(clickhouse, target, id);
    if (row?.status === 'BACKUP_CREATED') return;
    if (row?.status === 'BACKUP_FAILED' || row?.status === 'BACKUP_CANCELLED')
      throw refusal(row.error, target.user);
    if (Date.now() > end)
      throw new SafehouseError(ERROR_NAMES.unavailable, {
        what: `ClickHouse has not finished writing a few definitions as ${id} in ${ENDS_WITHIN_MILLISECONDS / 1000} s.`,
        remedy: 'Look whether the server reaches S3: network, endpoint, DNS (docs/networking.md).',
        error: 'CanaryTimedOut',
      });
    await wait(ASKS_EVERY_MILLISECONDS);
  }
}

function refusal(text: string, user: string): SafehouseError {
  const parsed = parseClickHouseError(text);
  if (parsed !== undefined)
    return new SafehouseError(
      ERROR_NAMES.refused,
      classifyClickHouseError(parsed, { operation: 'backup', seenIn: 'system.backups', user }),
    );
  return new SafehouseError(ERROR_NAMES.refused, {
    what: `ClickHouse could not write to the bucket: ${text || 'without a reason'}.`,
    remedy: "Look at the server's log.",
  });
}
