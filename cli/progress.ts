/** What is under way, on stderr: one line redrawn on a terminal, a plain line now and then elsewhere. */
import { type Line, renderLine, textOf } from './screen.ts';
import { cutText } from './text-width.ts';

export interface Output {
  /** @param written called when it has been handed on, or could not be */
  write(text: string | Uint8Array, written?: (error?: Error | null) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
}

export interface Progress {
  /** Whether it can be redrawn: elsewhere each state of things is a line that stays. */
  readonly isLive: boolean;
  /** Columns; Infinity where it is no terminal. */
  readonly width: number;
  /** Shows the state of things; called as often as one likes. */
  show(current: Line): void;
  /** A line that stays. */
  note(line: Line): void;
  /** Takes the redrawn line away. */
  clear(): void;
}

/** How often a log gets a line, in milliseconds: a backup of twelve hours makes 720. */
const PLAIN_EVERY = 60_000;

/** Whether a stream takes colours: a terminal that knows them, and nobody said NO_COLOR. */
export const takesColour = (output: Output): boolean =>
  output.isTTY === true && (output.hasColors?.() ?? true);

export function progressOn(output: Output, now: () => number): Progress {
  return output.isTTY === true ? redrawn(output) : plain(output, now);
}

function redrawn(output: Output): Progress {
  const colour = takesColour(output);
  let drawn = false;
  const clear = (): void => {
    if (drawn) output.write('\r\u001b[2K');
    drawn = false;
  };
  return {
    isLive: true,
    width: output.columns ?? 80,
    show: (current) => {
      // A line that wraps cannot be redrawn.
      const text = cutText(current.map(textOf).join(''), (output.columns ?? 80) - 1);
      output.write(`\r\u001b[2K${text}`);
      drawn = true;
    },
    note: (noted) => {
      clear();
      output.write(`${renderLine(noted, colour)}\n`);
    },
    clear,
  };
}

function plain(output: Output, now: () => number): Progress {
  let [shownAt, shown] = [Number.NEGATIVE_INFINITY, ''];
  return {
    isLive: false,
    width: Number.POSITIVE_INFINITY,
    show: (current) => {
      // The first word says what is being done: a change of it is news at once.
      const [doing = ''] = current.map(textOf);
      if (doing === shown && now() - shownAt < PLAIN_EVERY) return;
      [shownAt, shown] = [now(), doing];
      output.write(`${renderLine(current, false)}\n`);
    },
    note: (noted) => void output.write(`${renderLine(noted, false)}\n`),
    clear: () => {},
  };
}
