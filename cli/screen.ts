/**
 * What a verb shows: lines of spans, each with a tone. Texts become harmless here, where they are put together for the
 * terminal, so that no verb can forget it: a table can be named after an escape sequence.
 */
import { styleText } from 'node:util';
import { harmless } from '../core/redaction.ts';
import { textWidth, wrapText } from './text-width.ts';

export const TONES = ['good', 'bad', 'doubtful', 'faint', 'strong'] as const;
export type Tone = (typeof TONES)[number];

export type Span = string | { readonly text: string; readonly tone: Tone };
export type Line = readonly Span[];

const STYLES = { good: 'green', bad: 'red', doubtful: 'yellow', faint: 'dim', strong: 'bold' } as const;

export const good = (text: string): Span => ({ text, tone: 'good' });
export const bad = (text: string): Span => ({ text, tone: 'bad' });
export const doubtful = (text: string): Span => ({ text, tone: 'doubtful' });
export const faint = (text: string): Span => ({ text, tone: 'faint' });
export const strong = (text: string): Span => ({ text, tone: 'strong' });

/** Whole, whatever its length: a RESTORE statement names every table. */
export const textOf = (span: Span): string =>
  harmless(typeof span === 'string' ? span : span.text, Number.POSITIVE_INFINITY);

/** The span with another text of its own, which is already harmless. */
export const withText = (span: Span, text: string): Span =>
  typeof span === 'string' ? text : { ...span, text };

export const line = (...spans: readonly Span[]): Line => spans;
export const EMPTY_LINE: Line = [];

/** One line as the terminal gets it. */
export const renderLine = (spans: Line, colour: boolean): string =>
  spans
    .map((span) =>
      typeof span === 'string' || !colour
        ? textOf(span)
        : styleText(STYLES[span.tone], textOf(span), { validateStream: false }),
    )
    .join('')
    .trimEnd();

/**
 * A sentence broken to the width, with a label before its first line and the others under it.
 *
 * @param label such as `What to do: `; blanks alone indent
 */
export function paragraph(label: Span, text: string, width: number): Line[] {
  const labelWidth = textWidth(textOf(label));
  const room = Math.max(20, width - labelWidth);
  return text
    .split('\n')
    .flatMap((part) => wrapText(textOf(part), room))
    .map((part, index) => (index === 0 ? [label, part] : [' '.repeat(labelWidth), part]));
}
