import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifyBackup } from '../../core/verification.ts';
import { Findings } from '../../core/verification-findings.ts';
import { ShardContents } from '../../core/verification-shards.ts';
import {
  type GeneratedBackup,
  generatedBackup,
  headerOf,
  requestOf,
  UUID,
  type WrittenFile,
} from './generated-backup.ts';

const CHECKSUM = 'a'.repeat(32);
const EVENTS = { database: 'shop', name: 'events', engine: 'MergeTree', coverage: 'data' } as const;

/** A backup of one table on a cluster; of an empty shard there is the definition alone. */
function clusterBackup(shards: readonly number[]): GeneratedBackup {
  const files = shards.map((shard): WrittenFile => {
    const name = `shards/${shard}/replicas/1/metadata/shop/events.sql`;
    return { name, size: 200 + shard, checksum: CHECKSUM };
  });
  return {
    header: headerOf(UUID),
    files,
    objects: files.map(({ name, size }) => ({ key: name, size })),
    base: { header: headerOf(UUID), files: [], objects: [] },
    usesBase: false,
    scope: [EVENTS],
  };
}

const verified = (written: readonly number[], shards: readonly number[] | undefined) =>
  verifyBackup({ ...requestOf(clusterBackup(written)), shards });

describe('a backup of a cluster', () => {
  it('is complete when every shard has files in it, an empty one its definitions', async () => {
    expect((await verified([1, 2, 3], [1, 2, 3])).verdict).toBe('complete');
  });

  it('is not when one has none, and the shard is named, first of all', async () => {
    const { verdict, findings, counts } = await verified([1, 3], [1, 2, 3]);
    expect(verdict).toBe('incomplete');
    expect(counts).toEqual({ 'missing shard': 1 });
    expect(findings).toEqual([
      {
        kind: 'missing shard',
        key: 'shards/2/',
        sentence:
          'Shard 2 of 3 was in the cluster when the backup began, so shards/2/ is expected in the manifest; it has no file there. Nothing of that shard could be restored.',
      },
    ]);
  });

  it('is complete with a shard that came later, and where nobody knows the shards', async () => {
    expect((await verified([1, 2, 3], [1, 2])).verdict).toBe('complete');
    expect((await verified([1, 3], undefined)).verdict).toBe('complete');
  });

  it('is not taken for that of one server', async () => {
    await fc.assert(
      fc.asyncProperty(generatedBackup, async (backup) => {
        const { counts } = await verifyBackup({ ...requestOf(backup), shards: [1] });
        expect(counts).toEqual({ 'missing shard': 1 });
      }),
      { numRuns: 30 },
    );
  });
});

describe('shards', () => {
  const FILES = ['metadata/shop.sql', 'metadata/shop/events.sql', 'data/shop/events/all_1_1_0/data.bin'];
  const shard = fc.integer({ min: 1, max: 40 });

  it('are missing exactly when no file lies under them, in whatever order the files come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ shard, replica: shard, file: fc.constantFrom(...FILES) })),
        fc.uniqueArray(shard),
        (files, expected) => {
          const contents = new ShardContents();
          for (const each of files)
            contents.add({ name: `shards/${each.shard}/replicas/${each.replica}/${each.file}` });
          const findings = new Findings();
          contents.findMissing(expected, findings);
          const there = files.map((each) => each.shard);
          const missing = expected.filter((each) => !there.includes(each));
          expect(findings.counts()['missing shard'] ?? 0).toBe(missing.length);
          expect(findings.named().map(({ key }) => key)).toEqual(
            missing.slice(0, 10).map((each) => `shards/${each}/`),
          );
        },
      ),
    );
  });
});
