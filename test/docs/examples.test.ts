/** What the pages tell a person to write or to type is what the code takes. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { withFigures } from '../../bench/readme.ts';
import { readCommandLine } from '../../cli/command-line.ts';
import { VERBS } from '../../cli/verbs.ts';
import { parseConfig, targetSchema } from '../../core/config.ts';
import { codeOf, PAGES, readPage } from './page.ts';

const CONFIG_MODULE = fileURLToPath(new URL('../../core/config.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'safehouse-examples-'));
writeFileSync(
  join(directory, 'clickhouse-ca.pem'),
  '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n',
);

async function load(name: string, code: string): Promise<unknown> {
  const file = join(directory, `${name}.ts`);
  const here = code
    .replaceAll('./core/config.ts', CONFIG_MODULE)
    .replaceAll("'clickhouse-ca.pem'", JSON.stringify(join(directory, 'clickhouse-ca.pem')));
  writeFileSync(file, here);
  return ((await import(pathToFileURL(file).href)) as { default: unknown }).default;
}

const blocks = PAGES.flatMap((page) =>
  codeOf(readPage(page), 'ts').map((code, index) => ({ name: `${page.replace(/\W/g, '-')}-${index}`, code })),
);
const whole = blocks.filter(({ code }) => code.includes('export default'));
const parts = blocks.filter(({ code }) => !code.includes('export default') && !/^const /m.test(code));

test('there are configurations to look at', () => {
  expect(whole.length).toBeGreaterThan(3);
  expect(parts.length).toBeGreaterThan(5);
});

test.each(whole)('the configuration $name passes the schema', async ({ name, code }) => {
  expect(() => parseConfig({}, name)).toThrow();
  parseConfig(await load(name, code), name);
});

test.each(parts)('the part of a configuration $name passes the schema', async ({ name, code }) => {
  const part = (await load(name, `export default {\n${code}\n};\n`)) as Record<string, unknown>;
  const ofTarget = Object.keys(part).every((key) => key in targetSchema.shape);
  const common = { url: 'https://host:8443', schedule: { full: 'rate(1 day)' } };
  parseConfig({ targets: ofTarget ? { events: { ...common, ...part } } : part }, name);
});

/** Command lines in code, between fences or in a sentence, as a shell would split them. */
function commandsOf(markdown: string): string[] {
  const lines = [...markdown.matchAll(/npx safehouse ([^`\n]*)/g)].map(([, rest = '']) => rest);
  return [...new Set(lines.map((line) => line.replace(/\s+[#>|].*$/, '').trim()))].filter(
    (line) => line !== '' && !line.startsWith('VERB'),
  );
}

const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

const commands = [...new Set(PAGES.flatMap((page) => commandsOf(readPage(page))))];

describe('the command line', () => {
  test('is used all over the pages', () => {
    expect(commands.length).toBeGreaterThan(20);
  });

  test.each(commands)('takes `npx safehouse %s`', (command) => {
    expect(readCommandLine(wordsOf(command), VERBS).verb?.name).toBe(wordsOf(command)[0]);
  });
});

test('the figures of the README are those of the last bench', () => {
  const readme = readPage('README.md');
  expect(withFigures(readme)).toBe(readme);
});
