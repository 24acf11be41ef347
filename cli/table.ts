/** The one table of the command line: columns as wide as they must be, and one of them as wide as there is room for. */
import { faint, type Line, type Span, textOf, withText } from './screen.ts';
import { cutText, textWidth, wrapText } from './text-width.ts';

export interface Column {
  readonly heading: string;
  readonly align?: 'left' | 'right';
  /** What happens to a text that is wider than the room: broken onto more lines, or cut. Others are never shortened. */
  readonly fit?: 'wrap' | 'cut';
}

const GAP = 2;
/** Narrower than this, a column cannot be read; the line is longer than the terminal instead. */
const NARROWEST = 8;

/** @param width columns of the terminal; Infinity when the output is no terminal */
export function table(columns: readonly Column[], rows: readonly (readonly Span[])[], width: number): Line[] {
  const shown = columns
    .map((column, index) => ({ column, index }))
    .filter(({ index }) => isUsed(rows, index));
  const widths = columnWidths(
    shown.map(({ column, index }) => ({
      column,
      natural: Math.max(textWidth(column.heading), ...rows.map((row) => textWidth(textOf(row[index] ?? '')))),
    })),
    width,
  );
  const toLines = (cells: readonly Span[]): Line[] =>
    layOut(
      shown.map(({ column, index }, position) => ({
        column,
        span: cells[index] ?? '',
        width: widths[position] ?? 0,
      })),
    );
  const headings = columns.map(({ heading }) => faint(heading));
  return [...toLines(headings), ...rows.flatMap(toLines)];
}

/** A column without a single word in it is left out. */
const isUsed = (rows: readonly (readonly Span[])[], index: number): boolean =>
  rows.length === 0 || rows.some((row) => textOf(row[index] ?? '') !== '');

function columnWidths(columns: readonly { column: Column; natural: number }[], width: number): number[] {
  const flexible = columns.filter(({ column }) => column.fit !== undefined);
  const fixed = columns.filter(({ column }) => column.fit === undefined);
  const taken = fixed.reduce((sum, { natural }) => sum + natural, 0) + GAP * (columns.length - 1);
  const wanted = flexible.reduce((sum, { natural }) => sum + natural, 0);
  const room = Math.max(width - taken, 0);
  return columns.map(({ column, natural }) => {
    if (column.fit === undefined || wanted <= room) return natural;
    return Math.min(natural, Math.max(NARROWEST, Math.floor((room * natural) / wanted)));
  });
}

interface Cell {
  readonly column: Column;
  readonly span: Span;
  readonly width: number;
}

/** One row, as many lines as its longest cell needs. */
function layOut(cells: readonly Cell[]): Line[] {
  const contents = cells.map(({ column, span, width }) => {
    const text = textOf(span);
    if (column.fit === 'wrap') return wrapText(text, width);
    return [column.fit === 'cut' ? cutText(text, width) : text];
  });
  const height = Math.max(...contents.map((lines) => lines.length));
  return Array.from({ length: height }, (_, index) =>
    cells.flatMap(({ column, span, width }, position): Span[] => {
      const text = contents[position]?.[index] ?? '';
      const padding = ' '.repeat(Math.max(0, width - textWidth(text)));
      const gap = position === 0 ? '' : ' '.repeat(GAP);
      const cell = withText(span, text);
      return column.align === 'right' ? [gap + padding, cell] : [gap, cell, padding];
    }),
  );
}
