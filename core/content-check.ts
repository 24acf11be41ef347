/**
 * The content check: what lies in the objects of a backup against the checksums in its manifest. With `CHECK TABLE` on the
 * mounted backup it closes the chain of trust: the manifest vouches for a part's `checksums.txt`, and that for the rest of
 * the part.
 */
import { createHash } from 'node:crypto';
import { forEachChosen } from './chosen-files.ts';
import { compareWithBase, TakenFromBase } from './content-base.ts';
import { type ContentFinding, ContentTally, type UncheckedFile } from './content-findings.ts';
import { type ContentStreams, compareContent, objectOf } from './content-objects.ts';
import type { ManifestFile } from './manifest.ts';
import { ObjectTable } from './object-table.ts';

export type { ContentFinding, UncheckedFile } from './content-findings.ts';
export type { ContentStreams } from './content-objects.ts';

export interface ContentCheckRequest extends ContentStreams {
  /** Which files to compare, such as `needsContentCheck`. */
  readonly choose: (file: ManifestFile) => boolean;
  /** How many files are compared at the same time, at least 1. Each holds a chunk of its stream and 2 KiB. */
  readonly atOnce: number;
  /** The base of an incremental. Without it, what lies there is left to the base's own check. */
  readonly base?: ContentStreams;
}

export interface ContentCheck {
  /** Files that were compared. Those that share an object count once. */
  readonly files: number;
  /** Read from their objects. */
  readonly bytes: number;
  /** The first 100. */
  readonly findings: readonly ContentFinding[];
  /** How many findings there are, named above or not. */
  readonly damaged: number;
  /** Chosen files that could not be compared, the first 100 by name. Nobody has vouched for a backup that has any. */
  readonly unchecked: { readonly count: number; readonly named: readonly UncheckedFile[] };
  /** Chosen files that lie wholly in the base, when no base was given. */
  readonly leftToBase: number;
  /** The manifest that was read, to be compared with the one that was verified. */
  readonly manifest: { readonly bytes: number; readonly sha256: string };
}

const COMPARED = 1;

/**
 * Compares the chosen files with their checksums. No manifest is held: memory is about 40 bytes for each object that was
 * compared and for each file that lies wholly in the base.
 *
 * @throws RangeError when `atOnce` is less than 1; SafehouseError `VerificationFailed` for a manifest that cannot be read;
 *   and whatever the streams throw
 */
export async function checkContents(request: ContentCheckRequest): Promise<ContentCheck> {
  const tally = new ContentTally();
  const taken = new TakenFromBase();
  const manifest = new CountedManifest(request.manifest());
  const isToCompare = chooser(request, taken, tally);
  await forEachChosen(manifest.chunks(), isToCompare, request.atOnce, async (file) => {
    const object = objectOf(file, 'backup', request.read);
    if (object !== undefined) await compareContent(file.name, [object], tally);
  });
  if (request.base === undefined) leaveGrown(taken, tally);
  else if (!taken.none) await compareWithBase(request.base, request, taken, tally);
  const leftToBase = request.base === undefined ? taken.wholeFiles : 0;
  return { ...tally.counts, leftToBase, manifest: manifest.end() };
}

/** Sorts the files of the manifest: true for one that is to be compared at once. */
function chooser(
  { choose }: ContentCheckRequest,
  taken: TakenFromBase,
  tally: ContentTally,
): (file: ManifestFile) => boolean {
  /** Equal files are stored once: `columns.txt` is the same in all parts of a table. */
  const objects = new ObjectTable();
  return (file) => {
    if (file.size === 0 || !choose(file)) return false;
    const { name, size, checksum, dataFile } = file;
    if (file.encryptedByDisk) {
      tally.unchecked(
        name,
        () => `${name} is as an encrypted disk holds it, and its checksum is of what was encrypted.`,
      );
      return false;
    }
    if (file.useBase) {
      if (!taken.add(file))
        tally.unchecked(name, () => `${name} is one of too many files that grew since the base was made.`);
      return false;
    }
    // In base 36, as V8 keeps the decimal texts of numbers for a while.
    return objects.mark(objects.add(`${checksum} ${size.toString(36)} ${dataFile}`), COMPARED);
  };
}

function leaveGrown(taken: TakenFromBase, tally: ContentTally): void {
  for (const { name, baseSize } of taken.grown)
    tally.unchecked(
      name,
      () => `${name} takes its first ${baseSize} bytes from the base backup, which was not looked at.`,
    );
}

/** Hands a manifest on and keeps count of it. */
class CountedManifest {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #sha256 = createHash('sha256');
  #bytes = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#source) {
      this.#sha256.update(chunk);
      this.#bytes += chunk.length;
      yield chunk;
    }
  }

  /** To be called once, after the last chunk. */
  end(): ContentCheck['manifest'] {
    return { bytes: this.#bytes, sha256: this.#sha256.digest('hex') };
  }
}
