import { describe, expect, it } from 'vitest';
import { measured, sampled } from '../../bench/figure.ts';
import { amountText, report, WIDTH } from '../../bench/report.ts';
import type { MeasuredFigure } from '../../bench/results-file.ts';
import { renderLine } from '../../cli/screen.ts';
import { textWidth } from '../../cli/text-width.ts';

const MACHINE = { processor: 'Abacus', cores: 2, memoryBytes: 8e9, system: 'linux x64', node: '24.0.0' };

const FIGURE: MeasuredFigure = {
  number: 1,
  title: 'The whole workflow against the bare BACKUP statement',
  measuredAt: '2026-11-20T02:00:00.000Z',
  machine: MACHINE,
  load: { before: 0.25, after: 2 },
  measurements: [
    sampled('5.0 GB: workflow ÷ BACKUP', { median: 1.125, lowest: 1.06, highest: 1.3, samples: 4 }, 'ratio', {
      atMost: 1.15,
    }),
    measured('a measurement with a name that is much longer than the screen has room for', 7, 'times', {
      atLeast: 8,
    }),
    sampled('import', { median: 70, lowest: 9, highest: 372, samples: 9 }, 'milliseconds'),
  ],
  skipped: [
    { name: 'retention against aws', why: 'There is no aws command.', remedy: 'apt-get install awscli' },
  ],
  notes: ['A sentence that says what a reader has to know, and takes more than one line to do so, at least.'],
};

const screen = (): string[] => report([FIGURE], MACHINE).map((line) => renderLine(line, false));

describe('the report', () => {
  it('fits 80 columns, whatever a measurement is called', () => {
    for (const line of screen()) expect(textWidth(line)).toBeLessThanOrEqual(WIDTH);
  });

  it('shows value, range, target and verdict of each measurement', () => {
    const lines = screen().map((line) => line.replace(/ +/g, ' '));

    expect(lines.some((line) => /BACKUP 1\.1[23] 1\.06–1\.30 ≤ 1\.15 met$/.test(line))).toBe(true);
    expect(lines.some((line) => line.includes('7.0 × ≥ 8.0 × missed'))).toBe(true);
    expect(lines.some((line) => line.includes('import 70 ms 9–372 ms'))).toBe(true);
  });

  it('names what was not measured, why, and what to do', () => {
    const text = screen().join('\n');

    expect(text).toContain('not measured: retention against aws. There is no aws command.');
    expect(text).toContain('apt-get install awscli');
  });

  it('says that the machine is noisy, and how busy it was', () => {
    const text = screen().join(' ');

    expect(text).toContain('Single times on a shared machine');
    expect(text).toContain('load 0.3 before, 2.0 after');
  });

  it.each([
    [0.0054, 'dollars', '$0.0054'],
    [256 * 1024 * 1024, 'bytes', '268.4 MB'],
    [9.994, 'seconds', '9.99 s'],
    [61.26, 'seconds', '61.3 s'],
    [15_137.8, 'per second', '15,138/s'],
    [3.597, 'amount', '3.60'],
  ] as const)('writes %d %s as %s', (value, unit, text) => {
    expect(amountText(value, unit)).toBe(text);
  });
});
