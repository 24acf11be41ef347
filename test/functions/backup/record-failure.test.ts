import '../../support/function-environment.ts';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand } from '@aws-sdk/client-sns';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { describe, expect, it, vi } from 'vitest';
import { getJson, putOnce } from '../../../clients/bucket.ts';
import { readEvidence, readLedger } from '../../../clients/ledger.ts';
import { ERROR_NAMES, SafehouseError } from '../../../core/errors.ts';
import type { Failure, FailureClass } from '../../../core/failure.ts';
import { attemptKey } from '../../../core/keys.ts';
import { attemptClaimSchema } from '../../../core/workflow.ts';
import { handler } from '../../../functions/backup/record-failure.ts';
import { awsError } from '../../support/aws.ts';
import { failureOf } from '../../support/failures.ts';
import { write } from '../../support/ledger.ts';
import { EXECUTION, ID, OTHER_EXECUTION, pollOf, preparedRunOf, runOf, SLOT } from '../../support/runs.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';

const around = new Surroundings();

const recordFailure = (run: object, execution = EXECUTION) => carried(invoke(handler, { execution, run }));
const failed = (target: string, id = ID) => readEvidence(around.bucket, target, id, 'failed');

const FAILURE: Failure = {
  class: 'new attempt',
  error: 'S3_ERROR',
  what: 'S3 said no.',
  remedy: 'Ask again.',
};

/** What Step Functions hands on of a step's error. */
const caught = (kind: FailureClass = 'new attempt') => {
  const { name, message } = new SafehouseError(ERROR_NAMES.refused, { ...FAILURE, class: kind });
  return { Error: name, Cause: JSON.stringify({ errorType: name, errorMessage: message }) };
};

/** A run whose poll came to a bad end. */
const failedRun = (target: string, failure: Partial<Failure> = {}, overrides = {}) => ({
  ...preparedRunOf(target, {}, overrides),
  poll: pollOf(600, { outcome: 'failed', failure: { ...FAILURE, ...failure } }),
});

/** A run whose backup was verified. */
const verifiedRun = (target: string) => ({
  ...preparedRunOf(target),
  poll: pollOf(60, { outcome: 'finished' }),
  verified: { id: ID },
});

const ALERTS = { service: 'safehouse', Stack: 'Test', Workflow: 'Backup' };

describe('a failure that may pass', () => {
  it('is written into the ledger, and another attempt follows without anybody being told', async () => {
    const target = around.addTarget();
    expect(await recordFailure(failedRun(target))).toEqual({
      outcome: 'new attempt',
      attempt: 2,
      error: 'S3_ERROR',
      cause: 'S3 said no.',
    });
    expect(await failed(target)).toMatchObject({ ...FAILURE, by: EXECUTION, step: 'poll', final: false });
    expect(around.told).toEqual([]);
    expect(around.published).toEqual([]);
  });

  it('in the last attempt is told', async () => {
    const target = around.addTarget({ attempts: 2 });
    const outcome = await recordFailure(failedRun(target, {}, { attempt: 2 }));
    expect(outcome).toEqual({
      outcome: 'give up',
      attempt: 2,
      error: 'S3_ERROR',
      cause: 'S3 said no.\nWhat to do: Ask again.\n(S3_ERROR; new attempt)',
    });
    expect(await failed(target)).toMatchObject({ final: true });
    expect(around.told).toEqual([
      {
        subject: expect.stringContaining(
          `Safehouse: ${target}: The full backup scheduled for 2026-04-02T02:00:00Z failed`,
        ),
        text: expect.stringMatching(
          /Last good: {5}NONE[\s\S]*Step: {10}poll \(S3_ERROR; new attempt\)[\s\S]*Attempts: {6}2/,
        ),
      },
    ]);
    expect(around.published).toEqual([
      {
        name: 'BackupsFailed',
        value: 1,
        dimensions: { service: 'safehouse', Stack: 'Test', Target: target },
      },
      { name: 'AlertsSent', value: 1, dimensions: ALERTS },
    ]);
  });

  it.each(['retry the same', 'new attempt', 'already done'] as const)(
    'of the class "%s" is tried again',
    async (kind) => {
      const target = around.addTarget();
      expect(await recordFailure(failedRun(target, { class: kind }))).toMatchObject({
        outcome: 'new attempt',
      });
    },
  );
});

describe('a failure that a person has to mend', () => {
  it('is told at once, with the last good backup and its age', async () => {
    const target = around.addTarget({ attempts: 5 });
    const good = '20260401T020000Z-full-good';
    await write(around.bucket, target, good, 'verified');
    expect(await recordFailure(failedRun(target, { class: 'fix and stop' }))).toMatchObject({
      outcome: 'give up',
    });
    const [alert, ...more] = around.told;
    expect(more).toEqual([]);
    expect(alert?.text).toMatch(
      new RegExp(`Last good: {5}${good}, \\d+ d \\d+ h old, still in place \\(1 good in all\\)`),
    );
    expect(alert?.text).toContain(`Backup:        ${ID}`);
  });

  it('is told again when telling it was interrupted, for the ledger says who has to', async () => {
    const target = around.addTarget();
    const run = failedRun(target, { class: 'fix and stop' });
    around.sns.on(PublishCommand).rejectsOnce(awsError('InternalError', 500)).resolves({});
    await failureOf('TemporarilyUnavailable', recordFailure(run));
    expect(await failed(target)).toMatchObject({ final: true });
    expect(await recordFailure(run)).toMatchObject({ outcome: 'give up' });
    expect(around.told).toHaveLength(2);
  });
});

describe('a failure of two executions that follow one attempt', () => {
  it('is told by the first alone, and counted as told by both', async () => {
    const target = around.addTarget();
    await recordFailure(failedRun(target, { class: 'fix and stop' }));
    const second = failedRun(target, { class: 'fix and stop' }, { execution: OTHER_EXECUTION });
    expect(await recordFailure(second, OTHER_EXECUTION)).toMatchObject({ outcome: 'give up' });
    expect(around.told).toHaveLength(1);
    expect(around.published.filter(({ name }) => name === 'AlertsSent')).toHaveLength(2);
    expect(await failed(target)).toMatchObject({ by: EXECUTION });
  });

  it('leads both into the same next attempt', async () => {
    const target = around.addTarget();
    await recordFailure(failedRun(target));
    const second = failedRun(target, { class: 'fix and stop' }, { execution: OTHER_EXECUTION });
    expect(await recordFailure(second, OTHER_EXECUTION)).toMatchObject({
      outcome: 'new attempt',
      attempt: 2,
    });
  });

  it('does not take from a backup that the other one has verified', async () => {
    const target = around.addTarget();
    await write(around.bucket, target, ID, 'verified');
    expect(await recordFailure(failedRun(target))).toMatchObject({ outcome: 'give up' });
    expect(await failed(target)).toBeUndefined();
    expect(around.told).toMatchObject([
      {
        text: expect.stringMatching(
          new RegExp(`^What followed ${ID}, which is verified and good, failed\\.`),
        ),
      },
    ]);
  });

  it('is told where retention had only found the backup abandoned', async () => {
    const target = around.addTarget();
    await write(around.bucket, target, ID, 'failed', {
      by: 'retention',
      error: 'BackupAbandoned',
      step: 'plan',
    });
    await recordFailure(failedRun(target, { class: 'fix and stop' }));
    expect(around.told).toHaveLength(1);
  });
});

describe('a failure after a backup was verified', () => {
  const run = (target: string) => ({
    ...failedRun(target),
    verified: { id: ID, objects: 1 },
    error: caught(),
  });

  it('leaves it good, and is told for what it is', async () => {
    const target = around.addTarget();
    await write(around.bucket, target, ID, 'verified');
    expect(await recordFailure(run(target))).toMatchObject({ outcome: 'give up' });
    expect(await failed(target)).toBeUndefined();
    expect(around.told[0]?.text).toContain(`What followed ${ID}, which is verified and good, failed.`);
    expect(around.published.map(({ name }) => name)).toEqual(['AlertsSent']);
  });

  it('does not call it good where it was refuted since', async () => {
    const target = around.addTarget();
    await write(around.bucket, target, ID, 'verified');
    await write(around.bucket, target, ID, 'failed', { error: 'ProofRefuted' });
    await recordFailure(run(target));
    expect(around.told[0]?.text).not.toContain('which is verified and good');
  });
});

describe('a failure before there was a backup', () => {
  it('gets an id all the same, so that what did not come about is in the list', async () => {
    const target = around.addTarget();
    await recordFailure({ ...runOf(target, { kind: 'incremental' }), error: caught() });
    const { entries } = await readLedger(around.bucket, target);
    expect(entries).toMatchObject([{ kind: 'incremental', states: { failed: expect.any(Number) } }]);
    const claim = await getJson(around.bucket, attemptKey(target, SLOT, 1), attemptClaimSchema);
    expect(claim).toMatchObject({ id: entries[0]?.id, execution: EXECUTION });
  });

  it('takes the id of the attempt that stands, and is recorded once', async () => {
    const target = around.addTarget();
    await putOnce(around.bucket, attemptKey(target, SLOT, 1), {
      version: 1,
      id: ID,
      kind: 'full',
      base: null,
      reason: null,
      execution: EXECUTION,
      at: '2026-04-02T02:00:01.000Z',
    });
    await recordFailure({ ...runOf(target), error: caught() });
    await recordFailure({ ...runOf(target), error: caught() });
    expect((await readLedger(around.bucket, target)).entries.map(({ id }) => id)).toEqual([ID]);
  });
});

describe('the step that failed', () => {
  it.each<[string, (target: string) => object]>([
    ['begin', (target) => ({ target, error: caught() })],
    ['check-before', (target) => ({ ...runOf(target, { hasBefore: true }), error: caught() })],
    [
      'check-before',
      (target) => ({
        ...runOf(target, { hasBefore: true }),
        before: { outcome: 'waiting', since: 'x' },
        error: caught(),
      }),
    ],
    [
      'prepare',
      (target) => ({
        ...runOf(target, { hasBefore: true }),
        before: { outcome: 'ready', since: 'x' },
        error: caught(),
      }),
    ],
    ['prepare', (target) => ({ ...runOf(target), error: caught() })],
    ['submit', (target) => ({ ...preparedRunOf(target), error: caught() })],
    ['poll', (target) => ({ ...preparedRunOf(target), poll: pollOf(60), error: caught() })],
    ['poll', (target) => failedRun(target)],
    [
      'verify',
      (target) => ({ ...preparedRunOf(target), poll: pollOf(60, { outcome: 'finished' }), error: caught() }),
    ],
    ['prove', (target) => ({ ...verifiedRun(target), error: caught() })],
    ['prove', (target) => ({ ...verifiedRun(target), proof: { outcome: 'go' }, error: caught() })],
    [
      'start retention',
      (target) => ({
        ...verifiedRun(target),
        proof: { outcome: 'go' },
        judged: { verdict: 'proven' },
        error: caught(),
      }),
    ],
    [
      'start retention',
      (target) => ({ ...verifiedRun(target), proof: { outcome: 'not wanted' }, error: caught() }),
    ],
  ])('is named %s', async (step, run) => {
    const target = around.addTarget({ attempts: 1 });
    await recordFailure(run(target));
    expect(around.told[0]?.text).toContain(`Step:          ${step} (S3_ERROR; new attempt)`);
  });

  it('is told in plain words where Lambda or Step Functions ended it', async () => {
    const target = around.addTarget({ attempts: 1 });
    await recordFailure({
      ...preparedRunOf(target),
      error: { Error: 'Sandbox.Timedout', Cause: 'Task timed out' },
    });
    expect(await failed(target)).toMatchObject({
      error: 'Sandbox.Timedout',
      class: 'new attempt',
      step: 'submit',
    });
    expect(around.told[0]?.text).toContain('The function of the step was ended by Lambda');
  });

  it('came to its end without a word, and that is said', async () => {
    const target = around.addTarget();
    await recordFailure(preparedRunOf(target));
    expect(await failed(target)).toMatchObject({ error: 'Unexpected', class: 'fix and stop' });
  });
});

describe('an input that is the failure', () => {
  it.each<[string, unknown]>([
    ['is empty', {}],
    ['names no target', { target: 7 }],
    ['names a target that does not exist', { target: 'nobody' }],
    [
      'has odd parts',
      { target: 'nobody', slot: 7, attempt: 'x', prepared: 7, poll: {}, verified: 7, error: 7 },
    ],
  ])('that %s is told, and nothing is written', async (_, input) => {
    const outcome = await recordFailure({ ...(input as object), error: caught('fix and stop') });
    expect(outcome).toMatchObject({ outcome: 'give up', error: 'S3_ERROR' });
    expect(around.told).toHaveLength(1);
    expect((await readLedger(around.bucket, 'nobody')).entries).toEqual([]);
  });

  it('that is the state of another execution fails no backup of that one', async () => {
    const target = around.addTarget();
    const foreign = {
      ...failedRun(target, { class: 'fix and stop' }, { execution: OTHER_EXECUTION }),
      error: caught('fix and stop'),
    };
    expect(await recordFailure(foreign)).toMatchObject({ outcome: 'give up' });
    expect(await failed(target)).toBeUndefined();
    expect(around.told[0]?.text).toContain('Backup:        none was begun');
  });
});

describe('a failure while other things are broken', () => {
  const failing = (name: string, error: Error) => {
    const send = S3Client.prototype.send;
    return vi.spyOn(S3Client.prototype, 'send').mockImplementation(function (
      this: S3Client,
      ...call: unknown[]
    ) {
      const [command] = call as [{ constructor: { name: string } }];
      return command.constructor.name === name ? Promise.reject(error) : Reflect.apply(send, this, call);
    } as never);
  };

  it('is told even where the ledger may not be written', async () => {
    const target = around.addTarget();
    failing(PutObjectCommand.name, awsError('AccessDenied', 403));
    expect(await recordFailure(failedRun(target, { class: 'fix and stop' }))).toMatchObject({
      outcome: 'give up',
    });
    expect(around.told).toHaveLength(1);
    expect(around.told[0]?.text).toContain(`Backup:        ${ID}`);
  });

  it('is tried again where the ledger is merely busy', async () => {
    const target = around.addTarget();
    failing(PutObjectCommand.name, awsError('SlowDown', 503));
    await failureOf('TemporarilyUnavailable', recordFailure(failedRun(target, { class: 'fix and stop' })));
    expect(around.told).toEqual([]);
  });

  it('says that the last good backup is not known where the ledger cannot be read', async () => {
    const target = around.addTarget();
    await write(around.bucket, target, '20260401T020000Z-full-good', 'verified');
    failing('ListObjectsV2Command', awsError('AccessDenied', 403));
    await recordFailure(failedRun(target, { class: 'fix and stop' }));
    expect(around.told[0]?.text).toContain('Last good:     not known: the ledger could not be read.');
  });

  it('is final where the settings do not pass any more, for nobody knows how many attempts there are', async () => {
    const target = around.addTarget({ attempts: 9 });
    expect(await recordFailure(failedRun(target))).toMatchObject({ outcome: 'give up' });
    expect(await failed(target)).toMatchObject({ final: true });
  });

  it('waits for settings that cannot be read at the moment', async () => {
    const target = around.addTarget();
    around.ssm.on(GetParameterCommand).rejects(awsError('ThrottlingException', 400));
    await failureOf('TemporarilyUnavailable', recordFailure(failedRun(target)));
    expect(await failed(target)).toBeUndefined();
  });

  it('fails as well when the topic refuses: then the alarm on untold failures speaks', async () => {
    const target = around.addTarget();
    around.sns.on(PublishCommand).rejects(awsError('AuthorizationError', 403));
    await failureOf('Refused', recordFailure(failedRun(target, { class: 'fix and stop' })));
    expect(around.published).toEqual([]);
  });
});
