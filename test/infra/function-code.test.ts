import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type AssetCode, Code } from 'aws-cdk-lib/aws-lambda';
import { describe, expect, test } from 'vitest';
import { bundledFunctions, FUNCTIONS } from '../../infra/function-code.ts';
import { bundleOf, handlerOf } from '../../infra/function-names.ts';
import { scratch } from './scratch.ts';

const LARGEST = 700_000;

describe('the functions', () => {
  const output = scratch('bundles');
  const code = bundledFunctions({ output });
  const bundles = FUNCTIONS.map((name) => [name, join(output, bundleOf(name))] as const);

  test.each(bundles)('%s is small enough to start quickly', (_, file) => {
    expect(statSync(file).size).toBeLessThanOrEqual(LARGEST);
    expect(statSync(file).size).toBeGreaterThan(1000);
  });

  test('all export a handler, and load without anything beside them', () => {
    const script = `
      const files = JSON.parse(process.argv[1]);
      const kinds = await Promise.all(files.map(async (file) => typeof (await import(file)).handler));
      console.log(JSON.stringify(kinds));`;
    const printed = execFileSync(
      process.execPath,
      ['--input-type=module', '-e', script, JSON.stringify(bundles.map(([, file]) => file))],
      { cwd: output, encoding: 'utf8', env: { AWS_REGION: 'eu-central-1' } },
    );
    expect(JSON.parse(printed)).toEqual(FUNCTIONS.map(() => 'function'));
  });

  test('are assets of their own directories', () => {
    for (const name of FUNCTIONS) expect(code(name)).toBeInstanceOf(Code);
    expect(code('backup/begin')).toMatchObject({ path: join(output, 'backup/begin') });
  });

  test('that carry the engine share one', () => {
    const prover = { path: join(output, 'prover') };
    const sharing = FUNCTIONS.filter((name) => (code(name) as AssetCode).path === prover.path);
    expect(sharing).toEqual(['prove/plan', 'prove/item']);
    expect(sharing.map(handlerOf)).toEqual(['plan.handler', 'item.handler']);
  });

  test('that carry the engine leave it to Node to find it, and no other function asks for it', () => {
    const asking = bundles.filter(([, file]) => /\bimport\("chdb"\)/.test(readFileSync(file, 'utf8')));
    expect(asking.map(([name]) => name)).toEqual(['prove/plan', 'prove/item']);
  });
});

describe('bundling', () => {
  const source = scratch('source');
  for (const name of FUNCTIONS) {
    mkdirSync(dirname(join(source, name)), { recursive: true });
    writeFileSync(join(source, `${name}.ts`), `export const handler = (): string => '${name}';\n`);
  }
  const read = (output: string, name: string) => readFileSync(join(output, name), 'utf8');

  test('gives the same bytes each time, wherever they go', () => {
    const [one, two] = [scratch('one'), scratch('two')];
    bundledFunctions({ source, output: one });
    bundledFunctions({ source, output: two });
    for (const file of ['backup/begin/index.mjs', 'alert/webhook/index.mjs', 'prover/plan.mjs'])
      expect(read(one, file)).toBe(read(two, file));
  });

  test('names each function as Lambda finds it, with a map that repeats no source', () => {
    const output = scratch('named');
    bundledFunctions({ source, output });
    expect(read(output, 'retention/plan/index.mjs')).toContain('"retention/plan"');
    const map = JSON.parse(read(output, 'retention/plan/index.mjs.map')) as {
      sources: string[];
      sourcesContent?: unknown;
    };
    expect(map.sources).toHaveLength(1);
    expect(map).not.toHaveProperty('sourcesContent');
  });

  test('happens once for an output, and replaces only what has changed', () => {
    const output = scratch('once');
    const file = join(output, 'backup/begin/index.mjs');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, 'an older bundle');
    const first = bundledFunctions({ source, output });
    const { ino } = statSync(file);
    expect(read(output, 'backup/begin/index.mjs')).toContain('backup/begin');
    expect(bundledFunctions({ source, output })).toBe(first);
    expect(statSync(file).ino).toBe(ino);
  });

  test('says which function is missing', () => {
    expect(() => bundledFunctions({ source: scratch('empty'), output: scratch('none') })).toThrow(
      /backup\/begin/,
    );
  });
});
