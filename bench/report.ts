/** The figures on a screen of 80 columns. */
import { bytesText, countText } from '../cli/amounts.ts';
import { bad, doubtful, faint, good, type Line, line, paragraph, type Span, strong } from '../cli/screen.ts';
import { table } from '../cli/table.ts';
import type { Measurement, Skipped, Target, Unit } from './figure.ts';
import type { Machine } from './machine.ts';
import type { MeasuredFigure } from './results-file.ts';

export const WIDTH = 80;

const COLUMNS = [
  { heading: '', fit: 'wrap' },
  { heading: 'measured', align: 'right' },
  { heading: 'from–to' },
  { heading: 'target' },
  { heading: '' },
] as const;

const NOISE =
  'Single times on a shared machine vary by half; the ratios compare what ran alternately in the same run.';

export function report(figures: readonly MeasuredFigure[], machine: Machine): Line[] {
  return [
    line(strong('Figures of Safehouse'), faint(`  ${machineText(machine)}`)),
    ...paragraph('', NOISE, WIDTH).map((each) => line(faint(each.join('')))),
    ...figures.flatMap(figureLines),
  ];
}

function figureLines(figure: MeasuredFigure): Line[] {
  const { number, title, load, measurements, skipped = [], notes = [] } = figure;
  return [
    [],
    line(strong(`${number}  ${title}`)),
    line(faint(`   load ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} after`)),
    ...(measurements.length === 0 ? [] : table(COLUMNS, measurements.map(cells), WIDTH)),
    ...skipped.flatMap(skippedLines),
    ...notes.flatMap((note) => paragraph('· ', note, WIDTH)),
  ];
}

const cells = ({ name, value, unit, spread, target, met }: Measurement): Span[] => [
  name,
  amountText(value, unit),
  spread === undefined ? '' : rangeText(spread, unit),
  target === undefined ? '' : targetText(target, unit),
  met === undefined ? '' : met ? good('met') : bad('missed'),
];

const skippedLines = ({ name, why, remedy }: Skipped): Line[] => [
  ...paragraph(doubtful('not measured: '), `${name}. ${why}`, WIDTH),
  ...paragraph(' '.repeat('not measured: '.length), remedy, WIDTH),
];

/** `69–372 ms`: the unit once, when both have the same. */
function rangeText({ lowest, highest }: NonNullable<Measurement['spread']>, unit: Unit): string {
  const [from, to] = [amountText(lowest, unit), amountText(highest, unit)];
  const [, suffix = ''] = /(\D*)$/.exec(to) ?? [];
  return `${from.endsWith(suffix) ? from.slice(0, from.length - suffix.length) : from}–${to}`;
}

const targetText = (target: Target, unit: Unit): string =>
  'atMost' in target ? `≤ ${amountText(target.atMost, unit)}` : `≥ ${amountText(target.atLeast, unit)}`;

export function amountText(value: number, unit: Unit): string {
  switch (unit) {
    case 'ratio':
    case 'amount':
      return value.toFixed(2);
    case 'times':
      return `${value.toFixed(1)} ×`;
    case 'seconds':
      return `${value.toFixed(value < 10 ? 2 : 1)} s`;
    case 'milliseconds':
      return `${Math.round(value)} ms`;
    case 'bytes':
      return bytesText(value);
    case 'dollars':
      return `$${value.toFixed(4)}`;
    case 'per second':
      return `${countText(value)}/s`;
    case 'count':
      return countText(value);
  }
}

export const machineText = ({ processor, cores, memoryBytes, node }: Machine): string =>
  `${cores} cores ${processor}, ${bytesText(memoryBytes)}, Node ${node}`;
