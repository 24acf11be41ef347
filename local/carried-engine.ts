/** Functions that carry an engine, and what they find in their environment here, beside what the stack sets. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { ENGINE_DIRECTORY, ENGINE_PACKAGE } from '../core/engine-package.ts';
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
  const place = join(UNPACKED, packageSchema.parse(JSON.parse(manifest)).version);
  removeUnfinished(join(place, ENGINE_PACKAGE, '..'));
  return { NODE_PATH: place };
}

/** What processes left that were killed while they unpacked: half a gigabyte each. Their number is in the name. */
function removeUnfinished(packages: string): void {
  if (!existsSync(packages)) return;
  for (const name of readdirSync(packages)) {
    const [, pid] = /\.(\d+)\.partial$/.exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid)))
      rmSync(join(packages, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs and is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
