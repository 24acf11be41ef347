/** One file of a backup: the bytes of its objects against its checksum. */
import { FileChecksum } from './cityhash.ts';
import type { ContentFinding, ContentPlace, ContentTally } from './content-findings.ts';
import { ERROR_NAMES, SafehouseError } from './errors.ts';
import type { ManifestFile } from './manifest-file.ts';

/** How to read one backup. Each is called when it is needed and gives a new stream every time. */
export interface ContentStreams {
  /** The bytes of `.backup`. */
  readonly manifest: () => AsyncIterable<Uint8Array>;
  /**
   * The bytes of an object under the backup's prefix. It must throw where it breaks off. When there is no such object it
   * throws SafehouseError `NotFound`, which is a finding; anything else ends the check without a result.
   */
  readonly read: (objectKey: string) => AsyncIterable<Uint8Array>;
}

/** The object that holds a file, or the next part of one that grew since the base was made. */
export interface ContentObject {
  readonly place: ContentPlace;
  readonly holds: 'the whole' | 'the beginning' | 'the end';
  readonly key: string;
  /** How many bytes it must have. */
  readonly size: number;
  /** The checksum of the file up to the end of this object. */
  readonly checksum: string;
  readonly read: ContentStreams['read'];
}

/** The object that holds what a backup itself has of a file; undefined when that is nothing. */
export function objectOf(
  { dataFile, size, baseSize, checksum }: ManifestFile,
  place: ContentPlace,
  read: ContentStreams['read'],
): ContentObject | undefined {
  if (dataFile === null || checksum === null) return undefined;
  const holds = baseSize === 0 ? 'the whole' : 'the end';
  return { place, holds, key: dataFile, size: size - baseSize, checksum, read };
}

/**
 * Reads the objects of a file in turn and compares them. The first that is wrong is the finding, as nothing can be said
 * of what follows it.
 *
 * @param file its name in the manifest
 * @throws whatever the streams throw, but for SafehouseError `NotFound`, which is a finding
 */
export async function compareContent(
  file: string,
  objects: readonly ContentObject[],
  tally: ContentTally,
): Promise<void> {
  const checksum = new FileChecksum();
  let bytes = 0;
  for (const object of objects) {
    const size = await readInto(checksum, object);
    bytes += size ?? 0;
    const wrong = judge(object, size, checksum);
    if (wrong === undefined) continue;
    tally.damaged(() => findingOf(file, object, wrong));
    break;
  }
  tally.compared(bytes);
}

/** How many bytes the object has; one that is too long is not read to its end. Null when it is missing. */
async function readInto(checksum: FileChecksum, { key, size, read }: ContentObject): Promise<number | null> {
  let bytes = 0;
  try {
    for await (const chunk of read(key)) {
      bytes += chunk.length;
      if (bytes > size) break;
      checksum.update(chunk);
    }
  } catch (error) {
    if (error instanceof SafehouseError && error.name === ERROR_NAMES.notFound) return null;
    throw error;
  }
  return bytes;
}

interface Wrong extends Pick<ContentFinding, 'kind' | 'found'> {
  /** What was expected, and what was found. */
  readonly words: string;
}

function judge(object: ContentObject, bytes: number | null, read: FileChecksum): Wrong | undefined {
  const { size, checksum } = object;
  if (bytes === null)
    return { kind: 'missing object', found: null, words: `with ${size} bytes; it is not there` };
  if (bytes !== size)
    return {
      kind: 'other size',
      found: null,
      words: `with ${size} bytes; ${bytes > size ? 'more than that' : bytes} are there`,
    };
  const found = read.digest();
  if (found === checksum) return undefined;
  return {
    kind: 'other content',
    found,
    words: `with the checksum ${checksum}; what is there has ${found}`,
  };
}

function findingOf(file: string, object: ContentObject, { kind, found, words }: Wrong): ContentFinding {
  const { place, key, holds, checksum } = object;
  const where = place === 'base' ? 'In the base backup, ' : '';
  const whose = holds === 'the whole' && key === file ? '' : `, ${holds} of ${file},`;
  return {
    kind,
    place,
    file,
    objectKey: key,
    expected: checksum,
    found,
    sentence: `${where}${key}${whose} is expected ${words}.`,
  };
}
