/** Functions that carry an engine, and what they find in their environment here, beside what the stack sets. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { ENGINE_DIRECTORY } from '../core/engine-package.ts';
import type { DeployedFunction } from './template.ts';

/** Whether the engine lies beside a function's code. */
export const carriesEngine = ({ file }: Pick<DeployedFunction, 'file'>): boolean =>
  existsSync(join(dirname(file), ENGINE_DIRECTORY));

const UNPACKED = fileURLToPath(new URL('../dist/engine', import.meta.url));

const packageSchema = z.object({ version: z.string() });

/** npm's library in the bundle is Lambda's; on another machine the provers use the one that npm installed there. */
const IS_LIKE_LAMBDA = process.platform === 'linux' && process.arch === 'x64';

/**
 * NODE_PATH, below which the engine is unpacked once. Not the `/tmp` of the stack: here that outlives a function, so that an
 * engine of last year would be found in it, or one that somebody else put there. An empty NODE_PATH is npm's engine.
 */
export function engineVariables({ file }: Pick<DeployedFunction, 'file'>): Readonly<Record<string, string>> {
  if (!IS_LIKE_LAMBDA) return { NODE_PATH: '' };
  const manifest = readFileSync(join(dirname(file), ENGINE_DIRECTORY, 'package.json'), 'utf8');
  return { NODE_PATH: join(UNPACKED, packageSchema.parse(JSON.parse(manifest)).version) };
}
