import { expect, it } from 'vitest';
import { readCommandLine } from '../../cli/command-line.ts';
import { readRequest } from '../../cli/restore-request.ts';
import { VERBS } from '../../cli/verbs.ts';
import { restoreInputSchema } from '../../core/restore-input.ts';

function request(...typed: string[]) {
  const { argument, flags, values } = readCommandLine(['restore', 'shop', ...typed], VERBS);
  return readRequest({ argument, flags, all: (flag) => values.get(flag) ?? [] });
}

it('asks for nothing but the target where nothing else is typed', () => {
  expect(request()).toEqual({ target: 'shop' });
});

it('has a flag for every key of the input', () => {
  const whole = [
    request('--at', '2026-04-02T02:00:00Z', '--to', 'mes', '--as', 'a=b', '--database', 'a', '--quiet', 'no'),
    request(
      '--backup',
      'latest',
      '--mode',
      'append',
      '--table',
      'a.b',
      '--partition',
      'a.c=1',
      '--yes',
      'append',
    ),
    request('--structure-only', '--storage-policy', 'cold', '--accept', 'disk', '--check'),
    request('--drill', '--except', 'a.d'),
  ];
  const keys = new Set(whole.flatMap((each) => Object.keys(each)));
  // `dryRun` is the verb's own: it is the first of the two executions.
  expect([...keys, 'dryRun'].sort()).toEqual(Object.keys(restoreInputSchema.shape).sort());
});

it('reads what is repeated, in the words of the workflow', () => {
  expect(
    request(
      '--table',
      'shop.orders',
      '--table',
      'shop.with.dots',
      '--partition',
      'shop.a=b=202604, 202605',
      '--mode',
      'intoExisting',
      '--accept',
      'disk',
      '--accept',
      'disk',
      '--yes',
      'x',
      '--yes',
      'y',
    ),
  ).toEqual({
    target: 'shop',
    mode: 'intoExisting',
    tables: [
      { database: 'shop', table: 'orders' },
      { database: 'shop', table: 'with.dots' },
    ],
    partitions: [{ table: { database: 'shop', table: 'a=b' }, ids: ['202604', '202605'] }],
    accept: ['disk'],
    confirm: ['x', 'y'],
  });
});

it('takes a name that is made to break out of quotes as it is', () => {
  const name = '`we"ird`\'; DROP';
  expect(request('--table', `${name}.${name}`).tables).toEqual([{ database: name, table: name }]);
  expect(request('--as', `${name}=__proto__`).as).toEqual({ [name]: '__proto__' });
  expect(Object.keys(request('--as', '__proto__=x').as ?? {})).toEqual(['__proto__']);
});

it.each([
  ['yes', true],
  ['no', false],
])('takes --quiet %s', (typed, quiet) => {
  expect(request('--quiet', typed)).toEqual({ target: 'shop', quiet });
});

it.each([['.orders'], ['shop.'], ['shop']])('refuses the table %j', (table) => {
  expect(() => request('--table', table)).toThrow('must be a database, a dot, and a table');
});

it.each([['shop.orders='], ['=1'], ['shop.orders=1,,2'], ['orders=1']])(
  'refuses the partition %j',
  (typed) => {
    expect(() => request('--partition', typed)).toThrow('must be a table, "=", and ids');
  },
);
