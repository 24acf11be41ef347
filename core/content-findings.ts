/** What a content check has found out so far. */

export const CONTENT_FINDING_KINDS = [
  /** The object has other bytes than those that were backed up. */
  'other content',
  /** The object is shorter or longer than the manifest says. */
  'other size',
  'missing object',
] as const;
export type ContentFindingKind = (typeof CONTENT_FINDING_KINDS)[number];

/** Where an object lies: under the prefix of the backup itself, or of its base. */
export type ContentPlace = 'backup' | 'base';

export interface ContentFinding {
  readonly kind: ContentFindingKind;
  readonly place: ContentPlace;
  /** The first file of the manifest that has this object; others may share it. */
  readonly file: string;
  readonly objectKey: string;
  /** The checksum in the manifest. */
  readonly expected: string;
  /** The checksum of what is there; null when it has another size, or nothing is there. */
  readonly found: string | null;
  /** One sentence with the file, the object, what was expected and what was found. */
  readonly sentence: string;
}

/** A file of whose content nothing is known: it has not failed, and it has not passed. */
export interface UncheckedFile {
  /** Null when only the number of such files is known. */
  readonly file: string | null;
  readonly sentence: string;
}

/** How many findings and how many unchecked files are named. */
export const CONTENT_NAMED = 100;

/** Counts what was compared; of what is wrong, everything is counted and the first is named. */
export class ContentTally {
  readonly #findings: ContentFinding[] = [];
  readonly #unchecked: UncheckedFile[] = [];
  #damaged = 0;
  #uncheckedFiles = 0;
  #files = 0;
  #bytes = 0;

  /** @param bytes how many were read, whatever came out of it */
  compared(bytes: number): void {
    this.#files++;
    this.#bytes += bytes;
  }

  damaged(finding: () => ContentFinding): void {
    this.#damaged++;
    if (this.#findings.length < CONTENT_NAMED) this.#findings.push(finding());
  }

  unchecked(file: string | null, sentence: () => string, files = 1): void {
    this.#uncheckedFiles += files;
    if (this.#unchecked.length < CONTENT_NAMED) this.#unchecked.push({ file, sentence: sentence() });
  }

  get counts() {
    return {
      files: this.#files,
      bytes: this.#bytes,
      findings: this.#findings as readonly ContentFinding[],
      damaged: this.#damaged,
      unchecked: { count: this.#uncheckedFiles, named: this.#unchecked as readonly UncheckedFile[] },
    };
  }
}
