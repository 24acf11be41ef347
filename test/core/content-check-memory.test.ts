import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const PROCESS = fileURLToPath(new URL('content-check-process.ts', import.meta.url));
const FILES = 100_000;
const MEBIBYTE = 1024 * 1024;

interface Outcome {
  readonly files: number;
  readonly damaged: number;
  /** After a tenth of a manifest and after nine tenths, of the base's too where there is one. */
  readonly memory: readonly { readonly heap: number; readonly buffers: number }[];
}

async function outcomeOf(kind: 'full' | 'incremental'): Promise<Outcome> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    PROCESS,
    String(FILES),
    kind,
  ]);
  return JSON.parse(stdout);
}

function grown({ memory }: Outcome): { heap: number; buffers: number } {
  const [first, last] = [memory[0], memory.at(-1)];
  if (first === undefined || last === undefined) throw new Error('no memory was measured');
  return { heap: last.heap - first.heap, buffers: last.buffers - first.buffers };
}

describe('checkContents of very many files', () => {
  it('holds 34 bytes for each object and no name', async () => {
    const outcome = await outcomeOf('full');

    expect(outcome).toMatchObject({ files: FILES, damaged: 0 });
    expect(outcome.memory).toHaveLength(2);
    expect(grown(outcome).heap).toBeLessThan(4 * MEBIBYTE);
    expect(grown(outcome).buffers).toBeLessThan(FILES * 64);
  });

  it('holds as little for each file of an incremental that lies in the base', async () => {
    const outcome = await outcomeOf('incremental');

    expect(outcome).toMatchObject({ files: FILES, damaged: 0 });
    expect(outcome.memory).toHaveLength(4);
    expect(grown(outcome).heap).toBeLessThan(4 * MEBIBYTE);
    expect(grown(outcome).buffers).toBeLessThan(FILES * 64);
  });
});
