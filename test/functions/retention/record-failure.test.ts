import '../../support/function-environment.ts';
import { PublishCommand } from '@aws-sdk/client-sns';
import { describe, expect, it } from 'vitest';
import { ERROR_NAMES, SafehouseError } from '../../../core/errors.ts';
import { handler } from '../../../functions/retention/record-failure.ts';
import { awsError } from '../../support/aws.ts';
import { failureOf } from '../../support/failures.ts';
import { write } from '../../support/ledger.ts';
import { EXECUTION, ID } from '../../support/runs.ts';
import { carried, invoke, Surroundings } from '../../support/surroundings.ts';

const around = new Surroundings();
const recordFailure = (run: object) => carried(invoke(handler, { execution: EXECUTION, run }));

const { name, message } = new SafehouseError(ERROR_NAMES.refused, {
  what: 'S3 did not delete 1 of 2 objects.',
  remedy: 'Look at Object Lock.',
  error: 'AccessDenied',
});
const error = { Error: name, Cause: JSON.stringify({ errorType: name, errorMessage: message }) };

describe('a failure of retention', () => {
  it('is told, with the last good backup, and counted as told', async () => {
    const target = around.addTarget();
    await write(around.bucket, target, ID, 'verified');
    expect(await recordFailure({ target, remove: [], error })).toEqual({
      outcome: 'give up',
      attempt: 1,
      error: 'AccessDenied',
      cause: message,
    });
    expect(around.told).toEqual([
      {
        subject: `Safehouse: ${target}: Retention failed (AccessDenied)`,
        text: expect.stringMatching(
          new RegExp(
            `^Retention failed\\.[\\s\\S]*S3 did not delete 1 of 2 objects[\\s\\S]*Look at Object Lock[\\s\\S]*Last good: {5}${ID}[\\s\\S]*Step: {10}remove`,
          ),
        ),
      },
    ]);
    expect(around.published).toEqual([
      {
        name: 'AlertsSent',
        value: 1,
        dimensions: { service: 'safehouse', Stack: 'Test', Workflow: 'Backup' },
      },
    ]);
  });

  it.each([[{}], [{ target: 7 }], [{ target: 'nobody' }], [{ error: 7 }]])(
    'is told whatever the input was: %j',
    async (run) => {
      expect(await recordFailure(run)).toMatchObject({ outcome: 'give up', error: 'Unexpected' });
      expect(around.told[0]?.text).toContain('Step:          plan');
    },
  );

  it('that the topic does not take is an error of its own', async () => {
    around.sns.on(PublishCommand).rejects(awsError('InternalError', 500));
    await failureOf('TemporarilyUnavailable', recordFailure({ target: 'nobody', error }));
    expect(around.published).toEqual([]);
  });
});
