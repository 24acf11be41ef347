/** The code of the functions: each entry point bundled into a directory of its own, as Lambda loads it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Code } from 'aws-cdk-lib/aws-lambda';

/** Every function, by its file under `functions/`. */
export const FUNCTIONS = [
  'backup/begin',
  'backup/check-before',
  'backup/prepare',
  'backup/submit',
  'backup/poll',
  'backup/verify',
  'backup/record-failure',
  'retention/plan',
  'retention/remove',
  'retention/record-failure',
  'doctor/examine',
  'watch/publish-ages',
  'alert/webhook',
] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** Gives each function its code. */
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
   * The directory that takes the bundles, `<output>/<workflow>/<step>/index.mjs`.
   *
   * @default - `dist/functions/` of this package
   */
  readonly output?: string;
}

const bundled = new Map<string, FunctionCode>();

/**
 * Bundles every function, at most once in a process for each output directory.
 *
 * @throws Error with what esbuild says, when a function is missing or does not compile
 */
export function bundledFunctions({
  source = join(ROOT, 'functions'),
  output = join(ROOT, 'dist/functions'),
}: BundleOptions = {}): FunctionCode {
  const known = bundled.get(output);
  if (known !== undefined) return known;
  const { status, stderr } = spawnSync(process.execPath, [BUNDLE, source, output, ...FUNCTIONS], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the functions in ${source} could not be bundled:\n${stderr}`);
  const code: FunctionCode = (name) => Code.fromAsset(join(output, name));
  bundled.set(output, code);
  return code;
}
