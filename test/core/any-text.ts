import fc from 'fast-check';

const CODE_POINT = fc.oneof(
  fc.integer({ min: 0, max: 0x7f }),
  fc.integer({ min: 0, max: 0xffff }),
  fc.integer({ min: 0, max: 0x10ffff }),
);
/** What an object of JavaScript has already. */
const INHERITED = ['__proto__', 'constructor', 'toString', 'valueOf'];

/**
 * Texts of any characters, halves of surrogate pairs and controls among them. fast-check's own `unit: 'binary'` takes two
 * seconds to be made, and a test file is loaded thousands of times in a mutation run.
 */
export function anyText({ minLength = 0, maxLength = 10 } = {}): fc.Arbitrary<string> {
  const random = fc
    .array(CODE_POINT, { minLength, maxLength })
    .map((codes) => String.fromCodePoint(...codes));
  const inherited = INHERITED.filter(({ length }) => length >= minLength && length <= maxLength);
  if (inherited.length === 0) return random;
  return fc.oneof({ weight: 19, arbitrary: random }, fc.constantFrom(...inherited));
}
