import { type Figure, measured, type Result, sampled, type Tools } from '../figure.ts';
import { type ManifestCost, measureManifest } from '../manifest.ts';
import { spreadOf } from '../statistics.ts';

const FILES = 1_000_000;
const MOST_BYTES = 256_000_000;
const ROUNDS = 3;

export const verification: Figure = {
  number: 3,
  title: 'Verifying a backup of 1,000,000 files',
  async measure({ say }: Tools): Promise<Result> {
    const full = await several('full', FILES, say);
    const incremental = await several('incremental', FILES / 4, say);
    return {
      measurements: [
        measured('full: most memory', most(full), 'bytes', { atMost: MOST_BYTES }),
        sampled('full: time', spreadOf(full.map(({ seconds }) => seconds)), 'seconds'),
        measured('incremental of 250,000 files: most memory', most(incremental), 'bytes', {
          atMost: MOST_BYTES,
        }),
        sampled('incremental: time', spreadOf(incremental.map(({ seconds }) => seconds)), 'seconds'),
      ],
      notes: [
        'A process of its own, its whole resident memory counted (VmHWM), Node included. An incremental reads its base, too.',
      ],
      details: { full, incremental },
    };
  },
};

async function several(
  kind: ManifestCost['kind'],
  files: number,
  say: Tools['say'],
): Promise<readonly ManifestCost[]> {
  const costs: ManifestCost[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const cost = await measureManifest(kind, files);
    if (cost.verdict !== 'complete')
      throw new Error(`the generated ${kind} backup was found ${cost.verdict}: nothing was measured`);
    say(`${kind}, ${round} of ${ROUNDS}: ${cost.seconds.toFixed(1)} s`);
    costs.push(cost);
  }
  return costs;
}

const most = (costs: readonly ManifestCost[]): number => Math.max(...costs.map(({ peakBytes }) => peakBytes));
