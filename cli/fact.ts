import { faint, type Line, paragraph, type Span, textOf } from './screen.ts';

const LABEL = 12;

/** A label and what is to be said under it; nothing where there is nothing to say. */
export const fact = (label: string, text: string, width: number): Line[] =>
  text === '' ? [] : paragraph(faint(`  ${label.padEnd(LABEL)}`), text, width);

/** The same, with a tone for the text. */
export const tonedFact = (label: string, span: Span, width: number): Line[] =>
  fact(label, textOf(span), width).map(([first = '', text = '']) => [
    first,
    typeof span === 'string' ? text : { ...span, text: textOf(text) },
  ]);
