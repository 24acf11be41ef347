import { expect, test, vi } from 'vitest';
import { observation, observed } from '../../../bench/proof/observed.ts';

const linesOf = async (work: () => Promise<unknown>): Promise<string[]> => {
  const lines: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((line) => {
    lines.push(String(line).trimEnd());
    return true;
  });
  await work().finally(() => write.mockRestore());
  return lines;
};

test('a handler answers as before, and its process says how much memory it has held', async () => {
  const lines = await linesOf(async () => {
    expect(await observed(async (event) => ({ event }))(7, {})).toEqual({ event: 7 });
  });

  const [bytes] = lines.flatMap((line) => observation(line) ?? []);
  expect(bytes).toBeGreaterThan(20_000_000);
  expect(bytes).toBeLessThan(100_000_000_000);
});

test('it says so of a handler that fails, too', async () => {
  const failing = observed(() => Promise.reject(new Error('no memory')));
  const lines = await linesOf(() => expect(failing(7, {})).rejects.toThrow('no memory'));

  expect(lines.flatMap((line) => observation(line) ?? [])).toHaveLength(1);
});

test.each(['', 'peak bytes', 'peak bytes 12 and more', '{"peakBytes":12}'])(
  '%j is no observation',
  (line) => {
    expect(observation(line)).toBeUndefined();
  },
);
