/** How many columns of a terminal a text takes. */

const WIDE =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}]/u;
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

export const graphemes = (text: string): string[] =>
  [...segmenter.segment(text)].map(({ segment }) => segment);

export const graphemeWidth = (grapheme: string): number => (WIDE.test(grapheme) ? 2 : 1);

export const textWidth = (text: string): number =>
  isAscii(text) ? text.length : graphemes(text).reduce((sum, grapheme) => sum + graphemeWidth(grapheme), 0);

/** The beginning of a text that fits, with an ellipsis in place of what was cut. */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let [cut, taken] = ['', 0];
  for (const grapheme of graphemes(text)) {
    taken += graphemeWidth(grapheme);
    if (taken > width - 1) break;
    cut += grapheme;
  }
  return `${cut}…`;
}

/** Breaks a text at its spaces into lines of at most so many columns; a word that is longer than a line is broken. */
export function wrapText(text: string, width: number): string[] {
  if (textWidth(text) <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((whole) => breakWord(whole, width))) {
    if (line !== '' && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function breakWord(word: string, width: number): string[] {
  if (textWidth(word) <= width) return [word];
  const pieces: string[] = [];
  let [piece, taken] = ['', 0];
  for (const grapheme of graphemes(word)) {
    if (taken + graphemeWidth(grapheme) > width && piece !== '') {
      pieces.push(piece);
      [piece, taken] = ['', 0];
    }
    piece += grapheme;
    taken += graphemeWidth(grapheme);
  }
  return [...pieces, piece];
}
