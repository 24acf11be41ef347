/** What it takes until a prover that has just been started answers a query. */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Seconds from the start of the process's own code, each to the end of its step. */
export interface ColdStart {
  readonly imported: number;
  readonly unpacked: number;
  /** The engine is loaded, and has said its version. */
  readonly opened: number;
  readonly answered: number;
  readonly peakBytes: number;
}

const PROCESS = fileURLToPath(new URL('cold-start-process.ts', import.meta.url));

/**
 * Starts a process of its own for the bundle of a function that carries the engine.
 *
 * @param directory empty or absent; the engine is unpacked into it, and it is removed afterwards
 * @returns the whole time in seconds, too, from before the process was started to after it had ended
 */
export async function measureColdStart(
  file: string,
  directory: string,
): Promise<ColdStart & { readonly whole: number }> {
  const before = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, ['--enable-source-maps', PROCESS, file], {
    env: {
      LAMBDA_TASK_ROOT: dirname(file),
      NODE_PATH: join(directory, 'unpacked'),
      TMPDIR: directory,
      AWS_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
  });
  const whole = (performance.now() - before) / 1000;
  await rm(directory, { recursive: true });
  return { ...(JSON.parse(stdout) as ColdStart), whole };
}
