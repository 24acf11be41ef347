import { DescribeKeyCommand, KMSClient, NotFoundException } from '@aws-sdk/client-kms';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { storageError } from './storage-errors.ts';

/** How a key of KMS stands. */
export interface EncryptionKey {
  /** KMS's words: `Enabled`, `Disabled`, `PendingDeletion`, …; those that do not exist yet as well. */
  readonly state: string;
  /** When KMS destroys it, in milliseconds since 1970; null when nobody has asked for that. */
  readonly deletedAt: number | null;
}

/**
 * @param arn of the key
 * @returns undefined where KMS says that there is none of that name
 * @throws {SafehouseError} Refused, without `kms:DescribeKey` on the key; TemporarilyUnavailable; IncompleteReading, when
 *   KMS answers without a state
 */
export async function readEncryptionKey(arn: string): Promise<EncryptionKey | undefined> {
  const region = arn.split(':')[3];
  const client = new KMSClient({ maxAttempts: 5, ...(region && { region }) });
  try {
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: arn }));
    if (KeyMetadata?.KeyState === undefined)
      throw new SafehouseError(ERROR_NAMES.incomplete, {
        what: `KMS described ${arn} without its state.`,
        remedy: 'Ask again.',
      });
    return { state: KeyMetadata.KeyState, deletedAt: KeyMetadata.DeletionDate?.getTime() ?? null };
  } catch (cause) {
    if (cause instanceof NotFoundException) return undefined;
    throw storageError(cause, `ask KMS how ${arn} stands`);
  } finally {
    client.destroy();
  }
}
