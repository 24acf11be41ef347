import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MeasuredFigure, merged, readResults, writeResults } from '../../bench/results-file.ts';

const figure = (number: number, title = `figure ${number}`): MeasuredFigure => ({
  number,
  title,
  measuredAt: '2026-11-20T02:00:00.000Z',
  machine: { processor: 'one', cores: 2, memoryBytes: 1, system: 'linux x64', node: '24.0.0' },
  load: { before: 0, after: 1 },
  measurements: [],
});

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'safehouse-results-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('the file of figures', () => {
  it('keeps the figures that were not measured again, in the order of their numbers', () => {
    const before = [figure(1), figure(3, 'old'), figure(5)];

    expect(merged(before, [figure(3, 'new'), figure(2)]).map(({ number, title }) => [number, title])).toEqual(
      [
        [1, 'figure 1'],
        [2, 'figure 2'],
        [3, 'new'],
        [5, 'figure 5'],
      ],
    );
  });

  it('is read back as it was written, and leaves nothing beside it', () => {
    const file = join(directory, 'results.json');
    writeResults(file, [figure(1)]);

    expect(readResults(file)).toEqual([figure(1)]);
    expect(readdirSync(directory)).toEqual(['results.json']);
  });

  it('is empty before the first time', () => {
    expect(readResults(join(directory, 'none.json'))).toEqual([]);
  });

  it.each(['{"scripts":{}}', 'no JSON', '{"version":2,"figures":[]}'])(
    'that holds something else is refused and stays: %s',
    (content) => {
      const file = join(directory, 'package.json');
      writeFileSync(file, content);

      expect(() => readResults(file)).toThrow('does not hold figures of this bench');
      expect(readFileSync(file, 'utf8')).toBe(content);
    },
  );
});
