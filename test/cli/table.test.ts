import { expect, it } from 'vitest';
import { bad, renderLine } from '../../cli/screen.ts';
import { table } from '../../cli/table.ts';

const lines = (rendered: ReturnType<typeof table>, colour = false): string[] =>
  rendered.map((line) => renderLine(line, colour));

it('makes columns as wide as they must be, numbers to the right', () => {
  const rendered = table(
    [{ heading: 'NAME' }, { heading: 'SIZE', align: 'right' }],
    [
      ['events', '9.9 GB'],
      ['a', '12.0 GB'],
    ],
    80,
  );
  expect(lines(rendered)).toEqual(['NAME       SIZE', 'events   9.9 GB', 'a       12.0 GB']);
});

it('leaves out a column in which nothing stands', () => {
  const rendered = table(
    [{ heading: 'NAME' }, { heading: 'ON' }, { heading: 'STATE' }],
    [['events', '', 'verified']],
    80,
  );
  expect(lines(rendered)).toEqual(['NAME    STATE', 'events  verified']);
});

it('breaks a reason onto lines under each other, and cuts a name', () => {
  const rendered = table(
    [
      { heading: 'NAME', fit: 'cut' },
      { heading: 'WHY', fit: 'wrap' },
    ],
    [['a name that is long', 'a reason that is longer than there is room for it here']],
    40,
  );
  for (const line of lines(rendered)) expect(line.length).toBeLessThanOrEqual(40);
  expect(lines(rendered)).toEqual([
    'NAME       WHY',
    'a name t…  a reason that is longer than',
    '           there is room for it here',
  ]);
});

it('shows everything where there is no terminal', () => {
  const long = 'x'.repeat(500);
  const rendered = table([{ heading: 'NAME', fit: 'cut' }], [[long]], Number.POSITIVE_INFINITY);
  expect(lines(rendered)).toEqual(['NAME', long]);
});

it('aligns by what is seen, not by what is hidden in a name', () => {
  const rendered = table([{ heading: 'NAME' }, { heading: 'SIZE' }], [['e\u0007v\u202eil\u200b', '1 B']], 80);
  expect(lines(rendered)).toEqual(['NAME  SIZE', 'evil  1 B']);
});

it('colours the word and not its padding', () => {
  const rendered = table([{ heading: 'STATE' }, { heading: 'SIZE' }], [[bad('x'), '1 B']], 80);
  expect(lines(rendered, true)[1]).toBe('\u001b[31mx\u001b[39m      1 B');
});
