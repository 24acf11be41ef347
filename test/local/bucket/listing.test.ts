import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { after, listPage, type Page, type Position } from '../../../local/bucket/listing.ts';
import { ObjectIndex } from '../../../local/bucket/object-index.ts';

const BEGINNING: Position = { key: '', including: true };
const bytewise = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

const NAME = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '-', ' ', 'é', '\uFFEE', '\u{1F600}') });
/** Names in which the order of bytes and the order of UTF-16 units often differ. */
const SHORT_NAME = fc.string({ unit: fc.constantFrom('a', '\uFFEE', '\u{1F600}'), maxLength: 3 });
const KEYS = fc.uniqueArray(NAME.filter(Boolean), { maxLength: 40 });
const SHORT_KEYS = fc.uniqueArray(SHORT_NAME.filter(Boolean), { maxLength: 10 });

function indexOf(keys: readonly string[]): ObjectIndex {
  const index = new ObjectIndex(':memory:');
  for (const key of keys) {
    index.put('bucket', { key, size: 0, etag: '', modified: 0, headers: {}, segments: [] });
  }
  return index;
}

/** What S3's documentation says a listing is, over all keys at once. */
function expected(keys: readonly string[], prefix: string, delimiter: string): string[] {
  const names = keys
    .filter((key) => key.startsWith(prefix))
    .map((key) => {
      const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      return end === -1 ? key : key.slice(0, end + delimiter.length);
    });
  return [...new Set(names)].sort(bytewise);
}

const names = (page: Page): string[] =>
  [...page.objects.map(({ key }) => key), ...page.commonPrefixes].sort(bytewise);

it('lists every key and common prefix exactly once, in the order of their bytes, however small the pages', () =>
  fc.assert(
    fc.property(
      KEYS,
      NAME,
      fc.constantFrom('', '/', '-'),
      fc.integer({ min: 1, max: 5 }),
      (keys, prefix, delimiter, most) => {
        const index = indexOf(keys);
        const listed: string[] = [];
        let from: Position | undefined = BEGINNING;
        while (from !== undefined) {
          const page: Page = listPage(index, 'bucket', { prefix, delimiter, from, most });
          expect(names(page).length).toBeLessThanOrEqual(most);
          expect(names(page).at(-1)).toBe(page.last);
          listed.push(...names(page));
          from = page.next;
        }
        index.close();
        expect(listed).toEqual(expected(keys, prefix, delimiter));
      },
    ),
  ));

it('goes on after the last name of a page, be it a key or a common prefix', () =>
  fc.assert(
    fc.property(KEYS, fc.constantFrom('', '/'), fc.integer({ min: 1, max: 5 }), (keys, delimiter, most) => {
      const index = indexOf(keys);
      const first = listPage(index, 'bucket', { prefix: '', delimiter, from: BEGINNING, most });
      const from = first.last === undefined ? BEGINNING : after(first.last, '', delimiter);
      const rest = listPage(index, 'bucket', { prefix: '', delimiter, from, most: 1000 });
      index.close();
      const all = first.last === undefined ? names(rest) : [...names(first), ...names(rest)];
      expect(all).toEqual(expected(keys, '', delimiter));
    }),
  ));

it('begins at the position or at the prefix, whichever comes later', () =>
  fc.assert(
    fc.property(SHORT_KEYS, SHORT_NAME, SHORT_NAME, fc.boolean(), (keys, prefix, key, including) => {
      const index = indexOf(keys);
      const page = listPage(index, 'bucket', { prefix, delimiter: '', from: { key, including }, most: 1000 });
      index.close();
      const wanted = keys.filter((name) => bytewise(name, key) > 0 || (including && name === key));
      expect(names(page)).toEqual(expected(wanted, prefix, ''));
    }),
  ));

it('keeps one bucket out of the listing of another', () => {
  const index = indexOf(['a']);
  const page = listPage(index, 'another', { prefix: '', delimiter: '', from: BEGINNING, most: 10 });
  expect(page.objects).toEqual([]);
  index.close();
});
