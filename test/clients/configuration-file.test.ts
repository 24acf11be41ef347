import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../clients/configuration-file.ts';
import { failureOf } from '../support/failures.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safehouse-config-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function holding(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

describe('the configuration file', () => {
  it('is TypeScript, and is checked', async () => {
    const path = await holding(
      'good.ts',
      `const url: string = 'https://clickhouse.example:8443';
       export default { targets: { logs: { url, schedule: { full: 'cron(0 2 * * ? *)' } } } };`,
    );
    expect((await loadConfig(path)).targets['logs']?.url).toBe('https://clickhouse.example:8443');
  });

  it('that is not there is named, with what to do', async () => {
    const failure = await failureOf('InvalidConfiguration', loadConfig(join(directory, 'nowhere.ts')));
    expect(failure.what).toBe(`There is no configuration at ${join(directory, 'nowhere.ts')}.`);
    expect(failure.remedy).toContain('--config');
  });

  it.each([
    ['throws.ts', "throw new Error('at once');", 'could not be read as TypeScript: at once'],
    ['garbled.ts', 'export default {', 'could not be read as TypeScript'],
    ['without.ts', 'export const config = {};', 'has no default export'],
    ['wrong.ts', 'export default { targets: {} };', 'targets must name at least one target'],
    ['number.ts', 'export default 7;', 'the whole is 7; must be an object'],
  ])('%s is refused by name', async (name, text, what) => {
    const path = await holding(name, text);
    const failure = await failureOf('InvalidConfiguration', loadConfig(path));
    expect(failure.what).toContain(what);
    expect(failure.what).toContain(path);
  });
});
