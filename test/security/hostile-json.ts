/** JSON as somebody would send it who wants to see a function fall over. */
import fc from 'fast-check';
import { FOREIGN_TEXT } from '../core/hostile-text.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Keys that every object has already, and some that a schema has. */
const KEYS = fc.constantFrom(
  '__proto__',
  'constructor',
  'toString',
  'length',
  'target',
  'execution',
  'run',
  'input',
  '',
  '\u001b[2J',
  'a'.repeat(5_000),
);

const nested = (depth: number): Json => {
  let json: Json = 'deep';
  for (let level = 0; level < depth; level += 1) json = level % 2 === 0 ? [json] : { again: json };
  return json;
};

/** What stands in the place of a value. */
export const HOSTILE_VALUE: fc.Arbitrary<Json> = fc.oneof(
  FOREIGN_TEXT,
  fc.constantFrom<Json>(
    '',
    ' ',
    '../../etc/passwd',
    'shop/../other',
    '*',
    '%00',
    '\u0000',
    'constructor',
    '__proto__',
    'x'.repeat(50_000),
    '\u001b]0;owned\u0007',
    -1,
    0,
    0.5,
    1e308,
    2 ** 53,
    true,
    null,
    [],
    {},
    '9999-99-99T99:99:99Z',
    '-271821-04-20T00:00:00Z',
    '+275760-09-13T00:00:00Z',
  ),
  fc.integer({ min: 1, max: 40 }).map(nested),
  fc.jsonValue() as fc.Arbitrary<Json>,
  fc.array(fc.tuple(KEYS, fc.constantFrom<Json>('x', 1, null, {})), { maxLength: 4 }).map(objectOf),
);

/** With `__proto__` as a key of its own, as JSON.parse makes it. */
function objectOf(entries: readonly (readonly [string, Json])[]): { [key: string]: Json } {
  const object: { [key: string]: Json } = {};
  for (const [key, value] of entries)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  return object;
}

interface Damage {
  /** Which place of the document, counted through it. */
  readonly place: number;
  readonly how: 'replaced' | 'removed' | 'joined' | 'wrapped';
  /** Of what joins it. */
  readonly key: string;
  readonly value: Json;
}

const DAMAGE: fc.Arbitrary<Damage> = fc.record({
  place: fc.nat(),
  how: fc.constantFrom('replaced', 'removed', 'joined', 'wrapped'),
  key: KEYS,
  value: HOSTILE_VALUE,
});

/** Good documents with one to three places spoilt, and now and then something else altogether. */
export const spoilt = (...good: readonly Json[]): fc.Arbitrary<Json> =>
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc
        .tuple(fc.constantFrom(...good), fc.array(DAMAGE, { minLength: 1, maxLength: 3 }))
        .map(([document, damages]) => damages.reduce(spoil, structuredClone(document))),
    },
    { weight: 1, arbitrary: HOSTILE_VALUE },
  );

function spoil(document: Json, { place, how, key, value: given }: Damage): Json {
  // The same one twice could come to stand in itself.
  const value = structuredClone(given);
  const places = placesIn(document);
  const at = places[place % (places.length + 1)];
  // Beyond the last place is the document itself.
  if (at === undefined) return how === 'wrapped' ? [document] : value;
  const { holder, name } = at;
  const before = Reflect.get(holder, name) as Json;
  if (how === 'removed') Reflect.deleteProperty(holder, name);
  else if (how === 'joined')
    Object.assign(holder, Array.isArray(holder) ? { 0: value } : objectOf([[key, value]]));
  else Reflect.set(holder, name, how === 'wrapped' ? [before] : value);
  return document;
}

interface Place {
  readonly holder: object;
  readonly name: string;
}

function placesIn(json: Json): Place[] {
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).flatMap(([name, value]) => [{ holder: json, name }, ...placesIn(value)]);
}
