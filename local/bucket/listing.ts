import type { ObjectIndex } from './object-index.ts';
import type { StoredObject } from './stored-object.ts';

/** Where a page begins. */
export interface Position {
  readonly key: string;
  /** Whether the key itself belongs to the page. */
  readonly including: boolean;
}

export interface Page {
  readonly objects: readonly StoredObject[];
  readonly commonPrefixes: readonly string[];
  /** Where the next page begins; undefined when this one is the last. */
  readonly next: Position | undefined;
  /** The key or common prefix that comes last in the page. */
  readonly last: string | undefined;
}

export interface PageOptions {
  readonly prefix: string;
  readonly delimiter: string;
  readonly from: Position;
  /** Keys and common prefixes together. */
  readonly most: number;
}

/** One page of the keys under a prefix, in the order of their bytes. */
export function listPage(
  index: ObjectIndex,
  bucket: string,
  { prefix, delimiter, from, most }: PageOptions,
): Page {
  const objects: StoredObject[] = [];
  const commonPrefixes: string[] = [];
  let last: string | undefined;
  let position: Position | undefined = later(from, { key: prefix, including: true });
  while (position !== undefined) {
    let jump: Position | undefined;
    for (const object of index.objectsFrom(bucket, position.key, position.including)) {
      if (!object.key.startsWith(prefix)) break;
      if (objects.length + commonPrefixes.length >= most) {
        return { objects, commonPrefixes, next: { key: object.key, including: true }, last };
      }
      const common = commonPrefixOf(object.key, prefix, delimiter);
      last = common ?? object.key;
      if (common !== undefined) {
        commonPrefixes.push(common);
        jump = past(common);
        break;
      }
      objects.push(object);
    }
    position = jump;
  }
  return { objects, commonPrefixes, next: undefined, last };
}

/** After a key, or after all that a common prefix stands for. */
export const after = (key: string, prefix: string, delimiter: string): Position =>
  commonPrefixOf(key, prefix, delimiter) === key ? past(key) : { key, including: false };

/** No key that begins with the prefix comes later: this character is the last that UTF-8 can hold. */
const past = (prefix: string): Position => ({ key: `${prefix}\u{10FFFF}`, including: true });

function commonPrefixOf(key: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === '' || !key.startsWith(prefix)) return undefined;
  const end = key.indexOf(delimiter, prefix.length);
  return end === -1 ? undefined : key.slice(0, end + delimiter.length);
}

const later = (one: Position, other: Position): Position =>
  Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)) < 0 ? other : one;
