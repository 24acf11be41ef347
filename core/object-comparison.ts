/** The objects that a listing shows against those that a manifest stands for. */

import type { ListedObject } from './backup-streams.ts';
import { ERROR_NAMES, SafehouseError } from './errors.ts';
import { LOCK, MANIFEST } from './keys.ts';
import { ObjectTable } from './object-table.ts';

/** What a listing says of a backup as a whole. */
export interface ListedBackup {
  /** Every object under the prefix, the manifest and the lock included. */
  readonly objects: number;
  readonly bytes: number;
  /** The size of `.backup`; null when there is none. */
  readonly manifestBytes: number | null;
  readonly locked: boolean;
}

export type ObjectJudgement =
  | { readonly is: 'there' }
  | { readonly is: 'missing' }
  | { readonly is: 'of another size'; readonly listed: number }
  | { readonly is: 'contradicted'; readonly before: number };

const LISTED = 1;
const EXPECTED = 2;
const NAMED = 4;

const THERE: ObjectJudgement = { is: 'there' };

/**
 * Takes a listing first and then what the manifest expects, so that whatever is missing is known by name at once and the
 * manifest is read only once. An entry's number is the size: the listed one, and the expected one as soon as there is.
 */
export class ObjectComparison {
  readonly #table = new ObjectTable();
  #listed = 0;
  #matched = 0;

  /** @throws SafehouseError `IncompleteReading` when the listing contradicts itself */
  async list(listing: AsyncIterable<ListedObject>): Promise<ListedBackup> {
    let objects = 0;
    let bytes = 0;
    let manifestBytes: number | null = null;
    let locked = false;
    for await (const { key, size } of listing) {
      if (!Number.isSafeInteger(size) || size < 0)
        throw contradictory(`gives ${JSON.stringify(key)} the size ${size}`);
      if (key === MANIFEST ? manifestBytes !== null : key === LOCK ? locked : !this.#list(key, size))
        throw contradictory(`has ${JSON.stringify(key)} twice`);
      objects++;
      bytes += size;
      if (key === MANIFEST) manifestBytes = size;
      if (key === LOCK) locked = true;
    }
    return { objects, bytes, manifestBytes, locked };
  }

  #list(key: string, size: number): boolean {
    const index = this.#table.add(key);
    if (!this.#table.mark(index, LISTED)) return false;
    this.#table.setNumber(index, size);
    this.#listed++;
    return true;
  }

  /** Compares one object that the manifest stands for. Called again for the same key, it says whether the sizes agree. */
  expect(key: string, size: number): ObjectJudgement {
    const index = this.#table.add(key);
    const before = this.#table.numberOf(index);
    if (!this.#table.mark(index, EXPECTED)) return before === size ? THERE : { is: 'contradicted', before };
    this.#table.setNumber(index, size);
    if (!this.#table.has(index, LISTED)) return { is: 'missing' };
    this.#matched++;
    return before === size ? THERE : { is: 'of another size', listed: before };
  }

  /** An empty file needs no object, and has one where the backup was written with `deduplicate_files = 0` (measured on 26.7). */
  allowEmpty(key: string): void {
    const index = this.#table.find(key);
    if (index < 0 || !this.#table.has(index, LISTED) || this.#table.numberOf(index) !== 0) return;
    if (this.#table.mark(index, EXPECTED)) this.#matched++;
  }

  /** Takes the name of a file of the manifest; false when it was taken before. */
  name(file: string): boolean {
    return this.#table.mark(this.#table.add(file), NAMED);
  }

  /** How many listed objects nobody expected. */
  get unexpected(): number {
    return this.#listed - this.#matched;
  }

  isUnexpected(key: string): boolean {
    const index = this.#table.find(key);
    return index >= 0 && this.#table.has(index, LISTED) && !this.#table.has(index, EXPECTED);
  }
}

const contradictory = (what: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.incomplete, {
    what: `The listing of the backup ${what}.`,
    remedy:
      'Verify again; if it stays so, the S3 server does not list as S3 does, and nothing can be told from it.',
  });
