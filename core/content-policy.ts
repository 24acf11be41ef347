/** Which files of a backup no engine would read when it mounts the backup and checks its tables. */
import { tableOfFile, unescapeForFileName } from './file-names.ts';
import type { ManifestFile } from './manifest-file.ts';

/** A file of a part, or of a projection in a part. `mutations/` has the same depth, and nothing of its names. */
const IN_A_PART = /^data(?:\/[^/]+){3}(?:\/[^/]+\.proj)?\/([^/]+)$/;

/**
 * What a part's `checksums.txt` has checksums for, which `CHECK TABLE` compares. The rest of a part, seen on 26.7, is
 * `checksums.txt` itself, `columns.txt`, `columns_substreams.txt`, `default_compression_codec.txt`, `metadata_version.txt`
 * and `txn_version.txt`. These names are listed rather than those: a file that a newer ClickHouse puts beside them is
 * then read once too often and not once too rarely.
 */
const IN_CHECKSUMS =
  /\.(?:bin|c?mrk[2-4]?|c?idx[2-4]?)$|^(?:count\.txt|ttl\.txt|uuid\.txt|partition\.dat|serialization\.json|statistics\.packed)$/;

/**
 * Whether the content of a file must be compared with the manifest, because `CHECK TABLE` on the mounted backup does not:
 * definitions, what `checksums.txt` does not cover, and everything of a table that the mounted database does not show.
 *
 * @param mountable whether `CHECK TABLE` was run on this table of the mounted backup
 */
export function needsContentCheck(
  { name }: ManifestFile,
  mountable: (database: string, table: string) => boolean,
): boolean {
  const leaf = IN_A_PART.exec(name)?.[1];
  if (leaf === undefined || !IN_CHECKSUMS.test(leaf)) return true;
  const [database = '', table = ''] = tableOfFile(name)?.table.split('/').map(unescapeForFileName) ?? [];
  return !mountable(database, table);
}
