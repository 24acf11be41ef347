/** The section on mutations says what was measured, of the code and the guards that there are. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { GUARDS } from '../mutation/guards.ts';
import { PAGE, withMutations } from '../mutation/page.ts';
import { resultsSchema, scoreOf, totalOf } from '../mutation/results.ts';
import { ROOT } from '../mutation/tree.ts';
import { readPage } from './page.ts';

const results = resultsSchema.parse(
  JSON.parse(readFileSync(join(ROOT, 'test/mutation/results.json'), 'utf8')),
);

test('the page has the results as they are: `npm run test:mutation` writes it', () => {
  const page = readPage(PAGE);
  expect(withMutations(page, results)).toBe(page);
});

test('every guard was broken, and its test noticed', () => {
  expect(results.guards.map(({ guard }) => guard)).toEqual(GUARDS.map(({ guard }) => guard));
  expect(results.guards.filter(({ isNoticed }) => !isNoticed)).toEqual([]);
});

test('at least 85 % of the changes of core/ were noticed, in files that are there', () => {
  expect(scoreOf(totalOf(results.files))).toBeGreaterThanOrEqual(85);
  expect(results.files.filter(({ file }) => !existsSync(join(ROOT, file)))).toEqual([]);
});
