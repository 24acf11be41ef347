import { describe, expect, it } from 'vitest';
import { measureManifest } from '../../bench/manifest.ts';

const LIMIT = 256 * 1024 * 1024;

describe('verifyBackup in a process of its own', () => {
  it('verifies 1,000,000 files against 1,000,000 objects within 256 MB', async () => {
    const cost = await measureManifest('full', 1_000_000);

    expect(cost).toMatchObject({ verdict: 'complete', files: 1_000_000, objects: 1_000_002 });
    expect(cost.manifestBytes).toBeGreaterThan(150_000_000);
    expect(cost.peakBytes).toBeGreaterThan(30_000_000);
    expect(cost.peakBytes).toBeLessThanOrEqual(LIMIT);
  });

  it('verifies an incremental and its base of 250,000 files each within 256 MB', async () => {
    const cost = await measureManifest('incremental', 250_000);

    expect(cost).toMatchObject({ verdict: 'complete', files: 250_000, objects: 2 });
    expect(cost.peakBytes).toBeLessThanOrEqual(LIMIT);
  });
});
