/** The list of faults and the suite agree: every row has its tests, every test its row, and what is named elsewhere is there. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MATRIX } from './matrix.ts';

const TESTS = join(import.meta.dirname, '..');

/** Titles as they stand in the source, with their placeholders. */
const titlesOf = (file: string): string[] =>
  [
    ...readFileSync(file, 'utf8').matchAll(/(?:^|[\s)])(?:test|it)?\(\s*(['"`])((?:(?!\1)[^\\\n]|\\.)+)\1/gm),
  ].map(([, , title = '']) => title.replaceAll(/\\(.)/g, '$1'));

const suite = globSync('faults/*.test.ts', { cwd: TESTS }).map((path) => ({
  file: path.slice('faults/'.length),
  titles: titlesOf(join(TESTS, path)),
}));

test('there are 52 faults, each once', () => {
  expect(MATRIX.map(({ number }) => number)).toEqual(Array.from({ length: 52 }, (_, index) => index + 1));
  expect(new Set(MATRIX.map(({ fault }) => fault)).size).toBe(52);
});

describe.each(MATRIX)('fault $number', ({ number, files, also = [] }) => {
  test('has a test by its name in each file that its row names, and in no other', () => {
    const having = suite.filter(({ titles }) =>
      titles.some((title) => title.startsWith(`fault ${number}: `)),
    );
    expect(having.map(({ file }) => file).sort()).toEqual([...files].sort());
  });

  test('is shown elsewhere by tests that exist', () => {
    for (const { file, title } of also) {
      expect(existsSync(join(TESTS, file))).toBe(true);
      expect(titlesOf(join(TESTS, file))).toContain(title);
    }
  });
});

test('no test is of a fault that the list does not have', () => {
  const faults = suite.filter(({ file }) => file !== 'matrix.test.ts').flatMap(({ titles }) => titles);
  const named = faults.filter((title) => /^fault \d+: /.test(title));
  expect(named.length).toBeGreaterThan(60);
  for (const title of named)
    expect(MATRIX.map(({ number }) => `fault ${number}`)).toContain(title.slice(0, title.indexOf(':')));
});
