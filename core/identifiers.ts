/** Names and texts inside ClickHouse's SQL, written so that any of them comes back byte for byte. */

/** Escaped too: what a terminal would obey or an eye would miss, since statements are printed for people. */
const ESCAPED = /[\\'`\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** ClickHouse reads `\xHH` as a byte; what is longer in UTF-8 becomes several. */
const bytesOf = (character: string): string =>
  [...new TextEncoder().encode(character)]
    .map((byte) => `\\x${byte.toString(16).padStart(2, '0').toUpperCase()}`)
    .join('');

function quote(text: string, mark: '`' | "'"): string {
  if (!text.isWellFormed())
    throw new RangeError(
      `${JSON.stringify(text)} holds half of a surrogate pair, which has no bytes in UTF-8: ClickHouse can neither store nor find it`,
    );
  const written = (character: string): string => {
    if (character === '\\' || character === mark) return `\\${character}`;
    return character === '`' || character === "'" ? character : bytesOf(character);
  };
  return `${mark}${text.replace(ESCAPED, written)}${mark}`;
}

/**
 * The name of a database, table, cluster, user or named collection, in backticks.
 *
 * @throws {RangeError} when it is empty, which ClickHouse takes for a syntax error, or not well-formed Unicode
 */
export function quoteIdentifier(name: string): string {
  if (name === '')
    throw new RangeError('a name in ClickHouse must have at least one character, got an empty one');
  return quote(name, '`');
}

/**
 * A text in single quotes.
 *
 * @throws {RangeError} when it is not well-formed Unicode
 */
export const quoteString = (text: string): string => quote(text, "'");
