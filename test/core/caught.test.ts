import { describe, expect, it } from 'vitest';
import { failureOf } from '../../core/caught.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';

/** What Step Functions hands on of an error that a function threw. */
const caught = (error: Error) => ({
  Error: error.name,
  Cause: JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: ['at somewhere'] }),
});

describe('what Step Functions caught', () => {
  it('is the failure that a step threw', () => {
    const thrown = new SafehouseError(ERROR_NAMES.refused, {
      what: 'S3 refused.',
      remedy: 'Grant it.',
      error: 'AccessDenied',
      class: 'new attempt',
    });
    expect(failureOf(caught(thrown))).toEqual(thrown.failure);
  });

  it.each([
    ['Sandbox.Timedout', /ended by Lambda: out of time/],
    ['Lambda.Unknown', /ended by Lambda: out of time/],
    ['States.Timeout', /did not answer within the time limit/],
    ['Lambda.TooManyRequestsException', /limit of concurrent executions/],
    ['Lambda.AccessDeniedException', /may not call the function/],
  ])('is said in plain words for %s', (name, what) => {
    const failure = failureOf({ Error: name, Cause: '{"errorMessage":"RequestId: 7 Error"}' });
    expect(failure).toMatchObject({ class: 'new attempt', error: name });
    expect(failure.what).toMatch(what);
    expect(failure.remedy).not.toBe('');
  });

  it.each([
    [{ Error: 'Runtime.ExitError', Cause: '{"errorMessage":"exit status 1"}' }, 'exit status 1'],
    [{ Error: 'TypeError', Cause: 'not json {' }, 'not json {'],
    [{ Error: 'TypeError', Cause: 'null' }, 'null'],
    [{ Error: 'TypeError', Cause: '{"errorMessage":7}' }, '{"errorMessage":7}'],
    [{ Error: 'TypeError', Cause: '' }, 'without a message'],
    [{ Error: 'TypeError' }, 'without a message'],
  ])('is named and quoted when nobody knows it: %j', (error, message) => {
    expect(failureOf(error)).toEqual({
      class: 'new attempt',
      error: error.Error,
      what: `The step ended with ${error.Error}: ${message}.`,
      remedy: "Look at the log of the step's function around that time.",
    });
  });

  it.each(['constructor', 'toString', '__proto__'])(
    'is not taken for a known error by the name %s',
    (name) => {
      expect(failureOf({ Error: name, Cause: 'x' }).what).toBe(`The step ended with ${name}: x.`);
    },
  );
});
