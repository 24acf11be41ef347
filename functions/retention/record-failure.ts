/** Tells a person that retention did not come to its end. Nothing is lost by it: backups stay longer than they should. */
import { publishAlert } from '../../clients/alerts.ts';
import { composeAlert } from '../../core/alert.ts';
import { failureOf } from '../../core/caught.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { failureText } from '../../core/errors.ts';
import { type RecordedFailure, retentionFailureInputSchema } from '../../core/workflow.ts';
import { bucket, requireEnvironment } from '../environment.ts';
import { findLastGood } from '../last-good.ts';
import { measureAlertSent } from '../measure.ts';
import { logger, step } from '../step.ts';

export const handler = step(
  'record-failure',
  retentionFailureInputSchema,
  async ({ execution, run }): Promise<RecordedFailure> => {
    const failure = failureOf(run.error ?? { Error: 'Unexpected' });
    logger.error('failed', { ...failure });
    const target = typeof run.target === 'string' ? run.target : '(no target)';
    const alert = composeAlert({
      target,
      subject: 'Retention',
      step: 'remove' in run ? 'remove' : 'plan',
      failure,
      attempts: 1,
      backup: null,
      lastGood: await findLastGood(bucket(), target),
      now: Date.now(),
      execution,
    });
    await publishAlert(requireEnvironment(ENVIRONMENT.topic), alert);
    measureAlertSent();
    return { outcome: 'give up', attempt: 1, error: failure.error, cause: failureText(failure) };
  },
);
