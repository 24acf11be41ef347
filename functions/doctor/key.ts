/** How the key stands with which the bucket is encrypted. */
import { type EncryptionKey, readEncryptionKey } from '../../clients/encryption-key.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { type Found, notChecked } from './findings.ts';

/**
 * @param arn of the key
 * @throws {SafehouseError} when nothing can be written or read with it, or when KMS does not say
 */
export async function examineKey(arn: string): Promise<Found<string>> {
  const key = await readEncryptionKey(arn).catch((error: unknown) => {
    if (!(error instanceof SafehouseError)) throw error;
    const { what, remedy, error: name } = error.failure;
    throw notChecked(
      what,
      name === 'AccessDenied'
        ? "The stack allows kms:DescribeKey on this key to the role of doctor/conclude: the key's own policy has to let IAM of this account decide."
        : remedy,
    );
  });
  if (key === undefined)
    throw new SafehouseError(ERROR_NAMES.refused, {
      what: `KMS knows no key ${arn}. If it was deleted, no backup that is encrypted with it can be read any more.`,
      remedy:
        'Correct bucket.kmsKeyArn if the bucket has another key. A key that is deleted does not come back: give the bucket another one, and make full backups at once.',
      error: 'KeyNotFound',
    });
  return judge(arn, key);
}

function judge(arn: string, { state, deletedAt }: EncryptionKey): Found<string> {
  const command = (verb: string): string =>
    `\`aws kms ${verb} --key-id ${arn} --region ${arn.split(':')[3]}\``;
  switch (state) {
    case 'Enabled':
      return { value: arn, what: `The key ${arn} is enabled.` };
    case 'Disabled':
      throw new SafehouseError(ERROR_NAMES.refused, {
        what: `The key ${arn} is disabled: no backup can be written or read until it is enabled again.`,
        remedy: command('enable-key'),
        error: 'KeyDisabled',
      });
    case 'PendingDeletion':
    case 'PendingReplicaDeletion':
      throw new SafehouseError(ERROR_NAMES.refused, {
        what: `KMS will delete the key ${arn} ${deletionText(deletedAt)}: from then on every backup that is encrypted with it is unreadable, for ever.`,
        remedy: `Before that: ${command('cancel-key-deletion')}, and then ${command('enable-key')}, for it stays disabled.`,
        error: 'KeyToBeDeleted',
      });
    case 'PendingImport':
    case 'Unavailable':
      throw new SafehouseError(ERROR_NAMES.refused, {
        what: `The key ${arn} cannot be used: KMS calls it ${state}.`,
        remedy:
          state === 'PendingImport'
            ? 'Import its key material again: it has expired, was deleted, or never came.'
            : 'Connect its key store again: KMS does not reach the one that holds it.',
        error: 'KeyNotUsable',
      });
    default:
      throw notChecked(`KMS says of the key ${arn} that it is ${state}.`, 'Ask again in a few minutes.');
  }
}

const deletionText = (deletedAt: number | null): string =>
  deletedAt === null ? 'when its last replica is gone' : `on ${new Date(deletedAt).toISOString()}`;
