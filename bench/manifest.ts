/** What it costs to verify a backup of very many files: time, and the most memory that the process held. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface ManifestCost {
  /** An incremental takes every file from a base of the same size, whose manifest and listing are read, too. */
  readonly kind: 'full' | 'incremental';
  readonly files: number;
  readonly objects: number;
  readonly manifestBytes: number;
  readonly verdict: string;
  readonly seconds: number;
  readonly peakBytes: number;
}

const PROCESS = fileURLToPath(new URL('manifest-process.ts', import.meta.url));
const TIME_LIMIT_MS = 120_000;

/** Verifies a generated backup in a process of its own and returns what it cost. */
export async function measureManifest(
  kind: ManifestCost['kind'] = 'full',
  files = 1_000_000,
): Promise<ManifestCost> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROCESS, String(files), kind], {
    timeout: TIME_LIMIT_MS,
  });
  return JSON.parse(stdout);
}
