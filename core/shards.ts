/** Which shards of a cluster have a part of their own in a backup that is made ON CLUSTER. */

/** A line of `system.clusters`. Shards and replicas are numbered from 1. */
export interface ClusterReplica {
  readonly shard: number;
  readonly replica: number;
  readonly host: string;
  readonly port: number;
}

/**
 * The numbers of the shards under which files will lie, ascending. Every host writes the definitions of its databases and tables
 * under `shards/<n>/replicas/<m>/`, with the numbers of the first place at which the cluster names it. So where hosts serve
 * several shards, a shard all of whose hosts stand in earlier ones has no files of its own.
 */
export function writtenShards(replicas: readonly ClusterReplica[]): number[] {
  const places = new Map<string, number>();
  for (const { host, port, shard } of replicas.toSorted(inTheirOrder)) {
    const id = `${host}:${port}`;
    if (!places.has(id)) places.set(id, shard);
  }
  return [...new Set(places.values())].sort((one, other) => one - other);
}

const inTheirOrder = (one: ClusterReplica, other: ClusterReplica): number =>
  one.shard - other.shard || one.replica - other.replica;

/** The shard under which ON CLUSTER put a file; undefined for a file of a backup of one server. */
export function shardOfFile(name: string): number | undefined {
  const [, shard] = /^shards\/([1-9]\d{0,8})\/replicas\/[^/]+\/./.exec(name) ?? [];
  return shard === undefined ? undefined : Number(shard);
}
