import { DescribeKeyCommand, KeyState, NotFoundException } from '@aws-sdk/client-kms';
import { describe, expect, it } from 'vitest';
import { readEncryptionKey } from '../../clients/encryption-key.ts';
import { awsError, mockKms } from '../support/aws.ts';
import { failureOf } from '../support/failures.ts';

const kms = mockKms();
const ARN = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';

describe('the key of a bucket', () => {
  it('is asked for in its own region, and stands as KMS says', async () => {
    kms()
      .on(DescribeKeyCommand, { KeyId: ARN })
      .resolves({ KeyMetadata: { KeyId: 'k', KeyState: KeyState.Enabled } });
    expect(await readEncryptionKey(ARN)).toEqual({ state: 'Enabled', deletedAt: null });
    const [asked] = kms().commandCalls(DescribeKeyCommand);
    expect(await asked?.thisValue.config.region()).toBe('eu-west-1');
  });

  it('that will be deleted has the time of it', async () => {
    const DeletionDate = new Date('2026-12-01T10:00:00Z');
    kms()
      .on(DescribeKeyCommand)
      .resolves({ KeyMetadata: { KeyId: 'k', KeyState: KeyState.PendingDeletion, DeletionDate } });
    expect(await readEncryptionKey(ARN)).toEqual({
      state: 'PendingDeletion',
      deletedAt: Date.UTC(2026, 11, 1, 10),
    });
  });

  it('that KMS does not know is there no more', async () => {
    kms()
      .on(DescribeKeyCommand)
      .rejects(new NotFoundException({ message: 'no such key', $metadata: { httpStatusCode: 400 } }));
    expect(await readEncryptionKey(ARN)).toBeUndefined();
  });

  it.each([
    [
      'Refused',
      awsError('AccessDeniedException', 400),
      'Was not allowed to ask KMS how arn:aws:kms:eu-west-1',
    ],
    ['TemporarilyUnavailable', awsError('KMSInternalException', 500), 'Could not ask KMS'],
    ['Refused', awsError('InvalidArnException', 400), 'Could not ask KMS'],
  ] as const)('that cannot be asked for is neither there nor gone: %s', async (name, error, what) => {
    kms().on(DescribeKeyCommand).rejects(error);
    expect((await failureOf(name, readEncryptionKey(ARN))).what).toContain(what);
  });

  it.each([[{}], [{ KeyMetadata: { KeyId: 'k' } }]])('without a state is not known: %j', async (answer) => {
    kms().on(DescribeKeyCommand).resolves(answer);
    await failureOf('IncompleteReading', readEncryptionKey(ARN));
  });
});
