/** The code of the functions: each entry point bundled as Lambda loads it, in a directory that becomes an asset. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { EngineOptions } from './engine.ts';
import { bundleOf, type FunctionName, isProver } from './function-names.ts';
import { ProverCode } from './prover-code.ts';

export { FUNCTIONS, type FunctionName } from './function-names.ts';

/** Gives each function its code: a directory with the file that `handlerOf` names. */
export type FunctionCode = (name: FunctionName) => Code;

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BUNDLE = fileURLToPath(new URL('bundle.ts', import.meta.url));

export interface BundleOptions {
  /**
   * The directory in which the functions lie.
   *
   * @default - `functions/` of this package
   */
  readonly source?: string;
  /**
   * The directory that takes the bundles, each where `bundleOf` says.
   *
   * @default - `dist/functions/` of this package
   */
  readonly output?: string;
  /**
   * Where the engine of the provers comes from.
   *
   * @default - npm's package, compressed once and kept
   */
  readonly engine?: EngineOptions;
}

const bundled = new Map<string, FunctionCode>();

/**
 * Bundles every function, at most once in a process for each output directory. The engine is packed when the code of a
 * prover becomes part of a stack.
 *
 * @throws Error with what esbuild says, when a function is missing or does not compile
 */
export function bundledFunctions({
  source = join(ROOT, 'functions'),
  output = join(ROOT, 'dist/functions'),
  engine = {},
}: BundleOptions = {}): FunctionCode {
  const known = bundled.get(output);
  if (known !== undefined) return known;
  const { status, stderr } = spawnSync(process.execPath, [BUNDLE, source, output], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the functions in ${source} could not be bundled:\n${stderr}`);
  const code: FunctionCode = (name) => {
    const directory = join(output, dirname(bundleOf(name)));
    return isProver(name) ? new ProverCode(directory, engine) : Code.fromAsset(directory);
  };
  bundled.set(output, code);
  return code;
}
