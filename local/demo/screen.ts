/** What the demonstration looks like: numbered steps, facts under them, one line that moves while something works. */
import { type Output, progressOn, takesColour } from '../../cli/progress.ts';
import {
  EMPTY_LINE,
  faint,
  good,
  type Line,
  line,
  paragraph,
  renderLine,
  type Span,
  strong,
  textOf,
} from '../../cli/screen.ts';
import { textWidth, wrapText } from '../../cli/text-width.ts';

/** Narrow enough for every terminal, and for reading. */
const WIDTH = 80;
const INDENT = '   ';

export class DemoScreen {
  readonly #output: Output;
  readonly #progress: ReturnType<typeof progressOn>;
  readonly #now: () => number;
  #step = 0;
  #stepBegan = 0;

  constructor(output: Output, now: () => number = Date.now) {
    this.#output = output;
    this.#progress = progressOn(output, now);
    this.#now = now;
  }

  print(...lines: readonly Line[]): void {
    this.#progress.clear();
    const colour = takesColour(this.#output);
    for (const each of lines) this.#output.write(`${renderLine(each, colour)}\n`);
  }

  /** Begins a step: its number and what it does. */
  step(title: string): void {
    this.#step += 1;
    this.#stepBegan = this.#now();
    this.print(EMPTY_LINE, line(strong(`${String(this.#step).padStart(2)} ${title}`)));
  }

  /** A sentence under the step. */
  say(text: string): void {
    this.print(...paragraph(INDENT, text, WIDTH));
  }

  /** What is being done at this moment; gone when the next line comes. A log is spared it. */
  show(doing: string): void {
    if (this.#output.isTTY !== true) return;
    const seconds = ((this.#now() - this.#stepBegan) / 1000).toFixed(1);
    this.#progress.show([`${INDENT}${doing}`, '  ', faint(`${seconds} s`)]);
  }

  /** The step came out as it should; with how long it took. */
  done(text: string): void {
    const seconds = `${((this.#now() - this.#stepBegan) / 1000).toFixed(1)} s`;
    const lines = paragraph([INDENT, '✓ '].join(''), text, WIDTH - 9);
    const last = lines.at(-1) ?? [];
    const gap = ' '.repeat(Math.max(1, WIDTH - widthOf(last) - seconds.length));
    this.print(...lines.slice(0, -1).map(ticked), [...ticked(last, lines.length - 1), gap, faint(seconds)]);
  }

  /** Who says what, each on a line of its own, so that the words stand under each other. */
  verdict(who: string, word: Span, about: Span): void {
    this.print(
      line(INDENT, who.padEnd(12), word, ' '.repeat(Math.max(2, 10 - textWidth(textOf(word)))), about),
    );
  }

  /** Two columns: names and what belongs to them. */
  facts(pairs: readonly (readonly [name: string, text: string])[]): void {
    const width = Math.max(...pairs.map(([name]) => textWidth(name)));
    for (const [name, text] of pairs)
      this.print(...paragraph(faint(`${INDENT}${name.padEnd(width)}  `), text, WIDTH));
  }

  /** Somebody else's words, in a frame that is open to the right. */
  quote(heading: string, text: string): void {
    const bar = `${INDENT}│ `;
    this.print(line(INDENT, faint('┌ '), strong(heading)));
    for (const each of text.split('\n')) {
      const label = LABELLED.exec(each)?.[0] ?? '';
      const room = WIDTH - bar.length - label.length;
      for (const [index, part] of wrapText(each.slice(label.length), room).entries())
        this.print(line(faint(bar), index === 0 ? label : ' '.repeat(label.length), part));
    }
    this.print(line(faint(`${INDENT}└`)));
  }
}

/** `What to do:    `: what follows is wrapped beside it. */
const LABELLED = /^[A-Z][\w ]*: +/;

/** The mark of the first line in green. */
function ticked(each: Line, index: number): Span[] {
  const [label = '', ...rest] = each;
  return index === 0 ? [INDENT, good('✓ '), ...rest] : [label, ...rest];
}

const widthOf = (each: Line): number =>
  each.reduce((sum, span) => sum + textWidth(typeof span === 'string' ? span : span.text), 0);
