/** Calls the command line as a shell does, with outputs that are kept. */
import type { ExitCode } from '../../cli/exit-codes.ts';
import { main } from '../../cli/main.ts';
import type { Output } from '../../cli/progress.ts';
import type { Where } from '../../cli/verb.ts';
import type { Installation } from '../../core/installation.ts';

export interface Called {
  readonly exitCode: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
  /** What went to stdout, byte for byte. */
  readonly bytes: Buffer;
  /** What `--json` gave. */
  readonly json: unknown;
  readonly asked: readonly string[];
}

export interface Caller {
  readonly open?: (where: Where) => Promise<Installation>;
  readonly now?: number;
  /** Columns of the terminal; none when it is no terminal. */
  readonly columns?: number;
  readonly interrupt?: AbortSignal;
  /** What the person types when asked; the questions are kept in `asked`. Nobody is there without it. */
  readonly answers?: readonly (string | undefined)[];
  readonly environment?: Readonly<Record<string, string>>;
}

class Kept implements Output {
  text = '';
  readonly #bytes: Uint8Array[] = [];
  readonly isTTY: boolean;
  readonly columns: number;
  constructor(columns: number | undefined) {
    this.isTTY = columns !== undefined;
    this.columns = columns ?? 80;
  }
  write(text: string | Uint8Array, written?: () => void): void {
    const bytes = Buffer.from(text as string);
    this.#bytes.push(bytes);
    this.text += bytes.toString();
    written?.();
  }
  get bytes(): Buffer {
    return Buffer.concat(this.#bytes);
  }
  hasColors(): boolean {
    return false;
  }
}

export async function call(typed: readonly string[], caller: Caller = {}): Promise<Called> {
  const { now, columns, interrupt, answers, environment = {} } = caller;
  const asked: string[] = [];
  const [stdout, stderr] = [new Kept(columns), new Kept(columns)];
  const exitCode = await main(typed, {
    stdout,
    stderr,
    environment,
    now: () => now ?? Date.now(),
    interruptible: () => interrupt ?? new AbortController().signal,
    ask:
      answers === undefined
        ? undefined
        : async (question) => {
            asked.push(question);
            return answers[asked.length - 1];
          },
    open: caller.open ?? (() => Promise.reject(new Error('nothing is to be opened'))),
  });
  return {
    exitCode,
    stdout: stdout.text,
    stderr: stderr.text,
    bytes: stdout.bytes,
    json: parse(stdout.text),
    asked,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
