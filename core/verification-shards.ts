/** Which shards a manifest has files of, against those that the cluster had when the backup began. */
import type { ManifestFile } from './manifest-file.ts';
import { shardOfFile } from './shards.ts';
import type { Findings } from './verification-findings.ts';

/** Takes the files of a manifest one by one. */
export class ShardContents {
  readonly #found = new Set<number>();
  /** Files of a shard follow each other, so most of them are known by how they begin. */
  #last: string | undefined;

  add({ name }: Pick<ManifestFile, 'name'>): void {
    if (this.#last !== undefined && name.startsWith(this.#last)) return;
    const shard = shardOfFile(name);
    if (shard === undefined) return;
    this.#found.add(shard);
    this.#last = name.slice(0, name.indexOf('/replicas/') + 1);
  }

  /**
   * Even an empty shard has the definitions of what was backed up. One that came later is nothing wrong.
   *
   * @param expected undefined where nobody knows: then nothing is missing
   */
  findMissing(expected: readonly number[] | undefined, findings: Findings): void {
    for (const shard of expected ?? []) {
      if (this.#found.has(shard)) continue;
      const key = `shards/${shard}/`;
      findings.add(
        'missing shard',
        key,
        () =>
          `Shard ${shard} of ${expected?.length} was in the cluster when the backup began, so ${key} is expected in the manifest; it has no file there. Nothing of that shard could be restored.`,
      );
    }
  }
}
