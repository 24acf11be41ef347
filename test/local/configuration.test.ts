import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtInConfig, EMBEDDED_URL, isEmbedded } from '../../local/configuration.ts';

const CONFIGURATION = fileURLToPath(new URL('../../local/configuration.ts', import.meta.url));

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safehouse-configuration-'));
});

afterEach(() => rm(directory, { recursive: true }));

/** The targets of the configuration that applies in the directory: a process has only one working directory. */
async function targetsThere(): Promise<string> {
  const script = `const { localConfig } = await import(${JSON.stringify(CONFIGURATION)});
    console.log(Object.keys((await localConfig()).targets).join());`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: directory,
  });
  return stdout.trim();
}

const configOf = (name: string): string =>
  `export default { targets: { ${name}: { url: '${EMBEDDED_URL}', schedule: { full: 'rate(1 day)' } } } };`;

test('without a file, the built-in configuration has one target, on the embedded engine', async () => {
  expect(await targetsThere()).toBe('demo');
  expect(Object.values(builtInConfig().targets).map(isEmbedded)).toEqual([true]);
});

test('safehouse.local.config.ts is taken, safehouse.config.ts is not: it names servers in use', async () => {
  await writeFile(join(directory, 'safehouse.config.ts'), configOf('production'));
  expect(await targetsThere()).toBe('demo');
  await writeFile(join(directory, 'safehouse.local.config.ts'), configOf('mine'));
  expect(await targetsThere()).toBe('mine');
});

test.each([
  ['http://embedded.localhost', true],
  ['http://embedded.localhost/', true],
  ['http://localhost:8123', false],
  ['https://clickhouse.internal:8443', false],
])('%s is the embedded engine: %s', (url, embedded) => {
  expect(isEmbedded({ url })).toBe(embedded);
});
