/** Rows on their way to stdout, at the pace of whoever reads them. */
import type { Output } from './progress.ts';

export interface DataOutput {
  readonly isTerminal: boolean;
  /** Whether something was written: from then on stdout holds data and nothing else. */
  readonly begun: boolean;
  write(piece: Uint8Array): Promise<void>;
}

/**
 * A file or another program gets the bytes as they are. On a terminal, what it would obey is shown instead: a row may hold an
 * escape sequence, and neither ClickHouse's Pretty formats nor TabSeparated take it out.
 */
export function dataOutput(output: Output): DataOutput {
  const decoder = new TextDecoder();
  let begun = false;
  const isTerminal = output.isTTY === true;
  return {
    isTerminal,
    get begun() {
      return begun;
    },
    write: (piece) => {
      begun = true;
      return handOn(output, isTerminal ? visible(decoder.decode(piece, { stream: true })) : piece);
    },
  };
}

const handOn = (output: Output, piece: string | Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    output.write(piece, (error) => (error == null ? resolve() : reject(error)));
  });

/** Every control character but the line break and the tabulator. */
const OBEYED = /(?![\n\t])\p{Cc}/gu;

const visible = (text: string): string =>
  text.replace(
    OBEYED,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
  );
