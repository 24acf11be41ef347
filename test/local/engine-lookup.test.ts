/** Where a bundle finds a package: in itself, else below NODE_PATH, and never in what lies above it on this machine. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const LOOKUP = fileURLToPath(new URL('../../local/engine-lookup.ts', import.meta.url));

let directory: string;

async function file(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(directory, path)), { recursive: true });
  await writeFile(join(directory, path), text);
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safehouse-lookup-'));
  const exported = (where: string): string => `module.exports = ${JSON.stringify(where)};`;
  await file('project/node_modules/@engine/lib/index.js', exported('above'));
  await file('project/node_modules/binding/index.js', exported('above'));
  await file('project/bundle/node_modules/binding/index.js', "module.exports = require('@engine/lib');");
  await file('unpacked/@engine/lib/index.js', exported('unpacked'));
  await file('project/beside.mjs', "export default 'by its address';");
  const beside = JSON.stringify(new URL(`file://${join(directory, 'project/beside.mjs')}`).href);
  await file(
    'project/bundle/index.mjs',
    `import { findEngineInNodePath } from ${JSON.stringify(LOOKUP)};
     findEngineInNodePath();
     const { default: found } = await import('binding');
     console.log([found, (await import(${beside})).default, typeof (await import('node:fs')).rm].join());`,
  );
});

afterAll(() => rm(directory, { recursive: true }));

async function found(environment: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(directory, 'project/bundle/index.mjs')],
    {
      env: environment,
    },
  );
  return stdout.trim();
}

test('the engine is the one that was unpacked, although the project has one too', async () => {
  const LAMBDA_TASK_ROOT = join(directory, 'project/bundle');

  expect(await found({ LAMBDA_TASK_ROOT, NODE_PATH: join(directory, 'unpacked') })).toBe(
    'unpacked,by its address,function',
  );
});

test('without NODE_PATH it is the one of the project', async () => {
  const LAMBDA_TASK_ROOT = join(directory, 'project/bundle');

  expect(await found({ LAMBDA_TASK_ROOT, NODE_PATH: '' })).toBe('above,by its address,function');
});

test('one that was not unpacked is missed, as it would be on Lambda', async () => {
  const LAMBDA_TASK_ROOT = join(directory, 'project/bundle');

  await expect(found({ LAMBDA_TASK_ROOT, NODE_PATH: join(directory, 'nowhere') })).rejects.toThrow(
    'MODULE_NOT_FOUND',
  );
});
