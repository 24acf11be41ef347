import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { explainIssues, nearestText } from '../../core/config-problems.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';

function refusal(schema: z.ZodType, input: unknown): SafehouseError {
  try {
    explainIssues(schema, input, 'The input', ERROR_NAMES.input);
  } catch (error) {
    if (error instanceof SafehouseError) return error;
  }
  throw new Error('it was not refused');
}

describe('a problem', () => {
  it('comes with the error name that was asked for, and what to do', () => {
    expect(refusal(z.strictObject({ a: z.string() }), { a: 7 })).toMatchObject({
      name: 'InvalidInput',
      failure: {
        class: 'fix and stop',
        what: 'The input has a problem:\n  - a is 7; must be a text\n',
        remedy: 'Correct it and try again; nothing was changed.',
      },
    });
  });

  it('shows a long value by its beginning', () => {
    const { failure } = refusal(z.strictObject({ a: z.number() }), { a: 'x'.repeat(500) });
    expect(failure.what).toContain(`a is "${'x'.repeat(76)}…"; must be a number`);
  });

  it('shows a long or odd key by its beginning, on one line', () => {
    const { failure } = refusal(z.strictObject({}), { ['y\n'.repeat(500)]: 1 });
    expect(failure.what).toMatch(/ {2}- \["(?:y\\n)+y?…"\] is not a known key\n$/);
  });

  it('in a list is named by its place', () => {
    const { failure } = refusal(z.array(z.strictObject({ a: z.number() })), [{ a: 1 }, { a: true }]);
    expect(failure.what).toContain('[1].a is true; must be a number');
  });

  it.each([
    ['bob@example.com', '"bob@example.com"'],
    ['https://host:8443/x', '"https://host:8443/x"'],
    ['https://key@host/x', '"https://[HIDDEN]@host/x"'],
    ['cron(0 2 ? * SUN *)', '"cron(0 2 ? * SUN *)"'],
  ])('shows %j as %s', (value, shown) => {
    expect(refusal(z.strictObject({ a: z.number() }), { a: value }).failure.what).toContain(
      `a is ${shown}; must be`,
    );
  });
});

describe('the nearest word', () => {
  const words = ['databases', 'tables', 'schedule'];

  it.each([
    ['databse', 'databases'],
    ['Databases', 'databases'],
    ['tabels', 'tables'],
    ['shedule', 'schedule'],
    ['scheduel', 'schedule'],
  ])('to %s is %s', (word, nearest) => {
    expect(nearestText(word, words)).toBe(` (did you mean "${nearest}"?)`);
  });

  it.each(['zzz', 'bucket', '', 'x'.repeat(100_000)])('to %s is none', (word) => {
    expect(nearestText(word.slice(0, 100_000), words)).toBe('');
  });

  it('of no words is none', () => {
    expect(nearestText('tables', [])).toBe('');
  });
});
