import fc from 'fast-check';
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

const problems = (schema: z.ZodType, input: unknown): string[] =>
  refusal(schema, input)
    .failure.what.split('\n')
    .slice(1, -1)
    .map((line) => line.slice('  - '.length));

describe('what is allowed', () => {
  it.each<[z.ZodType, unknown, string]>([
    [
      z.iso.datetime(),
      'tonight',
      'a is "tonight"; must be a time with its zone, such as 2026-04-02T02:00:00Z',
    ],
    [z.string().startsWith('arn:'), 'x', 'a is "x"; must begin with "arn:"'],
    [z.email(), 'x', 'a is "x"; must be an e-mail address'],
    [z.string().regex(/^y$/, 'must be y'), 'x', 'a is "x"; must be y'],
    [z.string().endsWith('z', 'ends in z'), 'x', 'a is "x"; ends in z'],
    [z.string().min(1), '', 'a is ""; must be at least 1 character'],
    [z.string().min(2), 'x', 'a is "x"; must be at least 2 characters'],
    [z.array(z.string()).min(1), [], 'a is an empty list; must be at least 1 entry'],
    [z.array(z.string()).max(2), ['', '', ''], 'a is a list; must be at most 2 entries'],
    [z.number().gt(3), 3, 'a is 3; must be more than 3'],
    [z.number().max(3), 4, 'a is 4; must be at most 3'],
    [z.int(), 0.5, 'a is 0.5; must be a whole number'],
    [z.boolean(), null, 'a is null; must be true or false'],
    [z.boolean(), () => 1, 'a is a function; must be true or false'],
    [z.string(), { secret: 'x' }, 'a is an object; must be a text'],
    [z.literal(7), 8, 'a is 8; must be 7'],
    [z.enum(['x', 'y']), 'z', 'a is "z"; must be one of "x", "y"'],
    [z.string(), undefined, 'a is missing; must be a text'],
  ])('%# is said with the value', (schema, value, line) => {
    expect(problems(z.strictObject({ a: schema }), { a: value })).toEqual([line]);
  });

  it.each([
    ['https://host/x?a=b', '"https://host/x?[HIDDEN]"'],
    ['https://host/x?a', '"https://host/x?a"'],
    ['?password=x', '"?[HIDDEN]"'],
    ['user:secret@host', '"[HIDDEN]@host"'],
    ['x'.repeat(78), `"${'x'.repeat(78)}"`],
    ['x'.repeat(79), `"${'x'.repeat(76)}…"`],
  ])('shows %j as %s', (value, shown) => {
    expect(problems(z.strictObject({ a: z.number() }), { a: value })).toEqual([
      `a is ${shown}; must be a number`,
    ]);
  });

  it('never shows what stands in the place of a secret', () => {
    const schema = z.strictObject({ password: z.strictObject({ ssm: z.string() }), webhook: z.number() });
    expect(problems(schema, { password: 'hunter2', webhook: 'https://hooks/secret' })).toEqual([
      'password is a text; must be an object',
      'webhook is a text; must be a number',
    ]);
  });

  it('names a key that is no word by its text', () => {
    const schema = z.record(z.string(), z.number());
    expect(problems(schema, { 'a-b': 'x', '-a': 'x', 'a b': 'x' })).toEqual([
      'a-b is "x"; must be a number',
      '["-a"] is "x"; must be a number',
      '["a b"] is "x"; must be a number',
    ]);
    expect(problems(z.number(), 'x')).toEqual(['the whole is "x"; must be a number']);
  });

  it('tells of a name that is not allowed, and of what a whole must be', () => {
    const names = z.record(z.string().regex(/^[a-z]+$/, 'must be of small letters'), z.number());
    expect(problems(names, { A: 1 })).toEqual(['A: the name "A" must be of small letters']);
    const whole = z.strictObject({ a: z.number() }).refine(({ a }) => a > 1, 'must have more');
    expect(problems(z.strictObject({ b: whole }), { b: { a: 1 } })).toEqual(['b must have more']);
  });
});

describe('of alternatives', () => {
  const either = z.union([
    z.strictObject({ ssm: z.string() }),
    z.strictObject({ secret: z.string(), key: z.string() }),
    z.number(),
  ]);
  const kinds = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('server'), url: z.string() }),
    z.strictObject({ kind: z.literal('role'), arn: z.string(), name: z.string() }),
  ]);

  it('the one that comes closest is explained', () => {
    expect(problems(z.strictObject({ a: either }), { a: { ssm: 7 } })).toEqual([
      'a.ssm is 7; must be a text',
    ]);
    expect(problems(z.strictObject({ a: either }), { a: { secret: 'x', key: 7 } })).toEqual([
      'a.key is 7; must be a text',
    ]);
  });

  it('all are named where none is close', () => {
    expect(problems(z.strictObject({ a: either }), { a: true })).toEqual([
      'a is true; must be an object, or must be a number',
    ]);
    expect(problems(z.strictObject({ a: either }), {})).toEqual([
      'a is missing; must be an object, or must be a number',
    ]);
  });

  it('those with a kind are named by it, with the nearest', () => {
    const of = (a: unknown) => problems(z.strictObject({ a: kinds }), { a });
    expect(of({ kind: 'serve' })).toEqual([
      'a.kind is "serve"; must be one of "server", "role" (did you mean "server"?)',
    ]);
    expect(of({})).toEqual(['a.kind is missing; must be one of "server", "role"']);
    expect(of({ kind: 7 })).toEqual(['a.kind is 7; must be one of "server", "role"']);
    expect(of('x')).toEqual(['a is "x"; must be an object']);
  });

  it('a key that is not known is held against those of its kind alone', () => {
    const of = (a: unknown) => problems(z.strictObject({ a: kinds }), { a });
    expect(of({ kind: 'server', url: 'x', nam: 1 })).toEqual([
      'a.nam is not a known key; known here: kind, url',
    ]);
    expect(of({ kind: 'role', arn: 'x', name: 'y', nam: 1 })).toEqual([
      'a.nam is not a known key (did you mean "name"?); known here: kind, arn, name',
    ]);
  });
});

describe('very many problems', () => {
  const many = (count: number) =>
    problems(
      z.array(z.number()),
      Array.from({ length: count }, () => 'x'),
    );

  it('are told to the fiftieth line', () => {
    expect(many(50)).toHaveLength(50);
    expect(many(50).at(-1)).toBe('[49] is "x"; must be a number');
    expect(many(51)).toHaveLength(50);
    expect(many(51).at(-1)).toBe('and 2 more like these');
    expect(many(1000).at(-1)).toBe('and 951 more like these');
  });

  it('are told in lines of 600 characters at most', () => {
    const line = (length: number) =>
      problems(z.strictObject({ a: z.string().regex(/^y$/, `must ${'m'.repeat(length)}`) }), { a: 'x' })[0] ??
      '';
    const before = 'a is "x"; must '.length;
    expect(line(600 - before)).toHaveLength(600);
    expect(line(600 - before)).toMatch(/m$/);
    expect(line(601 - before)).toHaveLength(601);
    expect(line(601 - before)).toMatch(/m…$/);
  });
});

describe('the nearest word', () => {
  /** Insertions, deletions, substitutions and swaps of neighbours, by the definition and not by a table. */
  function distance(a: string, b: string): number {
    if (a === '' || b === '') return a.length + b.length;
    const same = a[0] === b[0] ? 0 : 1;
    const ways = [
      distance(a.slice(1), b) + 1,
      distance(a, b.slice(1)) + 1,
      distance(a.slice(1), b.slice(1)) + same,
    ];
    if (a.length > 1 && b.length > 1 && a[0] === b[1] && a[1] === b[0])
      ways.push(distance(a.slice(2), b.slice(2)) + 1);
    return Math.min(...ways);
  }

  it('is one that two slips lead to, or one slip for three letters', () => {
    const word = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 6 })
      .map((all) => all.join(''));
    fc.assert(
      fc.property(word, word, (given, allowed) => {
        const isNear = distance(given, allowed) <= Math.max(2, Math.floor(given.length / 3));
        expect(nearestText(given, [allowed])).toBe(isNear ? ` (did you mean "${allowed}"?)` : '');
      }),
    );
  });

  it.each([
    ['badcef', true],
    ['badcfe', false],
    ['abcxyz', false],
    ['abcxyf', true],
    ['xabcdefy', true],
    ['xabcdefyz', true],
    ['xxabcdyz', false],
  ])('%s is near to abcdef: %s', (word, isNear) => {
    expect(nearestText(word, ['abcdef']) !== '').toBe(isNear);
  });

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
