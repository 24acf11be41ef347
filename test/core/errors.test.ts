import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_NAMES, failureText, parseFailureText, SafehouseError } from '../../core/errors.ts';
import { FAILURE_CLASSES, type Failure } from '../../core/failure.ts';
import { anyText } from './any-text.ts';

const FAILURE: Failure = {
  class: 'new attempt',
  error: 'S3_ERROR',
  what: 'S3 said no.',
  remedy: 'Ask again.',
};

describe('an error', () => {
  it('carries its name for Step Functions and its failure for a person', () => {
    const cause = new Error('below');
    const error = new SafehouseError(ERROR_NAMES.refused, FAILURE, { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('Refused');
    expect(error.failure).toEqual(FAILURE);
    expect(error.message).toBe('S3 said no.\nWhat to do: Ask again.\n(S3_ERROR; new attempt)');
    expect(error.cause).toBe(cause);
  });

  it.each([
    [ERROR_NAMES.input, 'fix and stop'],
    [ERROR_NAMES.configuration, 'fix and stop'],
    [ERROR_NAMES.unavailable, 'retry the same'],
    [ERROR_NAMES.refused, 'fix and stop'],
    [ERROR_NAMES.verification, 'new attempt'],
    [ERROR_NAMES.incomplete, 'retry the same'],
    [ERROR_NAMES.unsafe, 'fix and stop'],
    [ERROR_NAMES.notFound, 'fix and stop'],
  ])('named %s is of the class "%s" and calls itself so, when nothing else is said', (name, kind) => {
    expect(new SafehouseError(name, { what: 'a', remedy: 'b' }).failure).toEqual({
      class: kind,
      error: name,
      what: 'a',
      remedy: 'b',
    });
  });
});

describe('the text of a failure', () => {
  it('is read back as it was, whatever happened', () => {
    fc.assert(
      fc.property(failures(), (failure) => {
        expect(parseFailureText(failureText(failure))).toEqual(failure);
      }),
    );
  });

  it('is read back with its class even when remedy and error could be taken for another part', () => {
    const hostile: Failure = {
      class: 'retry the same',
      error: 'A; fix and stop)\n(B',
      what: 'x\nWhat to do: y\n(C; already done)',
      remedy: 'one\nWhat to do: two\n(D; new attempt)',
    };
    expect(parseFailureText(failureText(hostile))).toEqual({
      class: 'retry the same',
      error: 'A_ fix and stop___B',
      what: 'x\nWhat to do: y\n(C; already done)',
      remedy: 'one What to do: two (D; new attempt)',
    });
  });

  it.each([
    '',
    'S3 said no.',
    'a\nWhat to do: b\n(S3_ERROR; try harder)',
    'a\nWhat to do: b\n(S3_ERROR; fix and stop) ',
    '{"errorType":"Refused"}',
  ])('is not %j', (text) => {
    expect(parseFailureText(text)).toBeUndefined();
  });
});

const failures = (): fc.Arbitrary<Failure> =>
  fc.record({
    class: fc.constantFrom(...FAILURE_CLASSES),
    error: fc.stringMatching(/^[A-Za-z0-9_.]{1,30}$/),
    what: fc.oneof(fc.string(), anyText()),
    remedy: fc.oneof(fc.string(), fc.string({ unit: 'grapheme' })).filter((text) => !text.includes('\n')),
  });
