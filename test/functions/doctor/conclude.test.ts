/** What becomes of an examination: an answer, a metric, a message. */
import '../../support/function-environment.ts';
import { DescribeKeyCommand, KeyState, NotFoundException } from '@aws-sdk/client-kms';
import { PublishCommand } from '@aws-sdk/client-sns';
import { describe, expect, it, vi } from 'vitest';
import { ENVIRONMENT } from '../../../core/environment.ts';
import { failureText } from '../../../core/errors.ts';
import type { Examination } from '../../../core/installation.ts';
import { handler } from '../../../functions/doctor/conclude.ts';
import { awsError, mockKms } from '../../support/aws.ts';
import { failureOf } from '../../support/failures.ts';
import { EXECUTION } from '../../support/runs.ts';
import { invoke, Surroundings } from '../../support/surroundings.ts';

const around = new Surroundings();
const kms = mockKms();
const KEY = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';

const GOOD: Examination = { check: 'bucket', result: 'good', what: 'It wrote.', remedy: '' };
const UNCHECKED: Examination = {
  check: 'grants',
  result: 'not checked',
  what: 'It does not say.',
  remedy: '',
};
const BAD: Examination = {
  check: 'bucket',
  result: 'bad',
  what: 'S3 refused ClickHouse the lock.',
  remedy: 'Allow s3:PutObject.',
  error: 'S3_ERROR',
};
const CAUGHT = {
  Error: 'InvalidConfiguration',
  Cause: JSON.stringify({
    errorMessage: failureText({
      class: 'fix and stop',
      error: 'ParameterNotFound',
      what: 'There is no target "shop".',
      remedy: 'Deploy.',
    }),
  }),
};

const conclude = (run: object) => invoke(handler, { execution: EXECUTION, run: { target: 'shop', ...run } });
const scheduled = (...examinations: Examination[]) =>
  conclude({ scheduled: true, examined: { examinations } });
const asked = (...examinations: Examination[]) => conclude({ examined: { examinations } });

const goodOnes = () => around.published.filter(({ name }) => name === 'ExaminationsGood');

describe('a good examination', () => {
  it.each([
    ['by the schedule', scheduled],
    ['by a person', asked],
  ])('%s is counted, and nobody is told', async (_, examine) => {
    expect(await examine(GOOD)).toEqual({ outcome: 'examined', examinations: [GOOD], error: '', cause: '' });
    expect(goodOnes()).toEqual([
      {
        name: 'ExaminationsGood',
        value: 1,
        dimensions: { Stack: 'Test', Target: 'shop', service: 'safehouse' },
      },
    ]);
    expect(around.told).toEqual([]);
  });

  it('is not one of which something was not checked, though nothing is bad', async () => {
    expect(await scheduled(GOOD, UNCHECKED)).toMatchObject({ outcome: 'examined' });
    expect(goodOnes()).toEqual([]);
    expect(around.told).toEqual([]);
  });

  it('is one of which something can never be checked', async () => {
    await scheduled(GOOD, { ...UNCHECKED, isBeyondReach: true });
    expect(goodOnes()).toHaveLength(1);
  });

  it('is not one that found nothing at all', async () => {
    await scheduled();
    expect(goodOnes()).toEqual([]);
  });
});

describe('a bad examination', () => {
  it('by the schedule is told at once, and fails', async () => {
    const worse: Examination = { ...BAD, check: 'deletes', what: 'It may delete.', error: 'DELETE_ALLOWED' };
    expect(await scheduled(BAD, worse, UNCHECKED)).toEqual({
      outcome: 'failed',
      examinations: [BAD, worse, UNCHECKED],
      error: 'S3_ERROR',
      cause: 'bucket: S3 refused ClickHouse the lock.\ndeletes: It may delete.',
    });
    const [told, ...more] = around.told;
    expect(more).toEqual([]);
    expect(told?.subject).toBe('Safehouse: shop: the examination found something bad (bucket, deletes)');
    for (const part of [
      'Target:        shop',
      'Allow s3:PutObject.',
      'docs/runbook.md#clickhouse-cannot-use-the-bucket',
      'docs/runbook.md#clickhouse-may-delete-backups',
      'Last good:     NONE.',
      EXECUTION,
    ])
      expect(told?.text).toContain(part);
    expect(goodOnes()).toEqual([]);
  });

  it('by a person is an answer, and nobody is told', async () => {
    expect(await asked(BAD)).toEqual({ outcome: 'examined', examinations: [BAD], error: '', cause: '' });
    expect(around.told).toEqual([]);
    expect(goodOnes()).toEqual([]);
  });

  it('that cannot be told fails by itself, and is tried again where S3 and SNS have only a bad minute', async () => {
    around.sns.on(PublishCommand).rejects(awsError('InternalError', 500));
    await failureOf('TemporarilyUnavailable', scheduled(BAD));
  });
});

describe('an examination that broke off', () => {
  it('by the schedule is told by what ended it', async () => {
    expect(await conclude({ scheduled: true, error: CAUGHT })).toMatchObject({
      outcome: 'failed',
      error: 'ParameterNotFound',
      cause: 'examination: There is no target "shop".',
    });
    expect(around.told[0]?.text).toContain('Check:         examination (ParameterNotFound)');
  });

  it('by a person ends as it was said, and nobody is told', async () => {
    expect(await conclude({ error: CAUGHT })).toEqual({
      outcome: 'failed',
      examinations: [],
      error: CAUGHT.Error,
      cause: CAUGHT.Cause,
    });
    expect(around.told).toEqual([]);
  });

  it.each([[{}], [{ examined: 'nothing' }], [{ examined: { examinations: [{ check: 'bucket' }] } }]])(
    'and left %j behind is bad, and told',
    async (left) => {
      expect(await conclude({ ...left, scheduled: true })).toMatchObject({ outcome: 'failed' });
      expect(around.told).toHaveLength(1);
      expect(await conclude(left)).toMatchObject({ outcome: 'failed', error: 'Unexpected' });
      expect(goodOnes()).toEqual([]);
    },
  );

  it('has no target where none was named', async () => {
    await invoke(handler, { execution: EXECUTION, run: { scheduled: true, target: 7, error: CAUGHT } });
    expect(around.told[0]?.text).toContain('Target:        (no target)');
  });
});

describe('the key of the bucket', () => {
  const stands = (KeyState: KeyState, more: object = {}): void => {
    vi.stubEnv(ENVIRONMENT.bucketKey, KEY);
    kms()
      .on(DescribeKeyCommand, { KeyId: KEY })
      .resolves({ KeyMetadata: { KeyId: KEY, KeyState, ...more } });
  };
  const keyOf = ({ examinations }: { readonly examinations: readonly Examination[] }) =>
    examinations.find(({ check }) => check === 'key');

  it('is not asked for where the bucket has none of its own', async () => {
    expect(keyOf(await scheduled(GOOD))).toBeUndefined();
  });

  it('is good while it is enabled', async () => {
    stands(KeyState.Enabled);
    expect(keyOf(await scheduled(GOOD))).toEqual({
      check: 'key',
      result: 'good',
      what: `The key ${KEY} is enabled.`,
      remedy: '',
    });
    expect(goodOnes()).toHaveLength(1);
  });

  const [at, AT] = ['2026-12-01T10:00:00.000Z', `--key-id ${KEY} --region eu-west-1`];
  it.each([
    [KeyState.Disabled, {}, 'KeyDisabled', 'is disabled', `aws kms enable-key ${AT}`],
    [
      KeyState.PendingDeletion,
      { DeletionDate: new Date(at) },
      'KeyToBeDeleted',
      `will delete the key ${KEY} on ${at}: from then on every backup that is encrypted with it is unreadable`,
      `aws kms cancel-key-deletion ${AT}\`, and then \`aws kms enable-key ${AT}`,
    ],
    [
      KeyState.PendingReplicaDeletion,
      {},
      'KeyToBeDeleted',
      'when its last replica is gone',
      `aws kms cancel-key-deletion ${AT}`,
    ],
    [KeyState.PendingImport, {}, 'KeyNotUsable', 'cannot be used', 'Import its key material'],
    [KeyState.Unavailable, {}, 'KeyNotUsable', 'cannot be used', 'Connect its key store'],
  ])('that is %s is told with what to do', async (state, more, error, what, remedy) => {
    stands(state, more);
    const concluded = await scheduled(GOOD);
    expect(concluded).toMatchObject({ outcome: 'failed', error });
    expect(keyOf(concluded)).toMatchObject({ result: 'bad', error });
    expect(around.told[0]?.text).toContain(what);
    expect(around.told[0]?.text).toContain(remedy);
    expect(goodOnes()).toEqual([]);
  });

  it('that is gone is told as gone', async () => {
    vi.stubEnv(ENVIRONMENT.bucketKey, KEY);
    kms()
      .on(DescribeKeyCommand)
      .rejects(new NotFoundException({ message: 'no such key', $metadata: { httpStatusCode: 400 } }));
    expect(keyOf(await scheduled(GOOD))).toMatchObject({ result: 'bad', error: 'KeyNotFound' });
  });

  it.each([
    ['refuses to say', awsError('AccessDeniedException', 400), "the key's own policy"],
    ['does not answer', awsError('KMSInternalException', 500), 'may be made again'],
  ])('is not checked, and not good, when KMS %s', async (_, error, remedy) => {
    vi.stubEnv(ENVIRONMENT.bucketKey, KEY);
    kms().on(DescribeKeyCommand).rejects(error);
    const concluded = await scheduled(GOOD);
    expect(keyOf(concluded)).toMatchObject({
      result: 'not checked',
      remedy: expect.stringContaining(remedy),
    });
    expect(concluded.outcome).toBe('examined');
    expect(goodOnes()).toEqual([]);
    expect(around.told).toEqual([]);
  });

  it.each([KeyState.Creating, KeyState.Updating])('that is %s is neither good nor bad', async (state) => {
    stands(state);
    expect(keyOf(await scheduled(GOOD))).toMatchObject({ result: 'not checked' });
    expect(goodOnes()).toEqual([]);
  });

  it('is told together with what else is bad', async () => {
    stands(KeyState.Disabled);
    await scheduled(BAD);
    expect(around.told).toHaveLength(1);
    expect(around.told[0]?.text).toMatch(/2 of 2 checks bad: bucket, key\./);
  });

  it('is asked for also when the examination broke off', async () => {
    stands(KeyState.Disabled);
    await conclude({ scheduled: true, error: CAUGHT });
    expect(around.told[0]?.text).toContain('checks bad: examination, key.');
  });

  it('is part of the answer to a person', async () => {
    stands(KeyState.Disabled);
    expect(keyOf(await asked(GOOD))?.result).toBe('bad');
    expect(around.told).toEqual([]);
  });
});
