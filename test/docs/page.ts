/** The pages under docs/, as GitHub reads them. */
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/architecture.md',
  'docs/clickhouse.md',
  'docs/configuration.md',
  'docs/migration.md',
  'docs/networking.md',
  'docs/reliability.md',
  'docs/proof.md',
  'docs/restore.md',
  'docs/runbook.md',
  'docs/security.md',
] as const;

export const readPage = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** Without the code between fences, in which a `#` is a comment and a `|` an or. */
export const withoutCode = (markdown: string): string => markdown.replace(/^```[\s\S]*?^```$/gm, '');

/** The fenced blocks of a language. */
export const codeOf = (markdown: string, language: string): string[] =>
  [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, given, code = '']) =>
    given === language ? [code] : [],
  );

export interface Section {
  readonly anchor: string;
  readonly heading: string;
  readonly level: number;
  /** Up to the next heading, whatever its level. */
  readonly text: string;
}

export function sectionsOf(markdown: string): Section[] {
  const [, ...parts] = `\n${withoutCode(markdown)}`.split(/\n(?=#{1,6} )/);
  return parts.map((part) => {
    const [, marks = '', heading = ''] = /^(#+) (.*)/.exec(part) ?? [];
    const text = part.slice(part.indexOf('\n') + 1);
    return { anchor: anchorOfHeading(heading), heading, level: marks.length, text };
  });
}

/** GitHub's rule: lower case, blanks become hyphens, other punctuation goes. */
const anchorOfHeading = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}\s_-]/gu, '')
    .replaceAll(' ', '-');

/** The cells of each row of every table, without the rows of dashes. */
export const rowsOf = (markdown: string): string[][] =>
  withoutCode(markdown)
    .split('\n')
    .filter((line) => /^\|.*\|$/.test(line) && !/^\|[-|]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );

export interface Link {
  /** The page that it leads to, from the root of the project. */
  readonly page: string;
  readonly anchor: string | undefined;
}

/** Links to files of the project. */
export const linksOf = (page: string, markdown: string): Link[] =>
  [...withoutCode(markdown).matchAll(/\]\((?!https?:|mailto:)([^)\s]*)\)/g)].map(([, address = '']) => {
    const [file = '', anchor] = address.split('#');
    return { page: file === '' ? page : normalize(join(dirname(page), file)), anchor };
  });
