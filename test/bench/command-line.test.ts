import { describe, expect, it } from 'vitest';
import { DEFAULT_FILE, readBenchCommand } from '../../bench/command-line.ts';

const read = (...typed: string[]) => readBenchCommand(typed, [1, 2, 3]);

describe('the command line of the bench', () => {
  it('measures everything when nothing is named', () => {
    expect(read()).toEqual({ figures: [1, 2, 3], file: DEFAULT_FILE, help: false });
    expect(DEFAULT_FILE).toMatch(/bench\/results\.json$/);
  });

  it('measures the named figures once each, in their own order', () => {
    expect(read('3', '1', '3', '--json', '/tmp/figures.json')).toEqual({
      figures: [1, 3],
      file: '/tmp/figures.json',
      help: false,
    });
  });

  it.each([
    [['4'], 'There is no figure "4"; there are 1, 2, 3.'],
    [['3x'], 'There is no figure "3x"'],
    [['--jsno', 'f'], '--jsno'],
    [['--json'], '--json'],
    [['--json', ''], '--json needs the name of a file'],
  ])('refuses %j', (typed, message) => {
    expect(() => read(...typed)).toThrow(message);
  });
});
