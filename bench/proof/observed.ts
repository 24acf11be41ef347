/** Inside a function's process: says after each invocation how much memory the process has held. */
import { peakBytes } from '../peak-memory.ts';

type Handler = (event: unknown, context: object) => Promise<unknown>;

export const observed =
  (handler: Handler): Handler =>
  async (event, context) => {
    try {
      return await handler(event, context);
    } finally {
      process.stdout.write(`peak bytes ${peakBytes()}\n`);
    }
  };

/** The bytes that a line of the function's log tells of; undefined for every other line. */
export function observation(line: string): number | undefined {
  const [, bytes] = /^peak bytes (\d+)$/.exec(line) ?? [];
  return bytes === undefined ? undefined : Number(bytes);
}
