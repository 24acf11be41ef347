import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quoteIdentifier, quoteString } from '../../core/identifiers.ts';
import { NASTY_TEXT } from './nasty-text.ts';

describe('what is written', () => {
  test('is plain where the name is', () => {
    expect(quoteIdentifier('shop_2026')).toBe('`shop_2026`');
    expect(quoteIdentifier('Größe 中文')).toBe('`Größe 中文`');
    expect(quoteString("it's")).toBe("'it\\'s'");
  });

  test.each([
    ['back`tick', '`back\\`tick`', "'back`tick'"],
    ["it's", "`it's`", "'it\\'s'"],
    ['a\\b', '`a\\\\b`', "'a\\\\b'"],
    ['\0\n\u001b', '`\\x00\\x0A\\x1B`', "'\\x00\\x0A\\x1B'"],
    ['\u202ea\u2028', '`\\xE2\\x80\\xAEa\\xE2\\x80\\xA8`', "'\\xE2\\x80\\xAEa\\xE2\\x80\\xA8'"],
    ['`; DROP DATABASE shop; --', '`\\`; DROP DATABASE shop; --`', "'`; DROP DATABASE shop; --'"],
    ["'; DROP DATABASE shop; --", "`'; DROP DATABASE shop; --`", "'\\'; DROP DATABASE shop; --'"],
  ])('of %j is %s and %s', (text, identifier, string) => {
    expect(quoteIdentifier(text)).toBe(identifier);
    expect(quoteString(text)).toBe(string);
  });

  test('holds nothing that a terminal would obey or an eye would miss', () => {
    fc.assert(
      fc.property(NASTY_TEXT, (text) => {
        expect(quoteString(text)).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
        expect(quoteIdentifier(`a${text}`)).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      }),
    );
  });

  test('is refused where no statement could say it', () => {
    expect(() => quoteIdentifier('')).toThrow(
      new RangeError('a name in ClickHouse must have at least one character, got an empty one'),
    );
    expect(() => quoteIdentifier('a\ud800b')).toThrow(/"a\\ud800b" holds half of a surrogate pair/);
    expect(() => quoteString('\udc00')).toThrow(RangeError);
  });
});
