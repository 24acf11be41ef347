import '../support/function-environment.ts';
import type { Context } from 'aws-lambda';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { ERROR_NAMES, parseFailureText, SafehouseError } from '../../core/errors.ts';
import { logger, step } from '../../functions/step.ts';

const SECRET = 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY1x';

const context = (remaining: number): Context =>
  ({ awsRequestId: 'request', getRemainingTimeInMillis: () => remaining }) as Context;

/** What Step Functions gets of the error of a step. */
async function errorOf(
  work: (input: { a: number }, tools: { signal: AbortSignal }) => Promise<unknown>,
  event: unknown = { a: 1 },
  remaining = 60_000,
): Promise<SafehouseError> {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  vi.spyOn(console, 'info').mockImplementation(() => undefined);
  const handler = step('test', z.strictObject({ a: z.number() }), work);
  const error: unknown = await handler(event, context(remaining)).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof SafehouseError)) throw new Error(`not one of ours: ${String(error)}`);
  return error;
}

describe('a step', () => {
  it('gets its input checked and gives its result', async () => {
    const handler = step('test', z.object({ a: z.number().default(7) }), async ({ a }) => ({ b: a + 1 }));
    expect(await handler({}, context(60_000))).toEqual({ b: 8 });
  });

  it('refuses an input that is not its own, with the path', async () => {
    const work = vi.fn<() => Promise<unknown>>();
    const error = await errorOf(work, { a: 'x', b: 1 });
    expect(error.name).toBe('InvalidInput');
    expect(error.message).toContain('The input of the step test has 2 problems');
    expect(error.message).toContain('a is "x"; must be a number');
    expect(work).not.toHaveBeenCalled();
  });

  it.each([null, 7, 'text', []])('refuses %j as its input', async (event) => {
    expect((await errorOf(async () => undefined, event)).name).toBe('InvalidInput');
  });

  it('lets its own errors out by their name, class and remedy', async () => {
    const error = await errorOf(async () => {
      throw new SafehouseError(ERROR_NAMES.refused, {
        what: 'S3 refused.',
        remedy: 'Grant it.',
        error: 'AccessDenied',
        class: 'new attempt',
      });
    });
    expect(error.name).toBe('Refused');
    expect(parseFailureText(error.message)).toEqual({
      class: 'new attempt',
      error: 'AccessDenied',
      what: 'S3 refused.',
      remedy: 'Grant it.',
    });
  });

  it('names whatever else is thrown, and says that nobody knows it', async () => {
    for (const thrown of [new TypeError('undefined is not a function'), 'a text', undefined, { odd: true }]) {
      const error = await errorOf(async () => {
        throw thrown;
      });
      expect(error.name).toBe('Refused');
      expect(error.failure.error).toBe('Unexpected');
      expect(error.failure.what).toContain('The step test failed in a way that Safehouse does not know');
    }
  });

  it('lets out no stack trace, no secret and no control character', async () => {
    for (const thrown of [
      new Error(`secret_access_key = '${SECRET}'\u0007`),
      new SafehouseError(ERROR_NAMES.refused, {
        what: `S3('https://b/x', 'AKIAIOSFODNN7EXAMPLE', '${SECRET}')\u0000`,
        remedy: `password=${SECRET}`,
      }),
    ]) {
      const error = await errorOf(async () => {
        throw thrown;
      });
      expect(error.stack).toBe('');
      expect(JSON.stringify([error.message, error.failure])).not.toContain(SECRET);
      expect(error.message.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
      expect(error.cause).toBeUndefined();
      expect(error).not.toHaveProperty('originalError');
    }
  });

  it('writes no secret into its log', async () => {
    const lines: string[] = [];
    const collect = (line: string) => void lines.push(line);
    for (const level of ['error', 'info', 'debug', 'log'] as const)
      vi.spyOn(console, level).mockImplementation(collect);
    logger.setLogLevel('DEBUG');
    const handler = step('test', z.object({}), async () => {
      // What ClickHouse and S3 said is logged as it came.
      logger.info('as it came', { because: `S3 refused secret_access_key = '${SECRET}'` });
      throw new Error(`secret_access_key = '${SECRET}'`);
    });
    await expect(handler({ target: 'logs' }, context(60_000))).rejects.toThrow();
    logger.setLogLevel('SILENT');
    const log = lines.join('\n');
    expect(log).toContain('does not know');
    expect(log).toContain('S3 refused');
    expect(log).toContain('"target": "logs"');
    expect(log).not.toContain(SECRET);
  });

  it('ends with a name just before Lambda would end it, and tells its work to stop', async () => {
    let signal: AbortSignal | undefined;
    const error = await errorOf(
      (_input, tools) => {
        signal = tools.signal;
        return new Promise(() => undefined);
      },
      { a: 1 },
      1010,
    );
    expect(error.name).toBe('OutOfTime');
    expect(error.failure.error).toBe('TimeoutError');
    expect(signal?.aborted).toBe(true);
  });
});
