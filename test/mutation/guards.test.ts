/** The table of guards fits the code as it is; breaking them takes a quarter of an hour and is `npm run test:mutation -- guards`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { GUARDS } from './guards.ts';
import { withoutGuard } from './run-guards.ts';
import { ROOT } from './tree.ts';

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

test.each(GUARDS)('the guard stands once in its file: $guard', (guard) => {
  const whole = read(guard.file);
  expect(withoutGuard(whole, guard)).not.toBe(whole);
});

test('each guard has a name of its own', () => {
  expect(new Set(GUARDS.map(({ guard }) => guard)).size).toBe(GUARDS.length);
});

test('a guard that is gone, or stands twice, is an error', () => {
  const guard = { guard: 'x', file: 'a.ts', text: 'if (x)', broken: '', testFile: 'a.test.ts', test: 'x' };
  expect(withoutGuard('a; if (x) b;', guard)).toBe('a;  b;');
  for (const whole of ['a;', 'if (x) if (x)'])
    expect(() => withoutGuard(whole, guard)).toThrow(/The guard "x" stands \d times in a\.ts/);
});
