/** What the guide for restores says is what the code takes and answers. */
import { describe, expect, test } from 'vitest';
import { RESTORE_FLAGS } from '../../cli/restore-request.ts';
import { ACCEPTABLE, COMPARISONS, PREFLIGHT_CHECKS } from '../../core/restore.ts';
import { RESTORE_MODES, restoreInputSchema } from '../../core/restore-input.ts';
import { codeOf, readPage, rowsOf } from './page.ts';

const page = readPage('docs/restore.md');
const rows = rowsOf(page).map((cells) => cells.map((cell) => cell.trim()));
const first = (row: readonly string[]): string => (row[0] ?? '').replaceAll('`', '');

/** Also those that stand in a list. */
const inputs = codeOf(page.replace(/^ +/gm, ''), 'json').filter((code) => !code.includes('"event"'));

test('there is an input for each case', () => {
  expect(inputs.length).toBeGreaterThan(10);
});

test.each(inputs)('takes %s', (input) => {
  expect(restoreInputSchema.safeParse(JSON.parse(input)).error).toBeUndefined();
});

test('names every key of the input, and its flag', () => {
  const keys = new Map(rows.map((row) => [first(row), row[1]] as const));
  for (const key of Object.keys(restoreInputSchema.shape)) expect(keys.get(key), key).toBeDefined();
  for (const flag of Object.keys(RESTORE_FLAGS)) expect(page).toContain(`| \`--${flag}`);
});

test.each(PREFLIGHT_CHECKS)('says what the finding %s means, and whether it can be accepted', (check) => {
  const row = rows.find((cells) => first(cells) === check);
  expect(row?.[3] === 'yes').toBe(ACCEPTABLE.includes(check));
});

describe('the words', () => {
  const named = new Set(rows.map((row) => first(row).split(',')[0]));
  test.each([...RESTORE_MODES, ...COMPARISONS])('%s is explained', (word) => {
    expect(named).toContain(word);
  });
});
