import { describe, expect, it } from 'vitest';
import { coverageOf } from '../../core/coverage.ts';

describe('what a backup holds of a table', () => {
  it.each([
    'MergeTree',
    'ReplicatedMergeTree',
    'SharedMergeTree',
    'ReplacingMergeTree',
    'ReplicatedVersionedCollapsingMergeTree',
    'SharedAggregatingMergeTree',
    'Log',
    'TinyLog',
    'StripeLog',
    'Memory',
    'MaterializedView',
  ])('of %s is its data', (engine) => {
    expect(coverageOf(engine)).toBe('data');
  });

  it.each([
    'Set',
    'Join',
    'Buffer',
    'Kafka',
    'Distributed',
    'Dictionary',
    'Merge',
    'Null',
    'View',
    'File',
    'S3',
    'URL',
    'EmbeddedRocksDB',
    'MergeTreeLike',
    'My MergeTree',
    'Logs',
    'CatLog',
    'MemoryLike',
    'log',
    '',
  ])('of %j is its definition alone', (engine) => {
    expect(coverageOf(engine)).toBe('schema only');
  });
});
