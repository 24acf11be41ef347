/** What a backup takes from its base, found there and compared. */
import { forEachChosen } from './chosen-files.ts';
import type { ContentTally } from './content-findings.ts';
import { type ContentStreams, compareContent, objectOf } from './content-objects.ts';
import type { ManifestFile } from './manifest.ts';
import { ObjectTable } from './object-table.ts';

/** Files that grew since the base was made are held until its manifest says where they begin: 30 MB at most. */
const MOST_GROWN = 100_000;

const WHOLE = 1;
const FOUND = 2;

/** ClickHouse looks a file up in the base by its size and checksum, not by its name. */
const keyOf = (size: number, checksum: string | null): string => `${checksum} ${size.toString(36)}`;

/** Files of which the base has all bytes, or the first ones. */
export class TakenFromBase {
  readonly #needs = new ObjectTable();
  readonly #grown = new Map<string, ManifestFile[]>();
  #grownFiles = 0;
  #wholeFiles = 0;
  #wholeMissing = 0;

  /** False when there are too many that grew. */
  add(file: ManifestFile): boolean {
    const key = keyOf(file.baseSize, file.baseChecksum);
    if (file.dataFile === null) {
      this.#wholeFiles++;
      if (this.#needs.mark(this.#needs.add(key), WHOLE)) this.#wholeMissing++;
      return true;
    }
    if (this.#grownFiles === MOST_GROWN) return false;
    this.#grownFiles++;
    this.#needs.add(key);
    const alike = this.#grown.get(key);
    if (alike === undefined) this.#grown.set(key, [file]);
    else alike.push(file);
    return true;
  }

  get none(): boolean {
    return this.#needs.entries === 0;
  }

  /** How many files lie wholly in the base. */
  get wholeFiles(): number {
    return this.#wholeFiles;
  }

  /** How many contents of such files no file of the base has had so far. */
  get wholeMissing(): number {
    return this.#wholeMissing;
  }

  /** The files that grew and whose beginning no file of the base has had so far. */
  get grown(): ManifestFile[] {
    return [...this.#grown.values()].flat();
  }

  /** True for the first file of the base that has what is needed. ClickHouse takes the first one, too. */
  isAnswer({ size, checksum }: ManifestFile): boolean {
    const index = this.#needs.find(keyOf(size, checksum));
    if (index < 0 || !this.#needs.mark(index, FOUND)) return false;
    if (this.#needs.has(index, WHOLE)) this.#wholeMissing--;
    return true;
  }

  /** What the file of the base is the answer to. To be asked once for each. */
  takeNeeds({ size, checksum }: ManifestFile): { whole: boolean; grown: readonly ManifestFile[] } {
    const key = keyOf(size, checksum);
    const grown = this.#grown.get(key) ?? [];
    this.#grown.delete(key);
    return { whole: this.#needs.has(this.#needs.find(key), WHOLE), grown };
  }
}

/**
 * Compares in the base what was taken from it, and puts the files that grew together from both.
 *
 * @param own how to read the backup itself
 * @throws as `forEachChosen` does
 */
export async function compareWithBase(
  base: ContentStreams,
  own: Pick<ContentStreams, 'read'> & { readonly atOnce: number },
  taken: TakenFromBase,
  tally: ContentTally,
): Promise<void> {
  const isAnswer = (file: ManifestFile): boolean => taken.isAnswer(file);
  await forEachChosen(base.manifest(), isAnswer, own.atOnce, async (file) => {
    const { whole, grown } = taken.takeNeeds(file);
    const inBase = file.encryptedByDisk ? undefined : objectOf(file, 'base', base.read);
    if (inBase?.holds !== 'the whole') {
      tally.unchecked(file.name, () => unreadable(file), grown.length + (whole ? 1 : 0));
      return;
    }
    if (whole) await compareContent(file.name, [inBase], tally);
    for (const later of grown) {
      const end = objectOf(later, 'backup', own.read);
      const objects = [{ ...inBase, holds: 'the beginning' } as const, ...(end === undefined ? [] : [end])];
      await compareContent(later.name, objects, tally);
    }
  });
  leaveMissing(taken, tally);
}

/** Verification names every one of these. Here they are not to be taken for compared. */
function leaveMissing(taken: TakenFromBase, tally: ContentTally): void {
  const { wholeMissing } = taken;
  if (wholeMissing > 0)
    tally.unchecked(
      null,
      () => `${wholeMissing} contents are expected in the base backup; its manifest does not have them.`,
      wholeMissing,
    );
  for (const { name, baseSize, baseChecksum } of taken.grown)
    tally.unchecked(
      name,
      () =>
        `${name} takes its first ${baseSize} bytes with the checksum ${baseChecksum} from the base backup; its manifest has no such file.`,
    );
}

const unreadable = ({ name, encryptedByDisk }: ManifestFile): string =>
  encryptedByDisk
    ? `The base has ${name} as an encrypted disk holds it, and its checksum is of what was encrypted.`
    : `The base takes ${name} from a base of its own, which was not looked at. A base is expected to be a full backup.`;
