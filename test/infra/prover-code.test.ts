import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { App, Stack } from 'aws-cdk-lib/core';
import { expect, test } from 'vitest';
import { ProverCode } from '../../infra/prover-code.ts';
import { scratch } from './scratch.ts';
import { resourcesOf, type Template } from './synthesis.ts';

const library = scratch('library');
for (const file of ['package.json', 'index.js', 'chdb_node.node', 'libchdb.so'])
  writeFileSync(join(library, file), file);
const engine = { source: library, cache: scratch('cache') };

/** The bundles of both functions, without the engine. */
function bundles(planText = 'plan'): string {
  const directory = scratch('bundles');
  mkdirSync(join(directory, 'node_modules/chdb'), { recursive: true });
  for (const [file, text] of [
    ['plan.mjs', planText],
    ['item.mjs', 'item'],
    ['node_modules/chdb/index.js', 'chdb'],
  ] as const)
    writeFileSync(join(directory, file), text);
  return directory;
}

/** Both functions in a stack, synthesised. */
function synthesise(directory: string, outdir = scratch('cdk.out')) {
  const app = new App({ outdir, builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'Stack');
  for (const name of ['plan', 'item'])
    new LambdaFunction(stack, name, {
      code: new ProverCode(directory, engine),
      handler: `${name}.handler`,
      runtime: Runtime.NODEJS_24_X,
    });
  const template = app.synth().getStackByName('Stack').template as Template;
  const keys = resourcesOf(template, 'AWS::Lambda::Function').map(
    ([, { Properties }]) => (Properties['Code'] as { S3Key: string }).S3Key,
  );
  const { files } = JSON.parse(readFileSync(join(outdir, 'Stack.assets.json'), 'utf8')) as {
    files: Readonly<Record<string, { source: { path: string; packaging: string } }>>;
  };
  return { outdir, template, keys, files };
}

const ASSET = ['engine', 'item.mjs', 'node_modules', 'plan.mjs'];

test('both functions are one asset, with the engine in it', () => {
  const { keys, files, outdir } = synthesise(bundles());
  const [key = '', other] = keys;
  expect(other).toBe(key);
  const source = files[key.replace('.zip', '')]?.source;
  expect(source?.packaging).toBe('zip');
  const asset = join(outdir, source?.path ?? 'missing');
  expect(readdirSync(asset).sort()).toEqual(ASSET);
  expect(readdirSync(join(asset, 'engine'))).toContain('libchdb.so.zst');
  expect(readdirSync(outdir).filter((name) => name.startsWith('asset.'))).toHaveLength(1);
});

test('the directory of the bundles does not get the engine', () => {
  const directory = bundles();
  synthesise(directory);
  expect(readdirSync(directory)).not.toContain('engine');
});

test('a second synthesis gives the same template, and writes the engine no second time', () => {
  const [one, two] = [synthesise(bundles()), synthesise(bundles())];
  expect(two.template).toEqual(one.template);
  const libraryIn = ({ outdir, keys: [key = ''], files }: typeof one) =>
    join(outdir, files[key.replace('.zip', '')]?.source.path ?? '', 'engine/libchdb.so.zst');
  expect(statSync(libraryIn(two)).ino).toBe(statSync(libraryIn(one)).ino);
});

test('a second synthesis into the same directory finds the asset there', () => {
  const directory = bundles();
  const first = synthesise(directory);
  expect(synthesise(directory, first.outdir).keys).toEqual(first.keys);
});

test('another bundle is another asset', () => {
  expect(synthesise(bundles('another plan')).keys).not.toEqual(synthesise(bundles()).keys);
});

test('an asset that an interrupted synthesis left without its engine gets it', () => {
  const directory = bundles();
  const { outdir, keys } = synthesise(directory);
  const elsewhere = scratch('cdk.out');
  const asset = `asset.${keys[0]?.replace('.zip', '')}`;
  mkdirSync(join(elsewhere, asset));
  synthesise(directory, elsewhere);
  expect(readdirSync(join(elsewhere, asset, 'engine')).sort()).toEqual(
    readdirSync(join(outdir, asset, 'engine')).sort(),
  );
});
