/** Tells a person that a proof did not come to a good end. What the proof found is in the ledger already. */
import { publishAlert } from '../../clients/alerts.ts';
import { composeAlert } from '../../core/alert.ts';
import { failureOf } from '../../core/caught.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { failureText } from '../../core/errors.ts';
import { proofFailureInputSchema, type RecordedFailure } from '../../core/workflow.ts';
import { bucket, requireEnvironment } from '../environment.ts';
import { findLastGood } from '../last-good.ts';
import { measureAlertSent } from '../measure.ts';
import { logger, step } from '../step.ts';

export const handler = step(
  'record-failure',
  proofFailureInputSchema,
  async ({ execution, run }): Promise<RecordedFailure> => {
    const failure = failureOf(run.error ?? { Error: 'Unexpected' });
    logger.error('failed', { ...failure });
    const target = typeof run.target === 'string' ? run.target : '(no target)';
    const backup = typeof run.backup === 'string' ? run.backup : null;
    const alert = composeAlert({
      target,
      subject: `The proof of ${backup ?? 'a backup that is not named'}`,
      step: 'prove',
      failure,
      attempts: 1,
      backup,
      lastGood: await findLastGood(bucket(), target),
      now: Date.now(),
      execution,
    });
    await publishAlert(requireEnvironment(ENVIRONMENT.topic), alert);
    measureAlertSent();
    return { outcome: 'give up', attempt: 1, error: failure.error, cause: failureText(failure) };
  },
);
