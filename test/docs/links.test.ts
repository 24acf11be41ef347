import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Link, linksOf, PAGES, readPage, sectionsOf } from './page.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function problemWith({ page, anchor }: Link): string | undefined {
  if (!existsSync(join(ROOT, page))) return `there is no ${page}`;
  if (anchor === undefined || !page.endsWith('.md')) return undefined;
  const found = sectionsOf(readPage(page)).some((section) => section.anchor === anchor);
  return found ? undefined : `${page} has no section #${anchor}`;
}

describe.each(PAGES)('%s', (page) => {
  const links = linksOf(page, readPage(page));

  test('leads to files and sections that exist', () => {
    expect(links.map(problemWith).filter((problem) => problem !== undefined)).toEqual([]);
  });

  test('has no two sections of the same name', () => {
    const anchors = sectionsOf(readPage(page)).map(({ anchor }) => anchor);
    expect(anchors.filter((anchor, index) => anchors.indexOf(anchor) !== index)).toEqual([]);
  });
});

test('the pages link to each other', () => {
  expect(PAGES.flatMap((page) => linksOf(page, readPage(page))).length).toBeGreaterThan(60);
});

describe('what the sources say of the pages', () => {
  const sources = globSync('{core,clients,functions,infra,cli,local}/**/*.ts', { cwd: ROOT });
  const named = sources.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\b(docs\/[\w-]+\.md)(?:#([\w-]+))?/g)].map(
      ([, page = '', anchor]) => ({ file, link: { page, anchor } }),
    ),
  );

  test('is true', () => {
    expect(named.length).toBeGreaterThan(5);
    expect(named.flatMap(({ file, link }) => (problemWith(link) === undefined ? [] : [file]))).toEqual([]);
  });
});
