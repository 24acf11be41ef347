/** The table of faults is what the suite has shown, and was made after the list was last changed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MATRIX } from '../faults/matrix.ts';
import { PAGE, withFaults } from '../faults/page.ts';
import { resultsSchema, shownRows } from '../faults/results.ts';
import { readPage, rowsOf } from './page.ts';

const results = resultsSchema.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, '../faults/results.json'), 'utf8')),
);

test('the page has the list and the results as they are: `npm run test:faults` writes it', () => {
  const page = readPage(PAGE);
  expect(withFaults(page, results)).toBe(page);
});

test('every fault of the page has a test that passed', () => {
  expect(shownRows(results)).toEqual(MATRIX.map(({ number }) => number));
  expect(rowsOf(readPage(PAGE)).filter(([number]) => /^\d+$/.test(number ?? ''))).toHaveLength(52);
});
