import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { cutText, textWidth, wrapText } from '../../cli/text-width.ts';

const TEXT = fc.string({ unit: 'grapheme', maxLength: 80 });
const WIDTH = fc.integer({ min: 4, max: 40 });

it('counts what a terminal shows', () => {
  expect(textWidth('events')).toBe(6);
  expect(textWidth('Größe')).toBe(5);
  expect(textWidth('e\u0301')).toBe(1);
  expect(textWidth('訂單')).toBe(4);
  expect(textWidth('👩‍🚒')).toBe(2);
});

it('never wraps or cuts to more than the width', async () => {
  await fc.assert(
    fc.property(TEXT, WIDTH, (text, width) => {
      expect(textWidth(cutText(text, width))).toBeLessThanOrEqual(width);
      for (const line of wrapText(text, width)) expect(textWidth(line)).toBeLessThanOrEqual(width);
    }),
  );
});

it('loses nothing when it wraps, except blanks', async () => {
  const withoutBlanks = (text: string): string => text.replaceAll(' ', '');
  await fc.assert(
    fc.property(TEXT, WIDTH, (text, width) => {
      expect(withoutBlanks(wrapText(text, width).join(''))).toBe(withoutBlanks(text));
    }),
  );
});

it('says that it has cut', () => {
  expect(cutText('events', 6)).toBe('events');
  expect(cutText('events', 5)).toBe('even…');
  expect(cutText('訂單訂單', 5)).toBe('訂單…');
});
