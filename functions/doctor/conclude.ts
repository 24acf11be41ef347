/**
 * Ends an examination: asks after the key of the bucket, and, where nobody waits for the answer, tells what is bad. It stands
 * outside of the VPC from which the rest was tried: a failure must be told even when the VPC has lost its way out.
 */
import { publishAlert } from '../../clients/alerts.ts';
import { type CaughtError, failureOf } from '../../core/caught.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { composeExaminationAlert } from '../../core/examination-alert.ts';
import type { Examination } from '../../core/installation.ts';
import { METRICS } from '../../core/metrics.ts';
import { harmless } from '../../core/redaction.ts';
import { concludeInputSchema } from '../../core/workflow.ts';
import { bucket, requireEnvironment } from '../environment.ts';
import { findLastGood } from '../last-good.ts';
import { measure } from '../measure.ts';
import { logger, step } from '../step.ts';
import { Findings, isGood } from './findings.ts';
import { examineKey } from './key.ts';

/** For whoever looks at the execution. */
export interface Concluded {
  /** `failed`: the execution fails, with `error` and `cause`. */
  readonly outcome: 'examined' | 'failed';
  readonly examinations: readonly Examination[];
  readonly error: string;
  readonly cause: string;
}

export const handler = step(
  'conclude',
  concludeInputSchema,
  async ({ execution, run }): Promise<Concluded> => {
    const { scheduled = false, examined, error = examined === undefined ? UNSAID : undefined } = run;
    // Whoever asked waits for an answer, and reads what went wrong as it was said.
    if (error !== undefined && !scheduled) return failed([], error.Error, error.Cause ?? '');
    const target = typeof run.target === 'string' ? run.target : '(no target)';
    const found = error === undefined ? (examined?.examinations ?? []) : [brokenOff(error)];
    const examinations = [...found, ...(await examineKeyOfBucket())];
    if (isGood(examinations)) measure(target, [[METRICS.examinationsGood, 'Count', 1]]);
    const [first, ...more] = examinations.filter(({ result }) => result === 'bad');
    if (!scheduled || first === undefined) return { outcome: 'examined', examinations, error: '', cause: '' };
    logger.error('bad', { checks: [first, ...more].map(({ check }) => check) });
    await tell(target, examinations, execution);
    return failed(
      examinations,
      first.error ?? 'Unexpected',
      [first, ...more].map(({ check, what }) => `${check}: ${harmless(what)}`).join('\n'),
    );
  },
);

const UNSAID: CaughtError = { Error: 'Unexpected' };

const failed = (examinations: readonly Examination[], error: string, cause: string): Concluded => ({
  outcome: 'failed',
  examinations,
  error,
  cause,
});

/** The examination did not come to its end: what would have been tried is not known. */
function brokenOff(caught: CaughtError): Examination {
  const { what, remedy, error } = failureOf(caught);
  return { check: 'examination', result: 'bad', what, remedy, error };
}

async function examineKeyOfBucket(): Promise<readonly Examination[]> {
  const arn = process.env[ENVIRONMENT.bucketKey];
  const findings = new Findings();
  if (arn !== undefined) await findings.attempt('key', () => examineKey(arn));
  return findings.examinations;
}

async function tell(target: string, examinations: readonly Examination[], execution: string): Promise<void> {
  const alert = composeExaminationAlert({
    target,
    examinations,
    lastGood: await findLastGood(bucket(), target),
    now: Date.now(),
    execution,
  });
  await publishAlert(requireEnvironment(ENVIRONMENT.topic), alert);
}
