/** `npm run bench -- 3 5 --json FILE` */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';

export interface BenchCommand {
  /** The numbers of the figures, each once, in order. */
  readonly figures: readonly number[];
  readonly file: string;
  readonly help: boolean;
}

export const DEFAULT_FILE = fileURLToPath(new URL('results.json', import.meta.url));

/**
 * @param known the numbers of all figures; they are meant when none is named
 * @throws {SafehouseError} InvalidInput
 */
export function readBenchCommand(typed: readonly string[], known: readonly number[]): BenchCommand {
  const { values, positionals } = parse(typed);
  const wrong = positionals.filter((word) => !known.map(String).includes(word));
  if (wrong.length > 0)
    throw usageError(
      `There is no figure ${wrong.map((word) => JSON.stringify(word)).join(', ')}; there are ${known.join(', ')}.`,
    );
  if (values.json === '') throw usageError('--json needs the name of a file.');
  const asked = new Set(positionals.map(Number));
  return {
    figures: asked.size === 0 ? known : known.filter((number) => asked.has(number)),
    file: values.json ?? DEFAULT_FILE,
    help: values.help === true,
  };
}

function parse(typed: readonly string[]) {
  try {
    return parseArgs({
      args: [...typed],
      options: { json: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

const usageError = (what: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.input, {
    what,
    remedy: '`npm run bench` measures everything, `npm run bench -- 3 5` the third and the fifth figure.',
  });
