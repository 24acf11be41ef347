import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClusterReplica, shardOfFile, writtenShards } from '../../core/shards.ts';

/** A cluster by its shards, each with its hosts. */
const clusterOf = (...shards: readonly (readonly string[])[]): ClusterReplica[] =>
  shards.flatMap((hosts, shard) =>
    hosts.map((host, replica) => ({ shard: shard + 1, replica: replica + 1, host, port: 9000 })),
  );

describe('the shards that a backup ON CLUSTER has files of', () => {
  it('are all of them, however many replicas each has', () => {
    expect(writtenShards(clusterOf(['a', 'b'], ['c'], ['d', 'e', 'f']))).toEqual([1, 2, 3]);
    expect(writtenShards(clusterOf(['a']))).toEqual([1]);
  });

  it('are not those whose hosts all stand in an earlier one: a host writes under its first place', () => {
    expect(writtenShards(clusterOf(['n1', 'n2'], ['n2', 'n3'], ['n3', 'n1']))).toEqual([1, 2]);
    expect(writtenShards(clusterOf(['localhost'], ['localhost']))).toEqual([1]);
  });

  it('are told apart by port, too', () => {
    const [one, two] = clusterOf(['localhost'], ['localhost']);
    if (one === undefined || two === undefined) throw new Error('two shards');
    expect(writtenShards([one, { ...two, port: 9001 }])).toEqual([1, 2]);
  });

  it('are the same in whatever order the server names them', () => {
    const cluster = fc.array(
      fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1, maxLength: 3 }),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(
        cluster.chain((shards) => {
          const lines = clusterOf(...shards);
          const shuffled = fc.shuffledSubarray(lines, { minLength: lines.length, maxLength: lines.length });
          return fc.record({ lines: fc.constant(lines), shuffled });
        }),
        ({ lines, shuffled }) => {
          const shards = writtenShards(lines);
          expect(writtenShards(shuffled)).toEqual(shards);
          expect(shards[0]).toBe(1);
          // No host is without a place, and no place is one that no host has.
          const hosts = new Set(lines.map(({ host }) => host));
          expect(shards.length).toBeLessThanOrEqual(hosts.size);
          for (const shard of shards) expect(lines.map((line) => line.shard)).toContain(shard);
        },
      ),
    );
  });
});

describe('the shard of a file', () => {
  it.each([
    ['shards/1/replicas/1/metadata/shop.sql', 1],
    ['shards/12/replicas/34/data/shop/orders/all_1_1_0/data.bin', 12],
  ])('%s is %i', (name, shard) => {
    expect(shardOfFile(name)).toBe(shard);
  });

  it.each([
    'metadata/shop.sql',
    'data/shards/1/replicas/1/x',
    'shards/1/metadata/shop.sql',
    'shards/01/replicas/1/x',
    'shards/0/replicas/1/x',
    'shards/x/replicas/1/x',
    'shards/1/replicas/1/',
  ])('%s has none', (name) => {
    expect(shardOfFile(name)).toBeUndefined();
  });
});
