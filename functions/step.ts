/** What every step has around it: its input checked, its log lines marked, its errors named. */
import { Logger } from '@aws-lambda-powertools/logger';
import middy, { type MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';
import type * as z from 'zod';
import { explainIssues } from '../core/config-problems.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { harmless, redact } from '../core/redaction.ts';

/** Texts of ClickHouse and S3 are logged as they came, and an error can repeat the credentials of its statement. */
export const logger = new Logger({
  serviceName: 'safehouse',
  jsonReplacerFn: (_, value) => (typeof value === 'string' ? redact(value) : value),
});

export interface StepTools {
  /** Aborted just before Lambda would end the function. */
  readonly signal: AbortSignal;
}

/** A moment before Lambda's own end, so that Step Functions sees a named error and not `Sandbox.Timedout`. */
const BEFORE_THE_END_MILLISECONDS = 1000;

/**
 * A Lambda handler out of a step's work.
 *
 * @param name the step, as it appears in logs, the ledger and alerts
 * @param schema what the step's input must be
 * @param work the step itself: input in, result out, SafehouseError on anything that goes wrong
 */
export function step<Schema extends z.ZodType, Result>(
  name: string,
  schema: Schema,
  work: (input: z.output<Schema>, tools: StepTools) => Promise<Result>,
) {
  return middy<unknown, Result>({
    timeoutEarlyInMillis: BEFORE_THE_END_MILLISECONDS,
    timeoutEarlyResponse: () => {
      throw new SafehouseError(ERROR_NAMES.outOfTime, {
        what: `The step ${name} did not finish in the time that its function has.`,
        remedy: 'It is repeated once; if that fails too, look at what it waited for in its log.',
        error: 'TimeoutError',
      });
    },
  })
    .use(logContext(name))
    .use(namedErrors(name))
    .use(checkedInput(name, schema))
    .handler((event: unknown, _context: Context, { signal }: StepTools) =>
      work(event as z.output<Schema>, { signal }),
    );
}

const logContext = (name: string): MiddlewareObj<unknown> => ({
  before: ({ event, context }) => {
    logger.resetKeys();
    const fields = (event ?? {}) as { run?: object; input?: object };
    const run = { ...fields, ...fields.run, ...fields.input } as Record<string, unknown>;
    logger.appendKeys({
      step: name,
      requestId: context.awsRequestId,
      execution: plain(run['execution']),
      target: plain(run['target']),
      attempt: plain(run['attempt']),
    });
  },
});

/** The event is not checked yet: in the place of a name may stand something that a logger goes down in until it breaks. */
const plain = (value: unknown): unknown =>
  typeof value === 'string' || typeof value === 'number' ? value : undefined;

const checkedInput = (name: string, schema: z.ZodType): MiddlewareObj<unknown> => ({
  before: (request) => {
    request.event = explainIssues(schema, request.event, `The input of the step ${name}`, ERROR_NAMES.input);
  },
});

const namedErrors = (name: string): MiddlewareObj<unknown> => ({
  onError: (request) => {
    const named = nameError(name, request.error);
    logger.error(named.failure.what, { error: named.failure.error, class: named.failure.class });
    // Lambda sends name, message and stack to Step Functions, and from there into alerts: the stack stays in the log.
    logger.debug('stack', { stack: redact(request.error?.stack ?? '') });
    named.stack = '';
    request.error = named;
  },
});

function nameError(name: string, error: unknown): SafehouseError {
  if (error instanceof SafehouseError)
    return new SafehouseError(error.name, {
      ...error.failure,
      what: harmless(redact(error.failure.what)),
      remedy: harmless(redact(error.failure.remedy)),
    });
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new SafehouseError(ERROR_NAMES.refused, {
    what: `The step ${name} failed in a way that Safehouse does not know: ${harmless(redact(text))}.`,
    remedy: 'This is a defect or an unforeseen answer: the log of the function has the details.',
    error: 'Unexpected',
  });
}
