/** What the threat model says is shown by a test is shown by one that exists. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readPage, rowsOf, sectionsOf } from './page.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const page = readPage('docs/security.md');
const model = page.slice(page.indexOf('\n## Threats'), page.indexOf('\n## What is not covered'));

const shown = [...model.matchAll(/“([^”]+)” \(`(test\/[\w./-]+)`\)/g)].map(([, title = '', file = '']) => ({
  title,
  file,
}));

/** As it stands in the source: with the quotes of its language escaped. */
const formsOf = (title: string): string[] =>
  ["'", '"', '`'].map((quote) => `${quote}${title.replaceAll(quote, `\\${quote}`)}${quote}`);

describe.each(shown)('“$title” ($file)', ({ title, file }) => {
  test('is a test', () => {
    const path = join(ROOT, file);
    expect(existsSync(path)).toBe(true);
    const source = readFileSync(path, 'utf8');
    expect(formsOf(title).filter((form) => source.includes(form))).not.toEqual([]);
  });
});

test.each(sectionsOf(model).filter(({ level }) => level === 3))(
  'each row of “$heading” names a test',
  ({ text }) => {
    const [, ...rows] = rowsOf(text);
    expect(rows.length).toBeGreaterThan(2);
    for (const row of rows) expect(row.at(-1)).toMatch(/^“[^”]+” \(`test\//);
  },
);

test('the model speaks of every attacker', () => {
  expect(sectionsOf(model).flatMap(({ heading, level }) => (level === 3 ? [heading] : []))).toEqual([
    'A stolen ClickHouse server',
    'A stolen step function',
    'An angry operator',
    'An attacker in the bucket',
    'A poisoned manifest',
    'Hostile names',
    'Hostile text in errors',
    'Secrets',
  ]);
});
