import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bundledFunctions, FUNCTIONS, type FunctionName } from '../../infra/function-code.ts';
import { bundleOf } from '../../infra/function-names.ts';
import { type Figure, measured, type Result, sampled, type Tools } from '../figure.ts';
import type { ImportCost } from '../import-process.ts';
import { median, spreadOf } from '../statistics.ts';

const MOST_BYTES = 700_000;
const MOST_MILLISECONDS = 150;
const ROUNDS = 9;

interface Bundle {
  readonly name: FunctionName;
  readonly file: string;
  readonly bytes: number;
}

export const bundles: Figure = {
  number: 5,
  title: 'Size and import time of each function',
  async measure({ workspace, say }: Tools): Promise<Result> {
    const output = await workspace.subdirectory('functions');
    bundledFunctions({ output });
    const all = FUNCTIONS.map((name): Bundle => {
      const file = join(output, bundleOf(name));
      return { name, file, bytes: statSync(file).size };
    });
    const costs = await importCosts(all, say);
    const imports = all.map(({ name }) => {
      const own = costs.get(name) ?? [];
      return {
        name,
        elapsed: spreadOf(own.map(({ elapsed }) => elapsed)),
        processor: median(own.map(({ processor }) => processor)),
      };
    });
    const largest = Math.max(...all.map(({ bytes }) => bytes));
    return {
      measurements: [
        measured(`largest of ${all.length} bundles`, largest, 'bytes', { atMost: MOST_BYTES }),
        measured(
          'slowest import, its median',
          Math.max(...imports.map(({ elapsed }) => elapsed.median)),
          'milliseconds',
          { atMost: MOST_MILLISECONDS },
        ),
        measured(
          'most processor time of an import',
          Math.max(...imports.map(({ processor }) => processor)),
          'milliseconds',
        ),
        ...all.map(({ name, bytes }) => measured(`${name}: bundle`, bytes, 'bytes', { atMost: MOST_BYTES })),
        ...imports.map(({ name, elapsed }) =>
          sampled(`${name}: import`, elapsed, 'milliseconds', { atMost: MOST_MILLISECONDS }),
        ),
      ],
      notes: [
        'Code alone: the engine that the provers carry lies beside it and is opened when it is needed.',
        `Each import in a fresh process of Node ${process.versions.node}, with source maps on, as deployed. On a busy machine it takes longer than the processor time that it uses.`,
      ],
      details: { imports },
    };
  },
};

/** In turns, so that a noisy minute hits all functions alike; the first turn only warms the disk's cache. */
async function importCosts(
  all: readonly Bundle[],
  say: Tools['say'],
): Promise<ReadonlyMap<FunctionName, readonly ImportCost[]>> {
  const costs = new Map<FunctionName, ImportCost[]>(all.map(({ name }) => [name, []]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const { name, file } of all) {
      const cost = await importOnce(file);
      if (round > 0) costs.get(name)?.push(cost);
    }
    if (round > 0) say(`imports, ${round} of ${ROUNDS}`);
  }
  return costs;
}

const PROCESS = fileURLToPath(new URL('../import-process.ts', import.meta.url));

async function importOnce(file: string): Promise<ImportCost> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--enable-source-maps', PROCESS, file], {
    env: { AWS_REGION: 'us-east-1' },
  });
  // Whatever else a module writes while it loads makes this something else than JSON, and is a defect.
  return JSON.parse(stdout);
}
